"""The one seam to MongoDB, and the only importer of its driver: to change the driver is to change this file."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date
from typing import Any, TypeVar

from bson.codec_options import CodecOptions, TypeEncoder, TypeRegistry
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import DeleteOne, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from chassis.errors import Unavailable
from chassis.login import Login, for_store

__all__ = ["Database", "DeleteOne", "IndexModel", "InsertOne", "Moved", "ReplaceOne", "UpdateOne", "Writes"]

DUPLICATE_KEY = 11000
NOT_LET_IN = (13, 18)  # no right, no such user
BATCH = 10_000  # documents in one answer: by itself the store sends 101 and waits to be asked for more
AT_ONCE = 16  # calls of one process that wait for the store at the same time
RECORD = "audit"  # the one collection that is not in the service's own database
Collection = Any  # the driver's collection: typed only here, where it is met

T = TypeVar("T")


class Moved(Exception):
    """What this unit of work read is no longer so: it must run again on fresh reads."""


class _DateAsText(TypeEncoder):
    python_type = date

    def transform_python(self, value: date) -> str:
        return value.isoformat()  # BSON knows instants only, and a WIT day is not an instant


class _SetAsList(TypeEncoder):
    python_type = frozenset

    def transform_python(self, value: frozenset[str]) -> list[str]:
        return sorted(value)


_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, tzinfo=UTC, type_registry=TypeRegistry([_DateAsText(), _SetAsList()])
)


def record_of(database: str) -> str:
    """The database beside a service's own that keeps what it may add and read, and never change (decision 0015)."""
    return f"{database}-audit"


@contextmanager
def told_as_ours() -> Iterator[None]:
    """The driver's errors as Moved (run again) or Unavailable (later); what is left is a defect."""
    try:
        yield
    except BulkWriteError as error:
        if any(row.get("code") == DUPLICATE_KEY for row in error.details.get("writeErrors", [])):
            raise Moved from error
        if not error.details.get("writeErrors"):
            raise Unavailable(store="write not confirmed") from error
        raise
    except DuplicateKeyError as error:
        raise Moved from error
    except (ConnectionFailure, AutoReconnect, ExecutionTimeout) as error:
        raise Unavailable(store="not reached") from error
    except WriteConcernError as error:  # a step-down came between the write and its confirmation: it may stand or not
        raise Unavailable(store="write not confirmed") from error
    except PyMongoError as error:
        if isinstance(error, OperationFailure) and error.code in NOT_LET_IN:  # until its operator gives the right again
            raise Unavailable(store="does not let us in") from error
        if error.has_error_label("TransientTransactionError"):
            raise Moved from error
        if error.has_error_label("UnknownTransactionCommitResult"):  # it may have committed: only a reader can tell
            raise Unavailable(store="commit not confirmed") from error
        raise


class Database:
    """One service's own database. `appname` marks this process's connections, so that a successor finds them."""

    def __init__(self, url: str, name: str, appname: str, login: Login | None = None) -> None:
        self._appname = appname
        self._collections: dict[str, Collection] = {}
        self._client: Any = AsyncIOMotorClient(
            url,
            appname=appname,
            **for_store(login, name),
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=2000,
            socketTimeoutMS=10_000,
            waitQueueTimeoutMS=3000,
            retryWrites=True,
        )
        self._own, self._record = (self._kept_in(one) for one in (name, record_of(name)))
        self._threads = ThreadPoolExecutor(AT_ONCE, "store")

    def _kept_in(self, database: str) -> Any:
        return self._client.get_database(
            database,
            codec_options=_CODEC,
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern("majority"),
        )

    def __getitem__(self, name: str) -> Collection:
        if name not in self._collections:  # kept: the driver makes a new one at each call, which takes 50 us
            self._collections[name] = (self._record if name == RECORD else self._own)[name]
        return self._collections[name]

    def _plain(self, name: str) -> Collection:
        """The same without its wrapping: for calls that are made in our threads."""
        return self[name].delegate

    async def together(self, write: Callable[["Writes"], None]) -> None:
        """All that `write` writes commits together, or nothing does. It runs in a thread of the store's, from its
        first call to the commit: each crossing between threads costs as much as the call (decision 0007).

        Raises Moved (a write met a newer version: run again) and Unavailable, and what `write` raises. A commit whose
        answer got lost is asked again by the driver's own label, never assumed.
        """

        def run() -> None:
            with self._client.delegate.start_session() as session:
                session.start_transaction(max_commit_time_ms=5000)
                write(Writes(self._plain, session))
                _commit(session)

        await self._crossing(run)

    async def _crossing(self, call: Callable[[], T]) -> T:
        """Run one call of the blocking driver in a thread."""
        with told_as_ours():
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def find(self, collection: str, query: dict[str, Any], *, sort: str = "_id", limit: int = 0) -> list[Any]:
        found = self._plain(collection).find(query, batch_size=BATCH).sort(sort, 1).limit(limit)
        return await self._crossing(lambda: list(found))

    async def snapshot(self, collection: str, query: dict[str, Any], *, sort: str, limit: int) -> list[Any]:
        """A find in one point of time: a plain cursor may see a later commit and miss an earlier one. At most what
        the store gives in one answer, 16 MiB."""

        def run() -> list[Any]:
            with self._client.delegate.start_session(snapshot=True) as session:
                plain = self._plain(collection).with_options(read_concern=ReadConcern())
                found = plain.find(query, session=session, batch_size=limit).sort(sort, 1)
                return list(found.limit(-limit))  # negative: one answer and no more

        return await self._crossing(run)

    async def ping(self) -> None:
        with told_as_ours():
            await self._client.admin.command("ping", maxTimeMS=2000)

    async def end_orphans(self) -> int:
        """End the transactions a killed predecessor left open: they keep documents locked. Returns how many."""
        with told_as_ours():
            # only sessions of earlier processes: this one calls it before it opens any transaction
            idle = [
                {"$currentOp": {"allUsers": False, "idleSessions": True, "localOps": True}},
                {"$match": {"appName": self._appname, "transaction": {"$exists": True}}},
            ]
            found = [row async for row in self._client.admin.aggregate(idle)]
            sessions = [{"id": row["lsid"]["id"]} for row in found]
            if sessions:
                await self._client.admin.command("killSessions", sessions)
            return len(sessions)

    def close(self) -> None:
        """The driver says goodbye to its server, and would wait for one that hangs: not for longer than a second."""
        goodbye = threading.Thread(target=self._client.close, daemon=True)
        goodbye.start()
        goodbye.join(1)
        self._threads.shutdown(wait=False)


class Writes:
    """The collections as one transaction sees them. Only for use inside `Database.together`."""

    def __init__(self, of: Callable[[str], Collection], session: Any) -> None:
        self._of, self._session = of, session

    def insert(self, collection: str, documents: list[dict[str, Any]]) -> None:
        self._of(collection).insert_many(documents, session=self._session)

    def bulk(self, collection: str, operations: list[Any]) -> int:
        """Returns how many documents were met: matched, inserted or deleted."""
        done = self._of(collection).bulk_write(operations, session=self._session)
        return int(done.matched_count + done.inserted_count + done.deleted_count)

    def update(self, collection: str, query: dict[str, Any], change: dict[str, Any]) -> int:
        """All documents of the query. Returns how many were met."""
        return int(self._of(collection).update_many(query, change, session=self._session).matched_count)


def _commit(session: Any) -> None:
    for attempt in range(3):
        try:
            session.commit_transaction()
            return
        except PyMongoError as error:
            if not error.has_error_label("UnknownTransactionCommitResult") or attempt == 2:
                raise
