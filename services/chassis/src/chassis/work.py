"""One unit of work: what one command or one poll of events reads and writes.

Reads are remembered, writes are staged; nothing reaches the database before the commit. So handlers may run again,
one event of a poll can be taken back without the others, and many events fold into one guarded write per aggregate.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from chassis.envelope import Event
from chassis.errors import NotFound
from chassis.wire import Said

A = TypeVar("A", bound="Aggregate")


class Aggregate(Protocol):
    """A frozen dataclass with an identity and a version that every change raises by one."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: an officer, or a service where `service` is given."""

    agency: str
    role: str
    subject: str
    service: str | None = None


@dataclass(kw_only=True)
class Asked:
    """What a request asks for: the name of its route, the move and the ids in its address.

    `shows`: it is asked so that a person be shown. `kept`: it is on the record.
    """

    what: str
    move: str | None
    refs: tuple[str, ...]
    shows: bool = False
    kept: bool = False


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why something happens. `id` of the command, event or duty; `at` is the edge's clock, UTC."""

    id: str
    correlation_id: str
    traceparent: str
    at: datetime
    actor: Actor | None = None
    event: Event | None = None
    asked: Asked | None = None


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Something due at a time, once. `late_seconds` is how late it is being done."""

    name: str
    subject: str
    due_at: datetime
    late_seconds: int = 0

    @property
    def id(self) -> str:
        return f"{self.name}:{self.subject}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A record to send: an event, or the copy of a record for the retry or parked topic.

    `headers`: None for an event, whose headers repeat its own attributes and are made when it is sent.
    """

    id: str
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] | None
    aggregate: str
    version: int
    at: datetime


@dataclass(frozen=True)
class _Known:
    """An aggregate as this work knows it. `stored` is the version in the database, 0: not there."""

    stored: int
    now: Any


class Reads(Protocol):
    """What a unit of work needs from the store."""

    async def load(self, kind: type[Any], ids: list[str]) -> list[Any]: ...
    async def select(self, kind: type[Any], equals: Mapping[str, str | int | bool]) -> list[Any]: ...


class Composes(Protocol):
    """What a unit of work needs from the outbox: one event made ready to send, the `number`th that its cause says."""

    def __call__(self, said: Said, aggregate: Aggregate, cause: Cause, to: str | None, number: int) -> Row: ...


