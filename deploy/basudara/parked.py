"""`basudara parked`: what a consumer set aside, why, and the operator's word on it.

A decision is a record of its own behind the parked one, in the same partition of the same topic: what is parked and
undecided is what stands there less what was decided. A replay goes to the retry topic of that consumer and nowhere
else, since only its owner writes a foreign topic and the consumer trusts only its own. The event keeps its id, so the
inbox makes a replay harmless whose effect is there already.
"""

import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

import typer

from chassis.catalogue import Catalogue
from chassis.delivery import ATTEMPTS, OURS, REASON, SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC
from chassis.envelope import instant
from deploy.basudara import records
from deploy.basudara.console import UP, AsJson, Home, Refusal, busy, code_of, one_line, plain, show
from deploy.basudara.records import Broker, Record
from deploy.basudara.stack import ROOT, Stack

DECISION, DECISION_OF, DECIDED_BY = "basudara-decision", "basudara-decision-of", "basudara-decided-by"
REPLAYED, DROPPED = "replayed", "dropped"
LONGEST_REASON = 200
SOURCE = (SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET)
_STAFF = re.compile(r"[a-z][a-z0-9-]{1,39}")
_KIND = re.compile(r"id\.basudara(\.[a-z0-9-]{1,60}){3}\.v[1-9][0-9]{0,3}")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,80}")

app = typer.Typer(no_args_is_help=True, help="Records a consumer set aside, and what to do with them.")
Place = Annotated[str, typer.Argument(help="topic:partition:offset, as `parked list` shows it")]
By = Annotated[str, typer.Option(help="staff code of whoever decides")]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """An operator's word on one parked record."""

    what: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Parked:
    """One record in a parked topic, without its body. `kind` and `id`: of the event, where they can be read."""

    place: str
    agency: str
    service: str
    group: str
    reason: str
    attempts: int
    source: str  # the place from which the consumer read it
    kind: str | None
    id: str | None
    key: str
    at: datetime
    decision: Decision | None = None

    def as_json(self) -> dict[str, Any]:
        decision = {**vars(self.decision), "at": instant(self.decision.at)} if self.decision else None
        topic, partition, offset = self.source.rsplit(":", 2)
        source = {"topic": topic, "partition": int(partition), "offset": int(offset)}
        told = {**vars(self), "source": source, "type": self.kind}
        del told["kind"]
        return {**told, "at": instant(self.at), "decision": decision}


# -- reading -----------------------------------------------------------------------------------------------------------


def is_decision(record: Record) -> bool:
    """A copy carries foreign headers, whatever they are named; that it names its source is the consumer's own mark."""
    return record.value is None and record.header(SOURCE_TOPIC) is None and record.header(DECISION) is not None


def decision_in(record: Record) -> Decision:
    what, by, reason = (record.header(name) or "" for name in (DECISION, DECIDED_BY, REASON))
    return Decision(what=what, by=by, reason=reason, at=record.at)


def parked_in(found: Iterable[Record]) -> list[Parked]:
    """All that was ever set aside in these records of parked topics, each with the first decision on it, by time."""
    rows: dict[str, Parked] = {}
    decisions: dict[str, Decision] = {}
    for record in found:
        if is_decision(record):
            decisions.setdefault(f"{record.topic}:{record.header(DECISION_OF)}", decision_in(record))
        else:
            rows[record.place] = _parked(record)
    told = (replace(row, decision=decisions.get(place)) for place, row in rows.items())
    return sorted(told, key=lambda row: (row.at, row.place))


def _parked(record: Record) -> Parked:
    agency, service, group = record.topic.split(".")[:3]
    kind, id = _named(record)
    source = record.header(SOURCE_TOPIC) or ""
    return Parked(
        place=record.place,
        agency=agency,
        service=service,
        group=group,
        reason=record.header(REASON) or "",
        attempts=_number(record, ATTEMPTS),
        source=f"{source}:{_number(record, SOURCE_PARTITION)}:{_number(record, SOURCE_OFFSET)}",
        kind=kind,
        id=id,
        key=(record.key or b"").decode("utf-8", "replace"),
        at=record.at,
    )


