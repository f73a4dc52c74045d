"""Readers that come, go, stall and return: each record has its effect once, and the group settles by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.envelope import Event
from tests.resilience.dump import command, findings
from tests.resilience.town import SECONDS, Process, Town, case, until

CASES = 20
EACH_SECONDS = 0.02  # 50 records a second


@asynccontextmanager
async def load(town: Town) -> AsyncIterator[list[Event]]:
    """Requests for twenty cases, fifty a second, for the length of a `with`."""
    put: list[Event] = []
    enough = asyncio.Event()

    async def go_on() -> None:
        while not enough.is_set():
            put.append(await town.put_request(case(len(put) % CASES)))
            await asyncio.sleep(EACH_SECONDS)

    going = asyncio.create_task(go_on())
    try:
        yield put
    finally:
        enough.set()
        await going


async def assert_once_each(town: Town, put: list[Event]) -> None:
    await town.settled("training")
    seen = await town.seen()
    assert sorted(seen) == sorted(event.subject for event in put)
    assert await findings(town, map(command, put)) == []


def assignments(*readers: Process) -> list[int]:
    return [len(reader.lines("consumer.assigned")) for reader in readers]


async def more_seen(town: Town, by: int = 50) -> None:
    """Until so many more records had their effect."""
    before = len(await town.seen())

    async def moved() -> bool:
        return len(await town.seen()) >= before + by

    await until(moved, f"{by} more effects")


async def test_readers_that_are_killed_and_added_under_load_lose_and_double_nothing(town: Town) -> None:
    """Promise 1: reading never ends, and each effect is there exactly once."""
    readers = [await town.start("training", name) for name in "abc"]
    async with load(town) as put:
        await more_seen(town)
        for turn in range(max(2, int(SECONDS / 5))):
            victim = readers.pop(0)
            victim.kill()
            # in turns: one that takes over the killed one's place, and one that is new to the group
            name = "abc"[turn % 3] if turn % 2 == 0 else f"new-{turn}"
            readers.append(await town.start("training", name))
            await more_seen(town)
    await assert_once_each(town, put)
    assert not [line for reader in readers for line in reader.lines("service.part_ended")]


async def test_a_reader_that_was_away_too_long_joins_again_and_doubles_nothing(town: Town) -> None:
    """Promise 4: the broker gave its partitions away meanwhile; it is told so, joins again, and that is counted."""
    sleeper, other = await town.start("training", "a"), await town.start("training", "b")
    async with load(town) as put:
        await more_seen(town)
        before = assignments(sleeper, other)
        sleeper.pause()

        async def taken_over() -> bool:
            return assignments(other)[0] > before[1]

        await until(taken_over, "the other reader is given the partitions of the one that is away")
        await more_seen(town)
        sleeper.resume()

        async def back() -> bool:
            return assignments(sleeper)[0] > before[0]

        await until(back, "the one that was away is given partitions again")
        await more_seen(town)
    await assert_once_each(town, put)
    assert await sleeper.metric("basudara_group_assignments_total") == assignments(sleeper)[0] > before[0]
    handled = await sleeper.metric("basudara_events_handled_total")
    assert handled + await other.metric("basudara_events_handled_total") == len(put)


async def test_a_slow_record_goes_to_retry_and_neither_its_partition_nor_the_group_waits_for_it(town: Town) -> None:
    """Promise 3: its handler takes twice as long as it may."""
    readers = [
        await town.start("training", name, slow_seconds=2, handler_seconds=1, retry_seconds="[0.2]") for name in "ab"
    ]
    await town.put_request(case(1))
    await town.settled("training")
    before = assignments(*readers)
    late = await town.put_request(case(1), "CARPENTRY")
    put = [await town.put_request(case(number % CASES)) for number in range(100)]

    async def all_good() -> bool:
        return len(await town.seen()) == 101

    await until(all_good, "all other records are handled")
    await until(town.parked, "the slow record is given up after its tries")
    await town.settled("training")
    parked = [dict(record.headers) for record in await town.parked()]
    assert [(one["ce_id"], one["basudara-reason"], one["basudara-attempts"]) for one in parked] == [
        (late.id.encode(), b"too_slow limit_seconds=1.0", b"2")
    ]
    assert len(await town.retried()) == 1
    assert {event.subject for event in put} < set(await town.seen())
    assert sum(assignments(*readers)) - sum(before) <= 2
    tried = sum([await reader.metric("basudara_events_handled_total") for reader in readers])
    assert tried == 101
