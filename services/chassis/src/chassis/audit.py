"""The record of who read or changed what, and of what was refused. Its form and what it can prove: `../../audit.md`.

Entries commit with what they tell of. Once a second what came is sealed: a block of entries, which holds the hash of
the block before. One chain for a service, whoever of its replicas seals.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import TypeAdapter

from chassis import ids, measures
from chassis.clock import Clock
from chassis.database import RECORD, Database, DeleteOne, Moved, Writes, told_as_ours
from chassis.envelope import instant
from chassis.errors import Expected, NotAuthenticated, UnknownMove
from chassis.work import Actor, Asked, Change, Work

log = structlog.get_logger()

OPEN, SEALED = "audit_open", RECORD
FIRST = "0" * 64  # what the first block names for the hash before it
GATHER_SECONDS = 1.0  # what came meanwhile is sealed together
LOOK_SECONDS = 30.0  # for what a killed replica left open
BLOCK_ENTRIES = 500
COUNTED = 1000  # kinds of refusals counted at once; beyond them it is no longer told whose and about what
PERSONAL = frozenset({"full_name", "alias", "nik", "phone", "birth_date", "address", "register_no"})
_REF = re.compile(r"[a-z]{3}_[a-z2-7]{26}")  # random: tells of nobody
_CODE = re.compile(r"(?=.*[A-Z])[A-Z0-9]+(-[A-Z0-9]+)*")  # of a class or a programme, not of a person
_MOVE = re.compile(r"[a-z][a-z-]{0,39}")
_NOT_PLAIN = re.compile(r"[^ !#-\[\]-~]")  # with nothing that JSON would escape, one text has one spelling everywhere
_HEAD_BITS = 52  # of the hash, as a number: what a gauge can hold whole

Entry = dict[str, Any]
Block = Mapping[str, Any]


def asked(what: str, told: Mapping[str, Any], *, shows: bool) -> Asked:
    """`told`: the members of the address. Anything may stand there: only ids of our own making are kept."""
    move = str(told.get("move", ""))
    refs = {str(value) for value in told.values() if _REF.fullmatch(str(value))}
    return Asked(what=what, move=move if _MOVE.fullmatch(move) else None, refs=tuple(sorted(refs)), shows=shows)


def entry(
    outcome: str, asked: Asked, actor: Actor | None, at: datetime, *, more: Iterable[str] = (), code: str | None = None,
    rule: str | None = None,
) -> Entry:  # fmt: skip
    """Codes, ids and times only. `more`: further ids that it is about."""
    return {
        "at": instant(at),
        **{name: _plain(getattr(actor, name, None)) for name in ("agency", "role", "subject", "service")},
        "what": _plain(asked.what),
        "move": asked.move,
        "refs": sorted({*asked.refs, *more}),
        "outcome": outcome,
        "code": _plain(code),
        "rule": _plain(rule),
        "times": 1,
    }


def changed(work: Work) -> list[Entry]:
    """What is committed with this work: one entry, if somebody asked for it; events and duties tell of themselves."""
    cause = work.cause
    if cause.asked is None or cause.actor is None:
        return []
    more = {ref for change in work.changes() for ref in _refs(change)}
    outcome = "shown" if cause.asked.shows else "changed"
    return [{"_id": ids.event_id(), **entry(outcome, cause.asked, cause.actor, cause.at, more=more)}]


def refused(error: Expected, asked: Asked, actor: Actor | None, at: datetime) -> Entry:
    rule = str(error.facts.get("rule")) if isinstance(error, NotAuthenticated) else None  # ours, word for word
    said = Asked(what=asked.what, move=None, refs=asked.refs) if isinstance(error, UnknownMove) else asked
    return entry("refused", said, actor, at, code=error.code, rule=rule)


def _refs(change: Change) -> Iterator[str]:
    for name in ("id", "case_ref", "agency_case_ref"):
        value = change.id if name == "id" else getattr(change.now, name, None)
        if isinstance(value, str) and (_REF.fullmatch(value) or (name == "id" and _CODE.fullmatch(value))):
            yield value


def _plain(text: str | None) -> str | None:
    return None if text is None else _NOT_PLAIN.sub("?", text)[:100]


def shows_a_person(answer: Any) -> bool:
    """Whether a route's answer can hold what identifies somebody: by the names of its members, however deep."""
    return answer is not None and not PERSONAL.isdisjoint(_members(TypeAdapter(answer).json_schema()))