class Work:
    """Handed to every handler. Not for concurrent use: one handler at a time."""

    def __init__(self, reads: Reads, compose: Composes, cause: Cause, unlinked: Callable[[Cause], Cause]) -> None:
        self.cause = cause
        self._reads = reads
        self._compose = compose
        self._unlinked = unlinked
        self._known: dict[tuple[type[Any], str], _Known] = {}
        self._changed: dict[tuple[type[Any], str], None] = {}
        self.rows: list[Row] = []
        self.duties: dict[str, Duty | None] = {}  # None: to be removed
        self._undo: list[Callable[[], None]] = []
        self._said: Counter[str] = Counter()  # by cause; what is taken back stays counted: its cause says no more

    async def find(self, kind: type[A], id: str) -> A | None:
        """The aggregate as this work left it, else as stored, else None."""
        if (kind, id) not in self._known:
            await self.prefetch(kind, [id])
        found: A | None = self._known[kind, id].now
        return found

    async def get(self, kind: type[A], id: str) -> A:
        """Like `find`. Raises NotFound (404)."""
        found = await self.find(kind, id)
        if found is None:
            raise NotFound(kind=kind.__name__.lower(), id=id[:60])
        return found

    def known(self, kind: type[A], id: str) -> A | None:
        """The aggregate if this work has read it; never asks the store."""
        found = self._known.get((kind, id))
        return None if found is None else found.now

    async def prefetch(self, kind: type[Any], ids: list[str]) -> None:
        """Read many at once, so that a whole poll costs one round trip per kind."""
        missing = [id for id in dict.fromkeys(ids) if (kind, id) not in self._known]
        if not missing:
            return
        found = {aggregate.id: aggregate for aggregate in await self._reads.load(kind, missing)}
        for id in missing:
            aggregate = found.get(id)
            self._known[kind, id] = _Known(aggregate.version if aggregate else 0, aggregate)

    async def where(self, kind: type[A], **equals: str | int | bool) -> list[A]:
        """All with these members, in order of id; staged changes are seen. Not guarded: another work may add one."""
        for aggregate in await self._reads.select(kind, equals):
            self._known.setdefault((kind, aggregate.id), _Known(aggregate.version, aggregate))
        mine = [known.now for (of, _), known in self._known.items() if of is kind and known.now is not None]
        return sorted((one for one in mine if _matches(one, equals)), key=lambda one: str(one.id))

    def save(self, aggregate: Aggregate, *said: Said, to: str | None = None, unlinked: bool = False) -> None:
        """Stage a new state and the events that tell of it; they commit together or not at all.

        `to` is the one reading agency of the events' channel, where it has one. `unlinked` sends them under a fresh
        correlation, for what must not be joined with a person. Raises TooLarge (413) and, as defects, ValueError for a
        version that does not rise and what the catalogue refuses.
        """
        key = (type(aggregate), aggregate.id)
        before = self._known.get(key, _Known(0, None))
        if aggregate.version <= (before.now.version if before.now is not None else 0):
            raise ValueError(f"{type(aggregate).__name__}: a saved version must be higher than the one before")
        cause = self._unlinked(self.cause) if unlinked else self.cause
        rows = [
            self._compose(one, aggregate, cause, to, number) for number, one in enumerate(said, self._said[cause.id])
        ]
        self._said[cause.id] += len(rows)
        had, was_changed = key in self._known, key in self._changed
        self._known[key] = _Known(before.stored, aggregate)
        self._changed[key] = None
        self.rows.extend(rows)

        def undo() -> None:
            del self.rows[len(self.rows) - len(rows) :]
            if had:
                self._known[key] = before
            else:
                del self._known[key]
            if not was_changed:
                del self._changed[key]

        self._undo.append(undo)

    def remove(self, aggregate: Aggregate) -> None:
        """Stage the end of an aggregate, guarded by its version: for what may not be kept any longer."""
        key = (type(aggregate), aggregate.id)
        before, was_changed = self._known[key], key in self._changed
        self._known[key] = _Known(before.stored, None)
        self._changed[key] = None

        def undo() -> None:
            self._known[key] = before
            if not was_changed:
                del self._changed[key]

        self._undo.append(undo)

    def schedule(self, name: str, subject: str, due_at: datetime) -> None:
        """Stage a due duty. The same name and subject again moves it."""
        self._stage_duty(f"{name}:{subject}", Duty(name=name, subject=subject, due_at=due_at))

    def unschedule(self, name: str, subject: str) -> None:
        self._stage_duty(f"{name}:{subject}", None)

    def _stage_duty(self, id: str, duty: Duty | None) -> None:
        had, before = id in self.duties, self.duties.get(id)
        self.duties[id] = duty

        def undo() -> None:
            if had:
                self.duties[id] = before
            else:
                del self.duties[id]

        self._undo.append(undo)

    def send(self, row: Row) -> None:
        """Stage a record that is no event of ours: the copy of a refused one."""
        self.rows.append(row)
        self._undo.append(lambda: self.rows.remove(row))

    def mark(self) -> int:
        """A point to which `take_back` can return."""
        return len(self._undo)

    def take_back(self, mark: int) -> None:
        """Forget what was staged since: a refused event costs only itself."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def changes(self) -> list["Change"]:
        """Every aggregate that this work changes, in the order of the first change."""
        found = [
            Change(kind, id, self._known[kind, id].stored, self._known[kind, id].now) for kind, id in self._changed
        ]
        return [one for one in found if one.stored or one.now is not None]


async def read_ahead(work: Work, pairs: Iterable[tuple[type[Any], str]]) -> None:
    """What these name (kind, id), with one round trip for each kind."""
    wanted: dict[type[Any], list[str]] = {}
    for kind, id in pairs:
        wanted.setdefault(kind, []).append(id)
    for kind, found in wanted.items():
        await work.prefetch(kind, found)


@dataclass(frozen=True)
class Change:
    """One write. `stored` is the version in the database, 0: not there; `now` is None for a removal."""

    kind: type[Any]
    id: str
    stored: int
    now: Any


def _matches(aggregate: object, equals: Mapping[str, str | int | bool]) -> bool:
    for name, wanted in equals.items():
        member = getattr(aggregate, name)
        if member != wanted and not (isinstance(member, tuple | frozenset) and wanted in member):
            return False
    return True