def _number(record: Record, name: str) -> int:
    """-1 for what is none: its consumer writes numbers only, and a list of what is wrong must stand any record."""
    text = record.header(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def _named(record: Record) -> tuple[str | None, str | None]:
    """Type and id of an event that its reader may have refused; whatever is not of their form is not shown."""
    try:
        said = json.loads(record.value or b"")
    except (ValueError, RecursionError):  # a body that no reader can read is why it stands here
        said = None
    body = said if isinstance(said, dict) else {}
    told = [body.get(name) or record.header(f"ce_{name}") for name in ("type", "id")]
    forms = zip(told, (_KIND, _ID), strict=True)
    kind, id = (text if isinstance(text, str) and form.fullmatch(text) else None for text, form in forms)
    return kind, id


def at_place(broker: Broker, catalogue: Catalogue, place: str) -> tuple[Record, Decision | None]:
    """The parked record that stands there, and the first decision on it. Raises Refusal."""
    topic, partition, offset = _taken_apart(catalogue, place)
    standing = records.from_place(broker, topic, partition, offset)
    record = next(standing, None)
    if record is None or record.offset != offset or is_decision(record):
        raise Refusal(f"{place}: no parked record stands there")
    wanted = f"{partition}:{offset}"
    decided = (one for one in standing if is_decision(one) and one.header(DECISION_OF) == wanted)
    first = next(decided, None)
    return record, decision_in(first) if first else None


def _taken_apart(catalogue: Catalogue, place: str) -> tuple[str, int, int]:
    topic, partition, offset = ([*place.rsplit(":", 2), "", ""])[:3]
    numbers = all(one.isascii() and one.isdigit() and len(one) < 19 for one in (partition, offset))
    if not numbers or not records.topics_of([catalogue.channels["parked"]])(topic):
        raise Refusal(f"{place}: not a place in a parked topic (topic:partition:offset)")
    return topic, int(partition), int(offset)


# -- deciding ----------------------------------------------------------------------------------------------------------


def decide(broker: Broker, catalogue: Catalogue, place: str, *, what: str, by: str, reason: str) -> None:
    """Record an operator's word on an undecided record, replaying it first where that is the word.

    In this order: cut off in between, a record was replayed and still asks to be decided, which a second replay mends;
    the other way round it would be lost. Raises Refusal, RuntimeError.
    """
    _must_be_complete(by, reason)
    record, before = at_place(broker, catalogue, place)
    if before is not None:
        raise Refusal(f"{place}: {before.what} by {before.by} at {instant(before.at)} already")
    if what == REPLAYED:
        records.send(broker, retry_topic(catalogue, record.topic), record.key, record.value, _as_new(record))
    told = {
        DECISION: what,
        DECISION_OF: f"{record.partition}:{record.offset}",
        DECIDED_BY: by,
        REASON: reason,
    }
    headers = [(name, text.encode()) for name, text in told.items()]
    records.send(broker, record.topic, record.key, None, headers, record.partition)


def _must_be_complete(by: str, reason: str) -> None:
    if not _STAFF.fullmatch(by):
        raise Refusal("--by: the staff code of whoever decides is needed (lower-case letters, digits, hyphens)")
    if not reason.strip():
        raise Refusal("--reason: why it may be dropped is needed")
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise Refusal(f"--reason: one line of at most {LONGEST_REASON} characters")


def retry_topic(catalogue: Catalogue, parked_topic: str) -> str:
    owner, service, group = parked_topic.split(".")[:3]
    return catalogue.channels["retry"].topic(owner=owner, service=service, group=group)


def _as_new(record: Record) -> list[tuple[str, bytes | None]]:
    """Its own headers and where it came from; tries begin anew, and without a due time it is due at once."""
    own = [(name, value) for name, value in record.headers if name not in OURS]
    source: list[tuple[str, bytes | None]] = [(name, (record.header(name) or "").encode()) for name in SOURCE]
    return [*own, *source, (ATTEMPTS, b"0"), (REASON, REPLAYED.encode())]


# -- commands ----------------------------------------------------------------------------------------------------------


@app.command("list")
def list_parked(
    agency: str | None = None,
    service: str | None = None,
    every: Annotated[bool, typer.Option("--all", help="also what was decided")] = False,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """What is parked and undecided."""
    with one_line(), busy("reading what is parked"):
        parked = Catalogue(ROOT / "contracts").channels["parked"]
        given = {name: code_of(code) for name, code in (("owner", agency), ("service", service)) if code is not None}
        found = parked_in(records.until_now(Stack.load(home).reach.broker, records.topics_of([parked], **given)))
    told = [row for row in found if every or row.decision is None]
    if as_json:
        print(json.dumps([row.as_json() for row in told]))
    else:
        show(["place, from, key", "when", "event", "reason", *(["decision"] if every else [])], _cells(told, every))


def _cells(told: Iterable[Parked], every: bool) -> Iterator[list[str]]:
    for row in told:
        event = "\n".join((records.short(row.kind or "unreadable"), row.id or ""))
        place = "\n".join((row.place, f"from {row.source}", row.key))
        word = row.decision
        decided = [f"{word.what} by {word.by}\n{word.reason}" if word else ""] if every else []
        yield [place, instant(row.at), event, f"{row.reason}\nafter {row.attempts}", *decided]


@app.command("show")
def show_parked(place: Place, home: Home = UP, as_json: AsJson = False) -> None:
    """One parked record whole: its headers, and its body as it is where that is JSON, else as base64."""
    with one_line():
        record, decision = at_place(Stack.load(home).reach.broker, Catalogue(ROOT / "contracts"), place)
    body, whole = record.value or b"", _is_json(record.value)
    headers = [(name, None if value is None else value.decode("utf-8", "replace")) for name, value in record.headers]
    if as_json:
        told = {**replace(_parked(record), decision=decision).as_json(), "headers": headers}
        told |= {"body": body.decode()} if whole else {"body_base64": base64.b64encode(body).decode()}
        print(json.dumps(told))
        return
    for name, text in headers:
        print(plain(f"{name}: {text if text is not None else ''}"))
    print(flush=True)
    sys.stdout.buffer.write((body if whole else base64.b64encode(body)) + b"\n")
    sys.stdout.buffer.flush()


def _is_json(value: bytes | None) -> bool:
    try:
        json.loads((value or b"").decode())
    except (ValueError, RecursionError):  # shown as base64 instead
        return False
    return True


@app.command("replay")
def replay_parked(place: Place, by: By = "", home: Home = UP) -> None:
    """Let its consumer read it once more, on the consumer's own retry topic."""
    _decide(place, REPLAYED, by, REPLAYED, home)


@app.command("drop")
def drop_parked(
    place: Place,
    by: By = "",
    reason: Annotated[str, typer.Option(help="why it may be dropped; no names, it is kept")] = "",
    home: Home = UP,
) -> None:
    """Record that nothing will be done with it, and why."""
    _decide(place, DROPPED, by, reason, home)


def _decide(place: str, what: str, by: str, reason: str, home: Home) -> None:
    with one_line():
        decide(Stack.load(home).reach.broker, Catalogue(ROOT / "contracts"), place, what=what, by=by, reason=reason)
    print(f"{place}: {what}")
