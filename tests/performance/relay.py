"""(b) The relay: from the commit of a command to the append in Kafka, at a rate and when draining a backlog."""

import asyncio
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.clock import Clock
from chassis.database import Database
from chassis.envelope import Event, value_of
from chassis.outbox import Outbox, Relay, documents_of
from chassis.store import Store
from chassis.work import Cause, Row
from tests.performance.chain import PAD, TYPE, topic, write_contracts
from tests.performance.yard import Yard, fresh

SECONDS, BACKLOG, POLL = 6, 30_000, 500
CONTENDERS = ("50 rows/s", "2,000 rows/s", "drain", "drain of single commands")


def round_of(yard: Yard, name: str) -> dict[str, float]:
    return asyncio.run(_round(yard, name))


async def _round(yard: Yard, name: str) -> dict[str, float]:
    agency = fresh("relay")
    yard.topics([topic(agency, "intake")], 6, {"message.timestamp.type": "LogAppendTime"})
    with TemporaryDirectory() as folder:
        catalogue = Catalogue(write_contracts(Path(folder), 6))
    database = Database(yard.mongo, agency, agency)
    store = Store(database, [], Outbox(agency, "intake", catalogue))
    await store.prepare()
    producer = AIOKafkaProducer(
        bootstrap_servers=yard.kafka, acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    )
    await producer.start()
    relay = Relay(database, producer, agency, Clock())
    store.committed = relay.wake
    try:
        if name.startswith("drain"):
            return await _drained(database, relay, agency, 1 if name.endswith("commands") else POLL)
        return await _at_rate(store, relay, agency, yard.kafka, int(name.split()[0].replace(",", "")))
    finally:
        await producer.stop()
        database.close()


def _row(agency: str, number: int) -> Row:
    case_ref, fresh_id, now = f"case-{number % 1000}", ids.event_id(), datetime.now(UTC)
    data = {"case_ref": case_ref, "step_id": f"step-{number}", "said_at": "0", "pad": PAD}
    event = Event(
        id=fresh_id, source=f"/{agency}/intake", type=TYPE.format("intake"), subject=case_ref, time=now,
        correlationid=fresh_id, causationid=fresh_id, traceparent=ids.traceparent(), aggregateversion=number + 1,
        data=data,
    )  # fmt: skip
    return Row(
        id=fresh_id, topic=topic(agency, "intake"), key=case_ref.encode(), value=value_of(event), headers=None,
        aggregate=f"Tally:{case_ref}", version=number + 1, at=now,
    )  # fmt: skip


async def _drained(database: Database, relay: Relay, agency: str, together: int) -> dict[str, float]:
    """A backlog that commits of so many rows have left."""
    rows = [_row(agency, number) for number in range(BACKLOG)]
    for first in range(0, BACKLOG, POLL):
        commits = [rows[one : one + together] for one in range(first, first + POLL, together)]
        await database["outbox"].insert_many([document for commit in commits for document in documents_of(commit)])
    since, cpu = time.perf_counter(), time.process_time()
    running = asyncio.ensure_future(relay.run())
    while await database["outbox"].find_one({"sent": False}):
        await asyncio.sleep(0.05)
    seconds, cpu = time.perf_counter() - since, time.process_time() - cpu
    running.cancel()
    return {"rows/s": BACKLOG / seconds, "p50 ms": 0.0, "p95 ms": 0.0, "p99 ms": 0.0, "cpu_us": cpu / BACKLOG * 1e6}


async def _at_rate(store: Store, relay: Relay, agency: str, kafka: str, rate: int) -> dict[str, float]:
    """Commits of one row each at 50/s; of ten at a higher rate, as polls come."""
    running = asyncio.ensure_future(relay.run())
    together, cpu = (1 if rate <= 50 else 10), time.process_time()
    committed: dict[bytes, float] = {}
    begun = time.perf_counter()
    for number in range(0, rate * SECONDS, together):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        work = store.work(Cause(id="bench", correlation_id="bench", traceparent=ids.traceparent(), at=Clock().now()))
        rows = [_row(agency, number + one) for one in range(together)]
        for row in rows:
            work.send(row)
        await store.commit(work)
        committed |= {row.id.encode(): time.time() for row in rows}
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - begun
    appended = await _appended(kafka, topic(agency, "intake"), len(committed))
    running.cancel()
    late = sorted(max(0.0, appended[id] / 1000 - at) * 1000 for id, at in committed.items())
    cuts = statistics.quantiles(late, n=100)
    return {
        "rows/s": len(late) / seconds, "p50 ms": cuts[49], "p95 ms": cuts[94], "p99 ms": cuts[98],
        "cpu_us": cpu / len(late) * 1e6,
    }  # fmt: skip


async def _appended(kafka: str, name: str, count: int) -> dict[bytes, int]:
    """By event id, the broker's own time of appending, milliseconds."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    found: dict[bytes, int] = {}
    try:
        consumer.assign([TopicPartition(name, number) for number in range(6)])
        while len(found) < count:
            records: Any
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    found.setdefault(dict(record.headers)["ce_id"], record.timestamp)
    finally:
        await consumer.stop()
    return found
