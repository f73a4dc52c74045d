"""One side of a comparison: a folder of contracts as it was or is, and who reads what in which agency."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from chassis.catalogue import Reading
from deploy.basudara.contracts import strict
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.compare.verdicts import NotASchema, validator
from deploy.basudara.manifests import Agency, BadFile

NOBODY = "any agency"  # no manifest here runs that service
OWN_GROUPS = "-"  # a subscriber names them himself


class Party(NamedTuple):
    """A consumer group of one agency, as a finding names it."""

    agency: str
    service: str
    group: str

    def __str__(self) -> str:
        return f"{self.agency} {self.service} {self.group}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that is not as it was. `breaks`: who can no longer read; `breaking`: False, it is only told."""

    file: str
    pointer: str
    rule: str
    found: str
    breaks: tuple[Party, ...] = ()
    breaking: bool = True
    witness: Any = None
    has_witness: bool = False


class Side:
    """Raises BadFile for what can't be read or is no schema."""

    def __init__(self, folder: Path, agencies: dict[str, Agency]) -> None:
        self.folder = folder
        self.contracts = Contracts(folder)
        self.agencies = agencies
        self.readings: list[Reading] = self.contracts.catalogue.readings

    @cached_property
    def schemas(self) -> dict[str, Any]:
        """The payload schema of each type that has one."""
        return {file.parent.name: schema_in(file) for file in sorted(self.folder.glob("events/*/schema.json"))}

    @cached_property
    def readers(self) -> dict[tuple[str, str], dict[str, str]]:
        """The fields that a (service, type) uses, or a subscriber's: he is called AGENCY.NAME, and no service is."""
        found = {}
        for file in sorted(self.folder.glob("readers/*/*.json")):
            told = json_in(file)
            fields = told.get("fields") if isinstance(told, dict) else None
            if not isinstance(fields, dict) or not all(isinstance(kinds, str) for kinds in fields.values()):
                raise BadFile(f"{file}: fields: must be a path and its JSON types for each")
            found[file.parent.name, file.stem] = fields
        return found

    def examples(self, kind: str) -> dict[str, Any]:
        return {file.name: json_in(file) for file in sorted(self.folder.glob(f"events/{kind}/examples/*.json"))}

    def channel(self, name: str) -> dict[str, Any]:
        """A channel with its references followed."""
        found: dict[str, Any] = self.whole(self.contracts.document["channels"][name])
        return found

    def whole(self, node: Any, depth: int = 0) -> Any:
        """The node with every reference within the catalogue followed, but those that name channels and messages."""
        if isinstance(node, list):
            return [self.whole(one, depth + 1) for one in node]
        if not isinstance(node, dict) or depth > strict.MAX_DEPTH:
            return node
        target = node.get("$ref", "")
        if target.startswith("#/components/") and not target.startswith("#/components/messages/"):
            return self.whole(self._at(target), depth + 1)
        return {name: self.whole(value, depth + 1) for name, value in node.items()}

    def _at(self, target: str) -> Any:
        found: Any = self.contracts.document
        for step in target.removeprefix("#/").split("/"):
            if not isinstance(found, dict) or step not in found:
                raise BadFile(f"{self.folder / 'asyncapi.yaml'}: {target} leads nowhere")
            found = found[step]
        return found

    def parties(self, rows: Iterable[Reading]) -> Iterator[Party]:
        """Every agency's group behind these receive operations."""
        for row in rows:
            owner = row.channel.service
            runs = [one for one in self.agencies.values() if row.service in one.services]
            if row.origin == "own":
                runs = [one for one in runs if owner in one.owns()]
            for agency in [one.agency for one in runs] or [NOBODY]:
                yield Party(agency, row.service, row.group)

    def subscribers(self, kinds: Container[str], only: str | None = None) -> Iterator[Party]:
        """Foreign software that said what it uses of one of these types."""
        for reader, kind in self.readers:
            agency, dot, name = reader.partition(".")
            if dot and kind in kinds and only in (None, reader):
                yield Party(agency, name, OWN_GROUPS)


def readers_of(sides: Iterable[Side], kind: str, reader: str | None = None) -> tuple[Party, ...]:
    """Who reads a type on any side: one service, one subscriber, or all."""
    found: set[Party] = set()
    for side in sides:
        found.update(side.parties(row for row in side.readings if kind in row.types and reader in (None, row.service)))
        found.update(side.subscribers({kind}, reader))
    return tuple(sorted(found))


def json_in(file: Path) -> Any:
    """Raises BadFile."""
    try:
        return strict.from_json(file.read_bytes())
    except OSError as error:
        raise BadFile(f"{file}: cannot be read: {error.strerror}") from None
    except strict.Broken as broken:
        first = broken.findings[0]
        raise BadFile(f"{file}#{first.pointer}: {first.rule}: {first.found}") from None


def schema_in(file: Path) -> Any:
    """Raises BadFile: no schema can be compared that is none."""
    schema = json_in(file)
    try:
        validator(schema)
    except NotASchema as error:
        raise BadFile(f"{file}: no schema of JSON Schema 2020-12: {error}") from None
    return schema
