"""The whole installation as files: rendered, held against every rule, written, or compared with what is there."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from chassis.catalogue import Catalogue
from deploy.basudara import rights
from deploy.basudara.agreements import is_open
from deploy.basudara.kubernetes import names, schemas
from deploy.basudara.kubernetes.agency import agency_files, card_pairs
from deploy.basudara.kubernetes.broker import broker_files
from deploy.basudara.kubernetes.links import Links
from deploy.basudara.kubernetes.places import Document
from deploy.basudara.kubernetes.values import Values
from deploy.basudara.manifests import Agency, Agreement

HEAD = "# Rendered by `basudara render k8s`: change manifests, agreements, the catalogue or values.yaml, not this.\n"

Tree = dict[str, list[Document]]  # path -> resources


def rendered(
    catalogue: Catalogue, agencies: Mapping[str, Agency], agreements: Iterable[Agreement], values: Values
) -> Tree:
    """Raises BadFile: a subscriber of a channel that the catalogue lacks."""
    open_ = [one for one in agreements if is_open(one)]
    wanted, pairs = rights.wanted(catalogue, agencies, open_), card_pairs(agencies.values(), open_)
    tree = {f"kafka/{name}": documents for name, documents in broker_files(wanted, values).items()}
    for code, one in sorted(agencies.items()):
        for name, documents in agency_files(one, pairs, values).items():
            tree[f"agencies/{code}/{name}"] = documents
    return tree


def findings(tree: Tree) -> list[str]:
    """One line for each breach: file, resource, place and rule. What is misshapen is not looked at any further."""
    links = Links(document for _, document in _each(tree))
    for breaches in (schemas.breaches, names.breaches, links.breaches):
        if found := [_line(path, one, breach) for path, one in _each(tree) for breach in breaches(one)]:
            return found
    return []


def kinds(tree: Tree) -> Counter[str]:
    return Counter(document["kind"] for _, document in _each(tree))


def write(tree: Tree, folder: Path) -> None:
    """Files of a rendering before that this one lacks go."""
    for file in _there(folder):
        if file.relative_to(folder).as_posix() not in tree:
            file.unlink()
    for path, documents in tree.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(documents))


def out_of_step(tree: Tree, folder: Path) -> list[str]:
    there = {file.relative_to(folder).as_posix() for file in _there(folder)}
    found = [f"{folder / path} is missing" for path in sorted(set(tree) - there)]
    found += [f"{folder / path} is too much" for path in sorted(there - set(tree))]
    for path in sorted(there & set(tree)):
        if (folder / path).read_text() != text(tree[path]):
            found.append(f"{folder / path} is not in step with manifests, agreements, catalogue and values")
    return found


def text(documents: Iterable[Document]) -> str:
    dumped = [yaml.dump(one, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120) for one in documents]
    return HEAD + "---\n" + "---\n".join(dumped)


class _Plain(yaml.SafeDumper):
    """Without anchors: what is said twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, told: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", told, style="|" if "\n" in told else None)


_Plain.add_representer(str, _string)


def _each(tree: Tree) -> Iterable[tuple[str, Document]]:
    return ((path, document) for path, documents in tree.items() for document in documents)


def _there(folder: Path) -> list[Path]:
    return sorted(folder.glob("kafka/*.yaml")) + sorted(folder.glob("agencies/*/*.yaml"))


def _line(path: str, document: Document, breach: str) -> str:
    return f"{path}: {document.get('kind')} {document.get('metadata', {}).get('name')}: {breach}"
