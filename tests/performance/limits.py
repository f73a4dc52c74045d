"""(d) What this machine can do bare, and (e) what a service takes to start and to be."""

import asyncio
import time
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient

from chassis.catalogue import Catalogue
from chassis.envelope import from_record
from chassis.testing import ROOT
from tests.performance.yard import Yard, accepted, fresh, lay, office, said, starts

RECORDS = 20_000
BARE = ("producer", "consumer", "transaction of 500 writes", "transaction of 3 writes", "envelope and schema check")
BEING = ("referral", "naive")
CLOCK_TICKS = 100


def bare(yard: Yard, name: str) -> dict[str, float]:
    if name == "envelope and schema check":
        return _checks()
    return asyncio.run(_on_kafka(yard, name) if name in ("producer", "consumer") else _on_mongo(yard, name))


def _checks() -> dict[str, float]:
    """Compose and read one event: its envelope, its schema, strict JSON."""
    (_, value, headers) = starts("opd", [("ref_1", "prt_1")])[0]
    validator = Catalogue(ROOT / "contracts").validator("id.basudara.training.enrolment.started.v1")
    count, since = 20_000, time.perf_counter()
    for _ in range(count):
        validator.is_valid(from_record(value, headers).data)
    seconds = time.perf_counter() - since
    return {"per s": count / seconds, "us": seconds / count * 1e6}


async def _on_kafka(yard: Yard, name: str) -> dict[str, float]:
    topic = fresh("bare")
    yard.topics([topic], 6)
    records: list[tuple[bytes, bytes, Any]] = [
        (f"k-{number % 1000}".encode(), b"x" * 1000, []) for number in range(RECORDS)
    ]
    since = time.perf_counter()
    await lay(yard.kafka, topic, records)
    if name == "consumer":
        consumer = AIOKafkaConsumer(bootstrap_servers=yard.kafka, auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition(topic, number) for number in range(6)])
        found, since = 0, time.perf_counter()
        while found < RECORDS:
            found += sum(len(rows) for rows in (await consumer.getmany(timeout_ms=1000)).values())
        await consumer.stop()
    seconds = time.perf_counter() - since
    return {"per s": RECORDS / seconds, "us": seconds / RECORDS * 1e6}


async def _on_mongo(yard: Yard, name: str) -> dict[str, float]:
    client: Any = AsyncIOMotorClient(yard.mongo)
    rows, writes = client[fresh("bare")]["rows"], int(name.split()[2])
    await rows.insert_one({"_id": -1})
    transactions, since = (10_000 // writes if writes > 3 else 200), time.perf_counter()
    for number in range(transactions):
        async with await client.start_session() as session, session.start_transaction():
            first = number * writes
            await rows.insert_many([{"_id": first + one, "pad": "x" * 800} for one in range(writes)], session=session)
    seconds = time.perf_counter() - since
    client.close()
    return {"per s": transactions * writes / seconds, "us": seconds / transactions / writes * 1e6}


def being(yard: Yard, name: str) -> dict[str, float]:
    """From the start of the process to its first handled event; then its memory and its processor at rest."""
    sender, opd, topic = office(yard)
    asked: dict[str, Any] = {"kind": "referral", "agency": sender, "contracts": str(ROOT / "contracts")}
    records = starts(opd, accepted(yard, sender, opd, 1))
    if name == "naive":
        topic = fresh("naive")
        yard.topics([topic, f"{topic}.out"], 6)
        asked = {"kind": "naive", "source": topic, "target": f"{topic}.out"}
        records = [(b"k", b'{"case_ref":"1","step_id":"1","said_at":"1","pad":""}', [])]
    asyncio.run(lay(yard.kafka, topic, records))
    since = time.perf_counter()
    with yard.contender(**asked, database=sender, first=True) as process:
        said(process)
        first = time.perf_counter() - since
        status = Path(f"/proc/{process.pid}/status").read_text()
        memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
        time.sleep(2)
        before = _ticks(process.pid)
        time.sleep(8)
        rest = (_ticks(process.pid) - before) / CLOCK_TICKS / 8 * 100
    return {"first event s": first, "RSS MB": memory, "at rest %": rest}


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
