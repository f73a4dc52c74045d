"""Judges a dump of an installation: `python -m tests.resilience.checker DUMP` prints one line per finding, exit 0 or 1.

It shares no code with the services and needs nothing but the standard library, so that it can't share their mistakes.
The dump holds one JSON object a line. Its kinds, and the members that are read here:

    command    agency, service, subject; cause: id that the events of this command carry, null where no reply told it
    aggregate  agency, service, id, version
    note       agency, service, note ("GROUP:EVENT" handled, "GROUP:record:TOPIC:PARTITION:OFFSET" put aside), at
    row        agency, service, id, topic, aggregate ("Kind:id"), version, sent, held, type, subject, causationid
    record     topic, partition, offset, key, id, type, subject, aggregateversion, causationid, correlationid, source,
               headers
    reading    agency, service, group, type, topics (a pattern): who must handle what; where there is none, the notes
               show who does

A duty that said something is told as a command. Exit 2: the dump can't be read.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

COPY = re.compile(r"([^.]+)\.([^.]+)\.([^.]+)\.(retry|parked)\.v1")
COMPACTED = re.compile(r"\.(programme|agreement)\.v1$")  # the broker takes earlier records of a key away there
OVERDUE = timedelta(minutes=1)
Line = dict[str, Any]


class Finding(NamedTuple):
    name: str
    about: str

    def __str__(self) -> str:
        return f"{self.name}: {self.about}"


class Said(NamedTuple):
    """One event, as a row or a record shows it. `aggregate` is told by rows alone."""

    id: str
    writer: tuple[str, str]
    type: str
    subject: str
    version: int
    cause: str
    aggregate: str | None


@dataclass
class Dump:
    commands: list[Line] = field(default_factory=list)
    versions: dict[tuple[str, str, str], int] = field(default_factory=dict)  # (agency, service, aggregate's id)
    notes: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    rows: dict[str, Line] = field(default_factory=dict)
    records: list[Line] = field(default_factory=list)
    copies: list[Line] = field(default_factory=list)
    readings: set[tuple[str, str, str, str, str]] = field(default_factory=set)
    latest: str = ""

    @property
    def said(self) -> dict[str, Said]:
        """Every event once, whether it is known by its row, its record or both."""
        found = {}
        for row in self.rows.values():
            if not COPY.fullmatch(row["topic"]):
                found[row["id"]] = Said(
                    row["id"], (row["agency"], row["service"]), row["type"], row["subject"], row["version"],
                    row["causationid"], row["aggregate"],
                )  # fmt: skip
        for one in self.records:
            if one["id"] not in found:
                _, agency, service = one["source"].split("/")
                found[one["id"]] = Said(
                    one["id"], (agency, service), one["type"], one["subject"], int(one["aggregateversion"]),
                    one["causationid"], None,
                )  # fmt: skip
        return found


def load(lines: Iterable[str]) -> Dump:
    """Raises ValueError, KeyError or TypeError for what is no line of a dump."""
    dump = Dump()
    for text in lines:
        line = json.loads(text)
        kind = line["kind"]
        if kind == "command":
            dump.commands.append(line)
        elif kind == "aggregate":
            dump.versions[line["agency"], line["service"], line["id"]] = line["version"]
        elif kind == "note":
            dump.notes[line["agency"], line["service"]].add(line["note"])
            dump.latest = max(dump.latest, line["at"])
        elif kind == "row":
            dump.rows[line["id"]] = line
        elif kind == "record":
            (dump.copies if COPY.fullmatch(line["topic"]) else dump.records).append(line)
        elif kind == "reading":
            named = (line[name] for name in ("agency", "service", "group", "type"))
            dump.readings.add((*named, line.get("topics") or _topics_for(line["agency"])))
        else:
            raise ValueError(f"{kind} is no kind of line")
    # what could not be read as an event has no id: only its copy on the parked topic is of interest
    dump.records = sorted((one for one in dump.records if one["id"]), key=lambda one: (one["partition"], one["offset"]))
    return dump


# --- what can be wrong ------------------------------------------------------------------------------------------------


def lost_commands(dump: Dump) -> Iterator[Finding]:
    """Commanded and told to be done, but no event has this cause."""
    causes = {one.cause for one in dump.said.values()}
    for command in dump.commands:
        if command["cause"] is not None and command["cause"] not in causes:
            yield Finding("lost-command", f"{command['cause']} at {command['agency']}/{command['service']}")


def lost_records(dump: Dump) -> Iterator[Finding]:
    """A row is marked as sent, but not on its topic. Copies have rows with ids of their own: their number must fit."""
    there = {(one["topic"], one["id"]) for one in dump.records}
    rows: dict[str, int] = defaultdict(int)
    for row in dump.rows.values():
        if not row["sent"]:
            continue
        if COPY.fullmatch(row["topic"]):
            rows[row["topic"]] += 1
        elif (row["topic"], row["id"]) not in there and not COMPACTED.search(row["topic"]):
            yield Finding("lost-record", f"{row['id']} is sent and not on {row['topic']}")
    for topic, number in rows.items():
        found = sum(one["topic"] == topic for one in dump.copies)
        if found < number:
            yield Finding("lost-record", f"{number - found} of {number} copies are not on {topic}")


def lost_events(dump: Dump) -> Iterator[Finding]:
    """A record that one of its readers has neither handled nor put aside."""
    readings = dump.readings or _seen_readings(dump)
    for record in dump.records:
        for agency, service, group, type_, topics in readings:
            if type_ != record["type"] or not re.fullmatch(topics, record["topic"]):
                continue
            if not {f"{group}:{record['id']}", _place(group, record)} & dump.notes[agency, service]:
                yield Finding("lost-event", f"{record['id']} is not handled by {agency}/{service} ({group})")


def _seen_readings(dump: Dump) -> set[tuple[str, str, str, str, str]]:
    types = {one["id"]: one["type"] for one in dump.records}
    return {
        (agency, service, group, types[event], _topics_for(agency))
        for (agency, service), notes in dump.notes.items()
        for group, _, event in (note.partition(":") for note in notes)
        if event in types
    }


def _topics_for(agency: str) -> str:
    """Its own, those addressed to it, and those addressed to nobody."""
    own = re.escape(agency)
    return rf"(?!.*\.to\.).*|.*\.to\.{own}\..*|{own}\..*"


def _place(group: str, record: Line) -> str:
    return f"{group}:record:{record['topic']}:{record['partition']}:{record['offset']}"


def lost_retries(dump: Dump) -> Iterator[Finding]:
    """A record in a retry topic that was due long before the last thing noted, and was not tried."""
    if not dump.latest:
        return
    now = datetime.fromisoformat(dump.latest)
    for record in dump.copies:
        agency, service, group, kind = COPY.fullmatch(record["topic"]).groups()  # type: ignore[union-attr]
        due = record["headers"].get("basudara-due")
        if kind == "parked" or due is None or datetime.fromisoformat(due) + OVERDUE > now:
            continue
        if not {f"{group}:{record['id']}", _place(group, record)} & dump.notes[agency, service]:
            yield Finding("lost-retry", f"{record['topic']}:{record['partition']}:{record['offset']} was due {due}")


def doubled(dump: Dump) -> Iterator[Finding]:
    """One cause had the same effect twice: two different events of one type about one subject."""
    effects: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for one in dump.said.values():
        effects[one.cause, one.writer, one.type, one.subject].add(one.id)
    for (cause, (agency, service), type_, subject), ids in effects.items():
        if len(ids) > 1:
            yield Finding("doubled", f"{cause} made {len(ids)} times {type_} of {subject} at {agency}/{service}")


def forked(dump: Dump) -> Iterator[Finding]:
    """Two causes made the same version of one aggregate: one of the two changes is lost."""
    causes: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for one in dump.said.values():
        causes[one.writer, one.aggregate or f"{one.type}:{one.subject}", one.version].add(one.cause)
    for ((agency, service), aggregate, version), found in causes.items():
        if len(found) > 1:
            yield Finding("forked", f"{aggregate} at {agency}/{service} has version {version} of {len(found)} causes")


def unnoted(dump: Dump) -> Iterator[Finding]:
    """An event had an effect, but no note keeps it from having it again."""
    records = {one["id"] for one in dump.records}
    handled = {owner: {note.partition(":")[2] for note in notes} for owner, notes in dump.notes.items()}
    for one in dump.said.values():
        if one.cause in records and one.writer in handled and one.cause not in handled[one.writer]:
            yield Finding("unnoted", f"{one.cause} had an effect at {'/'.join(one.writer)}: {one.id}")


def disordered(dump: Dump) -> Iterator[Finding]:
    """On a partition, the first occurrences of one key's events are not in the order of their aggregate's versions."""
    said = dump.said
    last: dict[tuple[Any, ...], int] = {}
    seen: set[tuple[str, str]] = set()
    for record in dump.records:
        if (record["topic"], record["id"]) in seen:
            continue
        seen.add((record["topic"], record["id"]))
        event = said[record["id"]]
        aggregate = event.aggregate or f"{event.type}:{event.subject}"
        place = (record["topic"], record["partition"], record["key"], event.writer, aggregate)
        if event.version < last.get(place, 0):
            yield Finding(
                "disordered", f"{record['topic']}:{record['partition']}:{record['offset']} has version "
                f"{event.version} of {aggregate} behind {last[place]}",
            )  # fmt: skip
        last[place] = max(event.version, last.get(place, 0))


def causeless(dump: Dump) -> Iterator[Finding]:
    """An event whose cause nobody commanded and no other record shows."""
    known = {one["id"] for one in dump.records} | {one["cause"] for one in dump.commands}
    unanswered = {one["subject"] for one in dump.commands if one["cause"] is None}
    for record in dump.records:
        if record["causationid"] in known and record["causationid"] != record["id"]:
            continue
        is_root = record["causationid"] == record["correlationid"]
        if not (is_root and record["subject"] in unanswered):
            yield Finding("causeless", f"{record['id']} ({record['type']}) names {record['causationid']}")


def gaps(dump: Dump) -> Iterator[Finding]:
    """Versions of an aggregate that no event tells of; and an aggregate that is older than what was said of it."""
    told: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for one in dump.said.values():
        if one.aggregate is not None:
            told[*one.writer, one.aggregate].add(one.version)
    for (agency, service, aggregate), versions in told.items():
        stored = dump.versions.get((agency, service, aggregate.partition(":")[2]))
        missing = sorted(set(range(1, max(versions | {stored or 0}) + 1)) - versions)
        if missing:
            yield Finding("gap", f"{aggregate} at {agency}/{service}: no event of version {_few(missing)}")
        if stored is not None and stored < max(versions):
            yield Finding("behind", f"{aggregate} at {agency}/{service} is {stored}, but {max(versions)} was said")


def _few(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")


def unsent(dump: Dump) -> Iterator[Finding]:
    for row in dump.rows.values():
        if not row["sent"]:
            yield Finding("held" if row["held"] else "unsent", f"{row['id']} for {row['topic']}")


CHECKS: tuple[Callable[[Dump], Iterator[Finding]], ...] = (
    lost_commands, lost_records, lost_events, lost_retries, doubled, forked, unnoted, disordered, causeless, gaps,
    unsent,
)  # fmt: skip


def check(lines: Iterable[str]) -> list[Finding]:
    dump = load(lines)
    return [finding for one in CHECKS for finding in one(dump)]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.resilience.checker DUMP", file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            found = check(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{arguments[0]} is no dump: {type(error).__name__} {error}", file=sys.stderr)
        return 2
    for finding in found:
        print(finding)
    print(f"{len(found)} findings", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
