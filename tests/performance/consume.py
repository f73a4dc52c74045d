"""(a) Consume → transaction → outbox: the real handler of referral that hears that a training has started and
tells so, at several sizes of poll, against the loop that a user of FastStream would write."""

import asyncio
from typing import Any

from chassis.testing import ROOT
from tests.performance.chain import Step, plain_step
from tests.performance.yard import Yard, accepted, fresh, lay, office, said, starts

CONTENDERS = {
    "polls of 500": {"poll": 500, "count": 12_000},
    "polls of 200": {"poll": 200, "count": 12_000},
    "one transaction per event": {"poll": 1, "count": 400},
    "naive": {"count": 1_500},
    "1 bad in 200, polls of 500": {"poll": 500, "count": 9_000, "broken_every": 200},
}


GROWTH = {
    "among 1,000 cases": {"poll": 500, "count": 6_000, "others": 0},
    "among 1,000,000 cases": {"poll": 500, "count": 6_000, "others": 994_000},
    "1 partition": {"poll": 500, "count": 6_000, "partitions": 1},
    "2 partitions": {"poll": 500, "count": 6_000, "partitions": 2},
    "4 partitions": {"poll": 500, "count": 6_000, "partitions": 4},
}


def round_of(yard: Yard, name: str) -> dict[str, float]:
    """Events per second and microseconds of the contender's processor per event."""
    asked: dict[str, Any] = dict({**CONTENDERS, **GROWTH}[name])
    count, broken, others = asked.pop("count"), asked.pop("broken_every", 0), asked.pop("others", 0)
    partitions = asked.pop("partitions", None)
    if name == "naive":
        return _naive(yard, count)
    sender, opd, topic = office(yard, partitions)
    records = starts(opd, accepted(yard, sender, opd, count + others)[:count], broken)
    asyncio.run(lay(yard.kafka, topic, records))
    good = count - (len(range(broken // 2, count, broken)) if broken else 0)
    with yard.contender(
        kind="referral", agency=sender, database=sender, contracts=str(ROOT / "contracts"), count=good, relay=False,
        **asked,
    ) as process:  # fmt: skip
        said(process)
        return said(process)


def _naive(yard: Yard, count: int) -> dict[str, float]:
    name = fresh("naive")
    source, target = f"{name}.in", f"{name}.out"
    yard.topics([source, target], 6)
    asyncio.run(lay(yard.kafka, source, _steps(count)))
    with yard.contender(kind="naive", database=name, source=source, target=target, count=count) as process:
        said(process)
        return said(process)


def _steps(count: int) -> list[tuple[bytes, bytes, Any]]:
    made = [plain_step(f"case-{number % 1000}", f"step-{number}") for number in range(count)]
    return [(one["case_ref"].encode(), Step(**one).model_dump_json().encode(), []) for one in made]
