"""(c) The whole chain, command → intake → referral → training → notification, each stage a process of its own:
what it sustains, and how late the last event is at a steady rate."""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from chassis import ids
from chassis.clock import Clock
from chassis.envelope import Event, to_record
from tests.performance.chain import PAD, STAGES, STEPS, TYPE, Step, topic, write_contracts
from tests.performance.yard import Yard, fresh, said

PARTITIONS, REPLICAS, SECONDS = 6, 1, 8
BACKLOG = {"ours": 8_000, "naive": 1_200, "naive, batched": 8_000, "one transaction per event": 400}
RATES = ("ours at 50/s", "naive at 50/s", "ours at 500/s")
CONTENDERS = (*BACKLOG, *RATES)
SPREAD = {  # partitions of each topic, replicas of each service
    "chain, 1 partition": (1, 1),
    "chain, 2 partitions": (2, 1),
    "chain, 4 partitions": (4, 1),
    "chain, 4 partitions, 2 replicas": (4, 2),
}


def round_of(yard: Yard, name: str) -> dict[str, float]:
    kind, _, rate = name.partition(" at ")
    partitions, replicas = SPREAD.get(name, (PARTITIONS, REPLICAS))
    with TemporaryDirectory() as folder, _chain(yard, kind, Path(folder), partitions, replicas) as (agency, processes):
        before = [_cpu(process.pid) for process in processes]
        if rate:
            figures = asyncio.run(_at_rate(yard.kafka, agency, kind, int(rate.removesuffix("/s"))))
        else:
            figures = asyncio.run(_backlog(yard.kafka, agency, kind, BACKLOG.get(name, BACKLOG["ours"])))
        used = sum(_cpu(process.pid) - was for process, was in zip(processes, before, strict=True))
    count = figures.pop("count")
    return {**figures, "cpu_us": used / count * 1e6}


def _cpu(pid: int) -> float:
    """Seconds of processor, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def _chain(yard: Yard, kind: str, folder: Path, partitions: int, replicas: int) -> Iterator[tuple[str, list[Any]]]:
    agency = fresh("chain")
    topics = [topic(agency, step) for step in STEPS]
    put_aside = [f"{agency}.{step}.steps.{what}.v1" for step in STAGES for what in ("retry", "parked")]
    yard.topics([*topics, *put_aside], partitions, {"message.timestamp.type": "LogAppendTime"})
    contracts = str(write_contracts(folder, partitions))
    with ExitStack() as running:
        processes = []
        for before, step in zip(STEPS, STAGES, strict=False):
            asked: dict[str, Any] = {"database": f"{agency}-{step}", "agency": agency, "contracts": contracts}
            if kind.startswith("naive"):
                asked |= {"kind": "naive", "source": topic(agency, before), "target": topic(agency, step)}
                asked["batched"] = kind.endswith("batched")
            else:
                asked |= {"kind": "stage", "step": step, "before": before}
                asked["poll"] = 1 if kind.startswith("one") else 500
            for number in range(replicas):
                processes.append(running.enter_context(yard.contender(**asked, instance=str(number + 1))))
        for process in processes:
            said(process)
        yield agency, processes
    yard.drop([*topics, *put_aside])


def _record(agency: str, kind: str, number: int) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    case_ref = f"case-{number % 1000}"
    data = {"case_ref": case_ref, "step_id": f"step-{number}", "said_at": repr(time.time()), "pad": PAD}
    if kind.startswith("naive"):
        return case_ref.encode(), Step(**data).model_dump_json().encode(), []
    fresh_id = ids.event_id()
    event = Event(
        id=fresh_id, source=f"/{agency}/driver", type=TYPE.format("driver"), subject=case_ref, time=Clock().now(),
        correlationid=fresh_id, causationid=fresh_id, traceparent=ids.traceparent(), aggregateversion=number + 1,
        data=data,
    )  # fmt: skip
    return case_ref.encode(), *to_record(event)


async def _backlog(kafka: str, agency: str, kind: str, count: int) -> dict[str, float]:
    """All commands at once: events per second from the first that arrives at the end to the last."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=256 * 1024)
    await producer.start()
    since = time.time()
    for number in range(count):
        key, value, headers = _record(agency, kind, number)
        await producer.send(topic(agency, STEPS[0]), value, key, headers=headers)
    await producer.stop()
    arrived = await _arrived(kafka, agency, count)
    rate = count / (max(at for _, at in arrived) - since)
    return {"ev/s": rate, "p50 ms": 0, "p95 ms": 0, "p99 ms": 0, "count": count}


async def _at_rate(kafka: str, agency: str, kind: str, rate: int) -> dict[str, float]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    count, begun = rate * SECONDS, time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        key, value, headers = _record(agency, kind, number)
        await producer.send(topic(agency, STEPS[0]), value, key, headers=headers)
    await producer.stop()
    arrived = await _arrived(kafka, agency, count)
    late = [(at - sent) * 1000 for sent, at in arrived[rate:]]  # the first second warms up
    cuts = statistics.quantiles(late, n=100)
    return {"ev/s": rate, "p50 ms": cuts[49], "p95 ms": cuts[94], "p99 ms": cuts[98], "count": count}


async def _arrived(kafka: str, agency: str, count: int) -> list[tuple[float, float]]:
    """When each command was made and when its last event was appended, seconds, in order of the commands."""
    consumer = AIOKafkaConsumer(topic(agency, STEPS[-1]), bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    found: dict[str, tuple[float, float]] = {}
    try:
        while len(found) < count:
            records: Any
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    step = _step(record.value)
                    found.setdefault(step.step_id, (float(step.said_at), record.timestamp / 1000))
    finally:
        await consumer.stop()
    return sorted(found.values())


def _step(value: bytes) -> Step:
    told = json.loads(value)
    return Step(**told.get("data", told))
