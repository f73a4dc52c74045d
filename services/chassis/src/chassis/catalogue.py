"""The one catalogue, `contracts/asyncapi.yaml`, as the chassis uses it: where a type travels, under which key,
what its payload must be, and which topics a group reads. Nothing about a topic is written anywhere else."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs

from chassis import strict_yaml
from chassis.errors import Expected

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ANY_CODE = "[a-z][a-z0-9-]*"  # inside a topic name: a code never holds the separator, so a prefix can't match


class NotInCatalogue(Expected):
    """A defect of this installation: code and catalogue are not in step. Facts say what is missing."""

    code = "not_in_catalogue"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One row of the catalogue. `key`: payload members in order of preference; `readers`: of own, reader, parties."""

    name: str
    address: str
    service: str
    readers: frozenset[str]
    key: tuple[str, ...]
    types: frozenset[str]
    partitions: int
    configuration: Mapping[str, str]

    def topic(self, **parameters: str) -> str:
        """The address filled in. Raises NotInCatalogue for a missing or malformed parameter."""
        for name in re.findall(r"{(\w+)}", self.address):
            if not CODE.fullmatch(parameters.get(name) or ""):
                raise NotInCatalogue(channel=self.name, parameter=name)
        return self.address.format(**parameters)

    def pattern(self, **parameters: str) -> str:
        """A regular expression over topic names; a parameter that is not given may be any code."""
        text = re.escape(self.address).replace(r"\{", "{").replace(r"\}", "}")
        return text.format_map(_Any(parameters))

    def key_of(self, data: Mapping[str, Any]) -> str:
        for member in self.key:
            if data.get(member):
                return str(data[member])
        raise NotInCatalogue(channel=self.name, key="none of its members is in the payload")


class _Any(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return _ANY_CODE


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One receive operation: which topics of a channel a group reads. `origin`: own, to-me, parties."""

    channel: Channel
    service: str
    group: str
    origin: str
    types: frozenset[str]

    def pattern(self, agency: str) -> str:
        given = {"own": {"owner": agency}, "to-me": {"reader": agency}, "parties": {}}[self.origin]
        return self.channel.pattern(**given)


class Catalogue:
    """Read once at start. Raises NotInCatalogue when asked for what it does not hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        document = strict_yaml.loads((folder / "asyncapi.yaml").read_text())
        self.channels = {name: _channel(name, row, document) for name, row in document["channels"].items()}
        self.readings = [
            _reading(row, self.channels) for row in document["operations"].values() if row["action"] == "receive"
        ]

    @cached_property
    def _by_type(self) -> dict[str, Channel]:
        return {kind: channel for channel in self.channels.values() for kind in channel.types}

    def channel_of(self, kind: str) -> Channel:
        if kind not in self._by_type:
            raise NotInCatalogue(event_type=kind)
        return self._by_type[kind]

    def patterns(self, service: str, group: str, agency: str) -> list[str]:
        """Topic patterns of all that this group reads, its own retry topic not among them."""
        found = [row.pattern(agency) for row in self.readings if (row.service, row.group) == (service, group)]
        if not found:
            raise NotInCatalogue(service=service, group=group)
        return sorted(set(found))

    def topics(self, services: Mapping[str, frozenset[str]], pairs: frozenset[tuple[str, str]]) -> dict[str, Channel]:
        """Every topic of an installation. `services`: what each agency runs (`agreement`: keeps the register);
        `pairs`: (writing agency, reading agency) that an agreement joins."""
        found: dict[str, Channel] = {}
        for channel in self.channels.values():
            for owner, runs in services.items():
                for parameters in self._parameters(channel, runs, [to for of, to in pairs if of == owner]):
                    found[channel.topic(owner=owner, **parameters)] = channel
        return found

    def _parameters(self, channel: Channel, runs: frozenset[str], readers: list[str]) -> list[dict[str, str]]:
        if "{group}" in channel.address:
            groups = {(row.service, row.group) for row in self.readings if row.service in runs}
            return [{"service": service, "group": group} for service, group in sorted(groups)]
        if channel.service not in runs:
            return []
        return [{"reader": reader} for reader in readers] if "{reader}" in channel.address else [{}]

    def validator(self, kind: str) -> jsonschema_rs.Draft202012Validator:
        """The compiled payload schema of a type, formats asserted."""
        file = self.folder / "events" / kind / "schema.json"
        if not file.is_file():
            raise NotInCatalogue(event_type=kind)
        return jsonschema_rs.Draft202012Validator(json.loads(file.read_text()), validate_formats=True)


def _channel(name: str, row: Mapping[str, Any], document: Mapping[str, Any]) -> Channel:
    own, kafka = row["x-basudara"], _pointed_at(row["bindings"], document)["kafka"]
    return Channel(
        name=name,
        address=row["address"],
        service=own["owner"],
        readers=frozenset(own["readers"]),
        key=tuple(own["key"]),
        types=frozenset(kind for kind in row.get("messages", {}) if kind.startswith("id.basudara.")),
        partitions=kafka["partitions"],
        configuration={key: _setting(value) for key, value in kafka.get("topicConfiguration", {}).items()},
    )


def _pointed_at(part: Mapping[str, Any], document: Any) -> Mapping[str, Any]:
    """The part itself, or what its reference inside the document points at."""
    if "$ref" not in part:
        return part
    for step in part["$ref"].removeprefix("#/").split("/"):
        document = document[step]
    found: Mapping[str, Any] = document
    return found


def _setting(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _reading(row: Mapping[str, Any], channels: Mapping[str, Channel]) -> Reading:
    own = row["x-basudara"]
    return Reading(
        channel=channels[row["channel"]["$ref"].removeprefix("#/channels/")],
        service=own["service"],
        group=own["group"],
        origin=own["from"],
        types=frozenset(message["$ref"].rsplit("/", 1)[1] for message in row["messages"]),
    )