def _members(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for below in schema.values():
            yield from _members(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from _members(below)


# -- the chain ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """Where a chain ends. `entries`: in all its blocks together."""

    number: int = 0
    hash: str = FIRST
    entries: int = 0

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def hash_of(block: Block) -> str:
    """SHA-256 of the block without its hash, as JSON with sorted names and no blanks."""
    hashed = {name: value for name, value in block.items() if name not in ("_id", "hash")}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def block_of(agency: str, service: str, before: Head, entries: list[Entry], at: datetime) -> dict[str, Any]:
    block: dict[str, Any] = {
        "_id": before.number + 1,
        "agency": agency,
        "service": service,
        "number": before.number + 1,
        "previous": before.hash,
        "first": before.entries + 1,
        "at": instant(at),
        "entries": [{name: value for name, value in one.items() if name != "_id"} for one in entries],
    }
    return {**block, "hash": hash_of(block)}


def head_of(block: Block | None) -> Head:
    return Head() if block is None else Head(block["number"], block["hash"], block["first"] + len(block["entries"]) - 1)


def number_of(head: Head) -> int:
    """A head as a measure tells it: the first bits of its hash."""
    return int(head.hash, 16) >> (256 - _HEAD_BITS)


# -- writing -----------------------------------------------------------------------------------------------------------


class Record:
    """The record of one service, as this process keeps it."""

    def __init__(self, database: Database, agency: str, service: str, clock: Clock) -> None:
        self._database, self._agency, self._service, self._clock = database, agency, service, clock
        self._counted: dict[str, Entry] = {}
        self._woken = asyncio.Event()
        self._head = Head()

    def wake(self) -> None:
        self._woken.set()

    async def tell(self, one: Entry) -> None:
        """Returns when it is kept. Raises Unavailable."""
        with told_as_ours():
            await self._database[OPEN].insert_one({"_id": ids.event_id(), **one})
        self.wake()

    def count(self, one: Entry) -> None:
        """Kept a moment later, those alike as one with their number: whoever knocks without a name costs no write."""
        alike = {name: value for name, value in one.items() if name not in ("at", "times")}
        if len(self._counted) >= COUNTED:
            alike |= {"subject": None, "refs": []}
        key = json.dumps(alike)
        known = self._counted.get(key, {**one, **alike, "times": 0})
        self._counted[key] = {**known, "times": known["times"] + 1}
        self.wake()

    async def run(self) -> None:
        """Until cancelled. What can't be sealed now is sealed later: nothing gets lost by it."""
        while True:
            try:
                await self.seal()
            except (Expected, Moved) as error:
                log.warning("audit.not_sealed", exc_info=error)
                self.wake()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
            self._woken.clear()
            await asyncio.sleep(GATHER_SECONDS)

    async def seal(self) -> None:
        """All that is open. Raises Moved when another replica seals at the same moment, Unavailable."""
        await self._write_counted()
        await self._check()
        while entries := await self._database.find(OPEN, {}, limit=BLOCK_ENTRIES):
            block = block_of(self._agency, self._service, await self._last(), entries, self._clock.now())
            done = [DeleteOne({"_id": one["_id"]}) for one in entries]

            def write(writes: Writes, block: Block = block, done: list[Any] = done) -> None:
                writes.insert(SEALED, [dict(block)])  # its number is its key: of two that seal one passes
                if writes.bulk(OPEN, done) != len(done):
                    raise Moved

            await self._database.together(write)
            self._head = head_of(block)
        self._show()

    async def _write_counted(self) -> None:
        counted, self._counted = self._counted, {}
        if not counted:
            return
        try:
            with told_as_ours():
                await self._database[OPEN].insert_many([{"_id": ids.event_id(), **one} for one in counted.values()])
        except Expected:
            for key, one in counted.items():  # told when the store is back; what came meanwhile is of another moment
                self._counted[key] = {**one, "times": one["times"] + self._counted.get(key, {"times": 0})["times"]}
            raise

    async def _last(self) -> Head:
        with told_as_ours():
            return head_of(await self._database[SEALED].find_one(sort=[("_id", -1)]))

    async def _check(self) -> None:
        """What this process knows of the chain must still be so: it pages somebody, and goes on from what is there."""
        if self._head.number:
            with told_as_ours():
                found = await self._database[SEALED].find_one({"_id": self._head.number})
            if head_of(found) != self._head:
                measures.DEFECTS.labels("audit").inc()
                log.error("audit.changed_behind_us", reason=str(self._head)[:40])
        self._head = await self._last()

    def _show(self) -> None:
        measures.AUDIT_BLOCKS.set(self._head.number)
        measures.AUDIT_HEAD.set(number_of(self._head))
