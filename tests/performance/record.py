"""(g) What the record of who changed what costs a command: the same commands, with somebody who asked and without."""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from chassis import ids
from chassis.audit import Record
from chassis.catalogue import Catalogue
from chassis.clock import Clock
from chassis.database import Database
from chassis.kept import Kept
from chassis.outbox import Outbox
from chassis.store import Store
from chassis.wire import Said
from chassis.work import Actor, Asked, Cause, Work
from tests.performance.chain import PAD, TYPE, Tally, write_contracts
from tests.performance.yard import Yard, fresh

COUNT, AT_ONCE = 500, 16
CONTENDERS = ("without the record", "on the record", "without, 16 at once", "on the record, 16 at once")


class Done(Said):
    TYPE: ClassVar[str] = TYPE.format("intake")
    case_ref: str
    step_id: str = "step-1"
    said_at: str = "0"
    pad: str = PAD


def round_of(yard: Yard, name: str) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        return asyncio.run(_round(yard, Catalogue(write_contracts(Path(folder), 1)), name))


async def _round(yard: Yard, catalogue: Catalogue, name: str) -> dict[str, float]:
    agency = fresh("record")
    database = Database(yard.mongo, agency, agency)
    store = Store(database, [Kept(Tally, "tallies")], Outbox(agency, "intake", catalogue))
    record = Record(database, agency, "intake", Clock())
    store.recorded = record.wake
    await store.prepare()
    sealing = asyncio.ensure_future(record.run())
    lanes = AT_ONCE if name.endswith("at once") else 1
    since, cpu = time.perf_counter(), time.process_time()
    on_it = name.startswith("on")
    await asyncio.gather(*(_commands(store, agency, range(lane, COUNT, lanes), on_it) for lane in range(lanes)))
    await store.again_while_moved(record.seal)
    seconds, cpu = time.perf_counter() - since, time.process_time() - cpu
    sealing.cancel()
    database.close()
    return {"commands/s": COUNT / seconds, "ms": seconds * lanes / COUNT * 1000, "cpu_us": cpu / COUNT * 1e6}


async def _commands(store: Store, agency: str, numbers: range, on_it: bool) -> None:
    """One read, one write, one row each; and one entry, if somebody asked."""
    clerk = Actor(agency=agency, role="clerk", subject="clerk-1")
    for _ in numbers:
        fresh_id, case_ref = ids.event_id(), ids.new_id("prt")
        asked = Asked(what="take_step", move="take", refs=(case_ref,)) if on_it else None
        cause = Cause(
            id=fresh_id, correlation_id=fresh_id, traceparent=ids.traceparent(), at=Clock().now(), actor=clerk,
            asked=asked,
        )  # fmt: skip
        await store.transact(take_step, case_ref, cause)


async def take_step(case_ref: str, work: Work) -> None:
    tally = await work.find(Tally, case_ref) or Tally(id=case_ref, version=0)
    work.save(Tally(id=case_ref, version=tally.version + 1, steps=tally.steps + 1), Done(case_ref=case_ref))
