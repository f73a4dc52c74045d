"""The store: units of work on one service's own database, each committed in one transaction."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter

from chassis import audit, measures
from chassis.database import Database, DeleteOne, IndexModel, InsertOne, Moved, ReplaceOne, Writes, told_as_ours
from chassis.errors import Contended, NotFound
from chassis.kept import SHAPE, Kept
from chassis.outbox import Outbox, documents_of
from chassis.work import Aggregate, Cause, Change, Duty, Work

A = TypeVar("A", bound=Aggregate)
C = TypeVar("C")
R = TypeVar("R")

RUN_AGAIN_SECONDS = 5.0  # so long a unit of work that meets newer versions is run again
KEPT_NOTES = timedelta(days=40)  # longer than any topic keeps a record that could come again
KEPT_ROWS = timedelta(days=7)  # sent rows stay that long for the operator's questions


class Store:
    """Built by `chassis.running`. Handlers get `Work`; queries may read; nobody else writes."""

    def __init__(self, database: Database, kept: Sequence[Kept], outbox: Outbox) -> None:
        self.database = database
        self.source = outbox.source
        self._outbox = outbox
        self._kept = {row.kind: row for row in kept}
        self._codecs = {row.kind: TypeAdapter(row.kind) for row in kept}
        self.committed: Callable[[], None] = lambda: None  # the relay's wake-up call
        self.recorded: Callable[[], None] = lambda: None  # the record's

    async def prepare(self) -> None:
        """Indexes, and an end to what a killed predecessor left locked."""
        with told_as_ours():
            await self.database.end_orphans()
            for row in self._kept.values():
                if row.indexes:
                    await self.database[row.collection].create_indexes([IndexModel([(one, 1)]) for one in row.indexes])
            await self.database["inbox"].create_index("at", expireAfterSeconds=int(KEPT_NOTES.total_seconds()))
            await self.database["outbox"].create_index("sent_at", expireAfterSeconds=int(KEPT_ROWS.total_seconds()))
            await self.database["outbox"].create_index([("sent", 1), ("_id", 1)])
            await self.database["outbox"].create_index("held", sparse=True)
            await self.database["duties"].create_index("wake_at")
            await self.database[audit.SEALED].create_index("entries.refs")

    # -- reading ---------------------------------------------------------------------------------------------------

    async def load(self, kind: type[Any], ids: list[str]) -> list[Any]:
        return await self._read(kind, {"_id": {"$in": ids}} if len(ids) > 1 else {"_id": ids[0]})

    async def select(self, kind: type[Any], equals: Mapping[str, str | int | bool], limit: int = 0) -> list[Any]:
        unknown = set(equals) - set(self._kept[kind].indexes)
        if unknown:
            raise ValueError(f"{kind.__name__} is not searchable by {sorted(unknown)}: name it in Kept.indexes")
        return await self._read(kind, dict(equals), limit)

    async def find(self, kind: type[A], id: str) -> A | None:
        found = await self.load(kind, [id])
        return found[0] if found else None

    async def get(self, kind: type[A], id: str) -> A:
        """Raises NotFound (404)."""
        found = await self.find(kind, id)
        if found is None:
            raise NotFound(kind=kind.__name__.lower(), id=id[:60])
        return found

    async def read(self, kind: type[A], *, limit: int = 0, **equals: str | int | bool) -> list[A]:
        """All with these members, in order of id; the first `limit` of them, if given."""
        return await self.select(kind, equals, limit)

    async def page(self, kind: type[A], after: str, limit: int) -> list[A]:
        """The next ones in order of id: for a job that walks through all of them."""
        return await self._read(kind, {"_id": {"$gt": after}}, limit)

    async def _read(self, kind: type[Any], query: dict[str, Any], limit: int = 0) -> list[Any]:
        """Raises NewerShape (503)."""
        kept, codec = self._kept[kind], self._codecs[kind]
        documents = await self.database.find(kept.collection, query, limit=limit)
        return [codec.validate_python({**kept.as_of_now(document), "id": document["_id"]}) for document in documents]

    # -- working ---------------------------------------------------------------------------------------------------

    def work(self, cause: Cause) -> Work:
        return Work(self, self._outbox.compose, cause, self._outbox.unlinked)

    async def transact(self, handler: Callable[[C, Work], Awaitable[R]], command: C, cause: Cause) -> R:
        """Run one handler as one unit of work and commit it.

        On a version conflict the handler runs again on fresh reads. Raises what the handler raises, and Unavailable
        when the store is not reached or the conflict does not end within RUN_AGAIN_SECONDS.
        """

        async def run() -> R:
            work = self.work(cause)
            result = await handler(command, work)
            await self.commit(work)
            return result

        return await self.again_while_moved(run)

    async def again_while_moved(self, run: Callable[[], Awaitable[R]], seconds: float = RUN_AGAIN_SECONDS) -> R:
        """Call `run` until it does not meet newer versions. Spread pauses keep rivals from meeting again.

        Raises Contended when that takes longer than `seconds`.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        pause = 0.002
        while True:
            try:
                return await run()
            except Moved as moved:
                measures.CONFLICTS.inc()
                if loop.time() > until:
                    raise Contended(store="too many writers") from moved
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - a pause, not a secret
            pause = min(pause * 2, 0.2)

    async def commit(self, work: Work, notes: Sequence[str] = (), done: Sequence[Duty] = ()) -> None:
        """One transaction: guarded writes, inbox `notes`, outbox rows, duties, and who asked for all that; `done` are
        the duties this work does.

        Raises Moved when anything read is no longer so (a newer version, a note or an id that exists), Unavailable.
        """
        changes = work.changes()
        if not (changes or notes or work.rows or work.duties or done):
            return
        entries = audit.changed(work)
        grouped = {name: self._operations(found) for name, found in self._grouped(changes).items()}

        def write(writes: Writes) -> None:
            if done:
                _met(
                    writes.bulk("duties", [DeleteOne({"_id": one.id, "due_at": one.due_at}) for one in done]), len(done)
                )
            for collection, operations in grouped.items():
                _met(writes.bulk(collection, operations), len(operations))
            if notes:
                writes.insert("inbox", [{"_id": note, "at": work.cause.at} for note in notes])
            if work.rows:
                writes.insert("outbox", documents_of(work.rows))
            if work.duties:
                writes.bulk("duties", [_duty_write(*one) for one in work.duties.items()])
            if entries:
                writes.insert(audit.OPEN, entries)

        await self.database.together(write)
        if work.rows:
            self.committed()
        if work.cause.asked is not None and entries:
            work.cause.asked.kept = True
            self.recorded()

    def _grouped(self, changes: list[Change]) -> dict[str, list[Change]]:
        grouped: dict[str, list[Change]] = {}
        for change in changes:
            grouped.setdefault(self._kept[change.kind].collection, []).append(change)
        return grouped

    def _operations(self, changes: list[Change]) -> list[Any]:
        operations: list[Any] = []
        for change in changes:
            shape = self._kept[change.kind].shape
            # what a newer release wrote is met no more than a newer version is (decision 0016)
            guard = {"_id": change.id, "version": change.stored, SHAPE: {"$not": {"$gt": shape}}}
            if change.now is None:
                operations.append(DeleteOne(guard))
                continue
            document = self._codecs[change.kind].dump_python(change.now)
            document["_id"] = document.pop("id")
            document[SHAPE] = shape
            operations.append(ReplaceOne(guard, document) if change.stored else InsertOne(document))
        return operations

    async def noted(self, notes: Sequence[str]) -> set[str]:
        """Which of these the inbox holds already."""
        found = await self.database.find("inbox", {"_id": {"$in": list(notes)}})
        return {row["_id"] for row in found}

    async def due(self, now: datetime, limit: int) -> list[Duty]:
        rows = await self.database.find("duties", {"wake_at": {"$lte": now}}, sort="wake_at", limit=limit)
        return [
            Duty(
                name=row["name"],
                subject=row["subject"],
                due_at=row["due_at"],
                late_seconds=max(0, int((now - row["due_at"]).total_seconds())),
            )
            for row in rows
        ]

    async def put_off(self, duty: Duty, now: datetime, reason: str) -> None:
        """A duty that failed wakes again after a pause that grows with its failures, one hour at most."""
        with told_as_ours():
            row = await self.database["duties"].find_one_and_update(
                {"_id": duty.id, "due_at": duty.due_at}, {"$inc": {"failures": 1}, "$set": {"reason": reason}}
            )
            if row is not None:
                pause = min(2 ** min(row.get("failures", 0), 12), 3600)
                await self.database["duties"].update_one(
                    {"_id": duty.id}, {"$set": {"wake_at": now + timedelta(seconds=pause)}}
                )


def _met(found: int, wanted: int) -> None:
    if found != wanted:
        raise Moved  # a newer version, or a duty that another replica did or moved


def _duty_write(id: str, duty: Duty | None) -> DeleteOne | ReplaceOne[dict[str, Any]]:
    if duty is None:
        return DeleteOne({"_id": id})
    document = {"name": duty.name, "subject": duty.subject, "due_at": duty.due_at, "wake_at": duty.due_at}
    return ReplaceOne({"_id": id}, document, upsert=True)
