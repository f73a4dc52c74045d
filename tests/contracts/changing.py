"""A copy of the contracts to be changed, and what the gate says of it."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy.basudara.contracts import gate
from deploy.basudara.contracts.compare.sides import Change, Side
from deploy.basudara.manifests import agencies

from .catalogue import CONTRACTS, ROOT

REQUESTED = "id.basudara.referral.referral.requested.v1"
CLOSED = "id.basudara.intake.consent.closed.v1"  # no service reads it
PLACED = "id.basudara.training.placement.accepted.v1"
HEARD_BY = {  # of REQUESTED, by catalogue and manifests
    "bapas-ambon notification messages", "dinkop-ambon training placements", "disnaker-ambon notification messages",
    "disnaker-ambon training placements", "disperindag-ambon training placements",
}  # fmt: skip
TRAINING = {party for party in HEARD_BY if " training " in party}
Edit = Callable[[Any], None]


ALL = agencies(ROOT / "deploy" / "agencies")


@cache
def side(folder: Path) -> Side:
    return Side(folder, ALL)


class Contracts:
    """A copy of the contracts to be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(CONTRACTS, folder)

    def schema(self, kind: str, edit: Edit) -> None:
        self.json(f"events/{kind}/schema.json", edit)

    def json(self, name: str, edit: Edit) -> None:
        file = self.folder / name
        document = json.loads(file.read_text())
        edit(document)
        file.write_text(json.dumps(document))

    def catalogue(self, edit: Edit) -> None:
        file = self.folder / "asyncapi.yaml"
        document = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        edit(document)
        file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False))

    def remove(self, name: str) -> None:
        place = self.folder / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()

    def since(self, old: Path = CONTRACTS) -> list[Change]:
        return gate.changes(side(old) if old == CONTRACTS else Side(old, ALL), Side(self.folder, ALL))


def breaking(found: list[Change]) -> list[Change]:
    return [one for one in found if one.breaking]


def broken_by(found: list[Change]) -> set[str]:
    return {str(party) for one in breaking(found) for party in one.breaks}


def member(name: str, **new: Any) -> Edit:
    return lambda schema: schema["properties"][name].update(new)


def without_member(name: str) -> Edit:
    def edit(schema: Any) -> None:
        del schema["properties"][name]
        schema["required"].remove(name)

    return edit


def with_member(name: str, schema_of_it: Any) -> Edit:
    def edit(schema: Any) -> None:
        schema["properties"][name] = schema_of_it
        schema["required"].append(name)

    return edit
