"""Duties are due dates in the store: a stop over the time makes them late, and a clock that jumps doubles none."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from chassis import clock
from chassis.clock import Clock
from tests.resilience.town import Process, Town, case, until

HOUR = timedelta(hours=1)
STEP = timedelta(minutes=10)


def now(town: Town) -> datetime:
    return Clock(town.clock_file).now()


async def plan(office: Process, number: int, due_in: timedelta) -> None:
    reply = await office.http.post("/beats", json={"case_ref": case(number), "due_in_seconds": due_in.total_seconds()})
    assert reply.status_code == 201


async def done(town: Town) -> dict[str, int]:
    """By case: how often its duty was done."""
    return {row["_id"]: row["beats"] async for row in town.database("training")["tallies"].find()}


async def nothing_due(town: Town) -> None:
    async def none() -> bool:
        return not await town.database("training")["duties"].count_documents({"wake_at": {"$lte": now(town)}})

    await until(none, "no duty is due any more")


async def looked_again(town: Town, offices: list[Process]) -> None:
    """Until a duty that becomes due now was done: whatever else was due before it has been looked at."""
    before = await done(town)
    await plan(offices[0], 9, timedelta())

    async def beaten() -> bool:
        return (await done(town))[case(9)] > before[case(9)]

    await until(beaten, "a fresh duty is done")


def counted(offices: list[Process], many: int) -> Callable[[], Awaitable[bool]]:
    async def has() -> bool:
        return sum([await one.metric("basudara_duties_done_total", duty="tally.beat") for one in offices]) == many

    return has


async def test_duties_that_fell_due_while_all_replicas_were_down_are_done_once_and_marked_late(town: Town) -> None:
    """Promise 50."""
    office = await town.start("training")
    for number in (1, 2, 3, 9):
        await town.put_request(case(number))
    await town.settled("training")
    for number in (1, 2, 3):
        await plan(office, number, HOUR)
    assert (await office.terminate())[0] == 0
    clock.move_to(town.clock_file, now(town) + 3 * HOUR)
    replicas = list(await asyncio.gather(*(town.start("training", instance) for instance in ("1", "2"))))
    await nothing_due(town)
    await looked_again(town, replicas)
    await until(counted(replicas, 4), "each duty is counted once")  # a moment after its effect can be read
    assert await done(town) == {case(1): 1, case(2): 1, case(3): 1, case(9): 1}
    late = [line for one in replicas for line in one.lines("duties.late")]
    assert len(late) == 3
    assert all(abs(line["late_seconds"] - 2 * HOUR.total_seconds()) < 120 for line in late)


async def test_a_clock_that_steps_ten_minutes_either_way_neither_repeats_nor_forgets_a_duty(town: Town) -> None:
    """Promise 50."""
    office = await town.start("training")
    for number in (1, 2, 9):
        await town.put_request(case(number))
    await town.settled("training")
    await plan(office, 1, timedelta())
    await plan(office, 2, STEP / 2)
    await looked_again(town, [office])
    assert (await done(town))[case(2)] == 0, "not due yet"
    clock.move_to(town.clock_file, now(town) - STEP)
    await looked_again(town, [office])
    assert await done(town) == {case(1): 1, case(2): 0, case(9): 2}, "the same hour again repeats nothing"
    clock.move_to(town.clock_file, now(town) + 2 * STEP)
    await nothing_due(town)
    await looked_again(town, [office])
    assert await done(town) == {case(1): 1, case(2): 1, case(9): 3}
    await until(counted([office], 5), "each duty is counted once")
