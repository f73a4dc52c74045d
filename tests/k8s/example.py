"""The shipped example as it is rendered, and ways to look at it and to break it."""

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from chassis.catalogue import Catalogue
from deploy.basudara import manifests
from deploy.basudara.kubernetes import tree, values
from deploy.basudara.manifests import Agency, Agreement

ROOT = Path(__file__).resolve().parents[2]
TRACKED = ROOT / "deploy" / "k8s" / "rendered"
CATALOGUE = Catalogue(ROOT / "contracts")
VALUES = values.read(ROOT / "deploy" / "k8s" / "values.yaml")

Document = dict[str, Any]


def agencies() -> dict[str, Agency]:
    return manifests.agencies(ROOT / "deploy" / "agencies")


def agreements() -> list[Agreement]:
    return [manifests.agreement(file) for file in sorted((ROOT / "deploy" / "agreements").glob("*.yaml"))]


@cache
def _rendered() -> tree.Tree:
    return tree.rendered(CATALOGUE, agencies(), agreements(), VALUES)


def rendered() -> tree.Tree:
    """A fresh one, to be broken at will."""
    return copy.deepcopy(_rendered())


def of_kind(made: tree.Tree, kind: str) -> Iterator[Document]:
    for documents in made.values():
        yield from (one for one in documents if one["kind"] == kind)


def named(made: tree.Tree, kind: str, name: str, namespace: str | None = None) -> Document:
    """The only one, or the one in this namespace."""
    found = [one for one in of_kind(made, kind) if one["metadata"]["name"] == name]
    if namespace is not None:
        found = [one for one in found if one["metadata"].get("namespace") == namespace]
    (one,) = found
    return one
