"""All that the site tells, put together: services, channels, events with schema and examples, readers, words."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.basudara.contracts.docs.source import (
    Channel,
    Document,
    Member,
    Message,
    Operation,
    Service,
    Uses,
    followed,
    read_json,
    read_text,
    read_yaml,
    valid,
)
from deploy.basudara.manifests import BadFile

_ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \|$")


@dataclass(frozen=True, kw_only=True)
class Word:
    """A row of the glossary. `place`: where it stands on its page."""

    term: str
    meaning: str
    identifier: str
    place: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One type. `examples` by name, as they travel; `key`: what its record's key is."""

    kind: str
    message: Message
    channel: str
    schema: Member
    schema_text: str
    examples: dict[str, Any]
    key: str

    @property
    def service(self) -> str:
        return self.kind.split(".")[2]

    @property
    def newer(self) -> str:
        """The name that the next version of this type would have."""
        stem, version = self.kind.rsplit(".v", 1)
        return f"{stem}.v{int(version) + 1}"


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    document: Document
    events: dict[str, Event]
    uses: dict[tuple[str, str], Uses]
    glossary: dict[str, list["Word"]]
    indonesian: dict[str, str]

    @property
    def channels(self) -> dict[str, Channel]:
        """Those that carry events."""
        return {name: row for name, row in self.document.channels.items() if row.messages}

    @property
    def copies(self) -> dict[str, Channel]:
        """Those that carry copies of records, for the service that made them alone."""
        return {name: row for name, row in self.document.channels.items() if not row.messages}

    @cached_property
    def services(self) -> dict[str, Service]:
        """Every service that writes or reads, in the order of its first channel."""
        named = [row.facts.owner for row in self.channels.values()]
        named += [row.facts.service for row in self.document.operations.values()]
        told = self.document.facts.services
        return {name: told.get(name, Service()) for name in dict.fromkeys(named)}

    def readings(self, *, service: str = "", channel: str = "", kind: str = "") -> Iterator[Operation]:
        """Receive operations of a service, on a channel, of a type; what is not named may be any."""
        for row in self.document.operations.values():
            if (
                row.action == "receive"
                and service in ("", row.facts.service)
                and channel in ("", row.channel_name)
                and (not kind or kind in row.kinds)
            ):
                yield row


def load(folder: Path) -> Catalogue:
    """Raises BadFile."""
    file = folder / "asyncapi.yaml"
    told = read_yaml(file)
    if not isinstance(told, dict):
        raise BadFile(f"{file}: not an AsyncAPI document: a mapping is needed")
    document = valid(Document, file, _with_bindings(file, told))
    _check_operations(file, document)
    words = folder / "indonesian.yaml"
    return Catalogue(
        document=document,
        events={kind: _event(folder, told, document, kind) for kind in document.components.messages},
        uses=dict(_uses(folder / "readers")),
        glossary=_glossary(folder / "glossary.md"),
        indonesian=_translations(words) if words.exists() else {},
    )


def _with_bindings(file: Path, told: dict[str, Any]) -> dict[str, Any]:
    """The document with the bindings of its channels in their place."""
    channels = told.get("channels")
    if not isinstance(channels, dict):
        return told
    filled = {
        name: {**row, "bindings": followed(file, told, row.get("bindings"), f"/channels/{name}/bindings")}
        if isinstance(row, dict)
        else row
        for name, row in channels.items()
    }
    return {**told, "channels": filled}


def _check_operations(file: Path, document: Document) -> None:
    for name, row in document.operations.items():
        if row.channel_name not in document.channels:
            raise BadFile(f"{file}: /operations/{name}/channel: {row.channel.ref} leads nowhere")
        for kind in row.kinds:
            if kind not in document.channels[row.channel_name].messages:
                raise BadFile(f"{file}: /operations/{name}/messages: {kind} is not on {row.channel_name}")
    for name in ("envelope", "headers"):
        if name not in document.components.schemas:
            raise BadFile(f"{file}: /components/schemas/{name}: Field required")


def _event(folder: Path, told: dict[str, Any], document: Document, kind: str) -> Event:
    file = folder / "asyncapi.yaml"
    seats = [name for name, row in document.channels.items() if kind in row.messages]
    if len(seats) != 1:
        raise BadFile(f"{file}: /components/messages/{kind}: must be on one channel, is on {len(seats)}")
    message = document.components.messages[kind]
    binding = followed(file, told, message.bindings, f"/components/messages/{kind}/bindings")
    home = folder / "events" / kind
    schema = read_json(home / "schema.json")
    try:
        key = str(binding["kafka"]["key"]["description"])
    except (TypeError, KeyError):
        raise BadFile(f"{file}: /components/messages/{kind}/bindings: kafka.key.description is missing") from None
    return Event(
        kind=kind,
        message=message,
        channel=seats[0],
        schema=valid(Member, home / "schema.json", schema),
        schema_text=json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        examples=dict(_examples(home / "examples")),
        key=key,
    )


def _examples(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(folder.glob("*.json")):
        told = read_json(file)
        if not isinstance(told, dict):
            raise BadFile(f"{file}: an example is a whole event: a JSON object is needed")
        yield file.stem, told


def _uses(folder: Path) -> Iterator[tuple[tuple[str, str], Uses]]:
    for file in sorted(folder.glob("*/*.json")):
        uses = valid(Uses, file, read_json(file))
        yield (file.parent.name, uses.kind), uses


def _glossary(file: Path) -> dict[str, list[Word]]:
    """The rows under the title of their section."""
    found: dict[str, list[Word]] = {}
    title = ""
    for line in read_text(file).splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ").strip()
        elif title and (row := _ROW.match(line)) and row.group(1) != "Term":
            place = f"word-{sum(map(len, found.values())) + 1}"
            word = Word(term=row.group(1), meaning=row.group(2), identifier=row.group(3), place=place)
            found.setdefault(title, []).append(word)
    return found


def _translations(file: Path) -> dict[str, str]:
    """Raises BadFile."""
    told = read_yaml(file)
    if not isinstance(told, dict):
        raise BadFile(f"{file}: a mapping of English sentences to Indonesian ones is needed")
    for sentence, meaning in told.items():
        if not isinstance(sentence, str) or not isinstance(meaning, str):
            raise BadFile(f"{file}: {str(sentence)[:60]}: a sentence and its translation are texts")
    return told
