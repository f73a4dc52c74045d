"""What a release does at its start about the shapes of stored documents (decision 0016)."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from chassis.database import Database, Moved, ReplaceOne, told_as_ours
from chassis.errors import Expected
from chassis.kept import SHAPE, Document, Kept
from chassis.store import Store

log = structlog.get_logger()

MARKS = "shapes"  # one document for a collection: the highest number that a release wrote
AT_ONCE = 200  # documents brought up together
AGAIN_SECONDS = 5.0


class WrittenByNewer(Expected):
    """Facts: `store`, a sentence. This release must not start."""

    code = "written_by_newer_release"


async def prepare(store: Store, kept: Sequence[Kept]) -> None:
    """Before a release reads or writes anything. Raises WrittenByNewer; Moved and Unavailable: once more."""
    await claim(store.database, kept)
    await store.prepare()
    await bring_up_searched(store.database, kept)


async def claim(database: Database, kept: Sequence[Kept]) -> None:
    """From here on no release that knows less starts on this database. Raises WrittenByNewer, having marked nothing."""
    marks = {one["_id"]: one["shape"] for one in await database.find(MARKS, {})}
    for row in kept:
        if marks.get(row.collection, 1) > row.shape:
            told = f"{row.collection} is of shape {marks[row.collection]}, this release knows {row.shape}"
            raise WrittenByNewer(store=f"{told}: start the newer one, or restore a backup from before it")
    with told_as_ours():
        for row in kept:
            if marks.get(row.collection, 0) < row.shape:
                raised = {"$max": {"shape": row.shape}}
                await database[MARKS].update_one({"_id": row.collection}, raised, upsert=True)


async def bring_up_searched(database: Database, kept: Sequence[Kept]) -> None:
    """Before anything is searched: collections where older documents lack a member that is searched by now."""
    for row in kept:
        lacking = [{one: {"$exists": False}} for one in row.indexes]
        if row.steps and lacking and await database.find(row.collection, {**row.older, "$or": lacking}, limit=1):
            await bring_up(database, row)


async def bring_up_rest(database: Database, kept: Sequence[Kept]) -> None:
    """All others, while the service works; what is read before its turn comes up in memory."""
    for row in kept:
        while row.steps:
            try:
                await bring_up(database, row)
                break
            except (Expected, Moved) as error:
                log.warning("shapes.interrupted", reason=row.collection, exc_info=error)
                await asyncio.sleep(AGAIN_SECONDS)


async def bring_up(database: Database, row: Kept) -> int:
    """One walk through a collection. Returns how many documents are in the shape of now that were not before.

    A document that a command changes meanwhile is left to that command: it writes the shape of now.
    """
    after, done, failed = "", 0, 0
    while documents := await database.find(row.collection, {**row.older, "_id": {"$gt": after}}, limit=AT_ONCE):
        after, writes = documents[-1]["_id"], []
        for document in documents:
            try:
                writes.append(_write(document, row))
            except Exception as error:  # one that no step can read holds up no other; who asks for it meets the same
                failed += 1
                log.error("shapes.step_failed", reason=row.collection, records=failed, exc_info=error)
        if writes:
            with told_as_ours():
                done += (await database[row.collection].bulk_write(writes, ordered=False)).modified_count
    if done:
        log.info("shapes.brought_up", reason=row.collection, records=done)
    return done


def _write(document: Document, row: Kept) -> ReplaceOne[Any]:
    """The version stays, as what it tells of stays: whoever has read it already may still write the next one."""
    guard = {"_id": document["_id"], "version": document["version"], SHAPE: document.get(SHAPE)}
    return ReplaceOne(guard, row.as_of_now(document))
