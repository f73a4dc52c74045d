"""What a service says of its own health: `/ready` names each cause and takes it back, `/live` stands still."""

from datetime import timedelta

import pytest

from chassis import clock
from chassis.clock import Clock
from chassis.envelope import from_record
from tests.resilience.proxy import Proxy
from tests.resilience.town import Process, Town, at, case, until


async def told(process: Process, cause: str) -> None:
    """Until `/ready` refuses and names this cause; meanwhile and then `/live` says that the process lives."""

    async def named() -> bool:
        assert (await process.http.get("/live")).status_code == 200
        status, causes = await process.ready()
        return status == 503 and cause in causes

    await until(named, f"/ready names {cause}")


@pytest.mark.parametrize("how", ["cut", "hang"])
async def test_a_store_that_is_away_is_named_and_taken_back_by_itself(town: Town, store_way: Proxy, how: str) -> None:
    """Promise 61."""
    office = await town.start("training", mongo=at(store_way))
    await office.well()
    if how == "cut":
        await store_way.cut()
    else:
        store_way.hang()
    await told(office, "store")
    await store_way.restore()
    await office.well()
    event = await town.put_request(case(1))
    await town.settled("training")
    assert await town.seen() == [event.subject]


async def test_a_broker_that_is_away_and_rows_that_wait_too_long_are_named(town: Town, broker_way: Proxy) -> None:
    """Promise 61: the age of the oldest row that waits is out of bounds after half a minute."""
    sender = await town.start("referral", kafka=f"127.0.0.1:{broker_way.port}")
    await sender.well()
    await broker_way.cut()
    await told(sender, "broker")
    asked, reply = await town.ask(sender, case(1))
    assert reply.status_code == 201, "a command needs the store alone"
    clock.move_to(town.clock_file, Clock().now() + timedelta(minutes=1))
    await told(sender, "relay")
    await broker_way.restore()
    await sender.well()
    heard = [from_record(one.value, one.headers).subject for one in await town.records(town.requests_topic)]
    assert set(heard) == {asked}


async def test_a_reader_that_lags_is_named_until_it_has_caught_up(town: Town) -> None:
    """Promise 61: one slow record after the other on one partition, more of them than is in bounds."""
    office = await town.start("training", ready_lag_records=5, slow_seconds=0.5)
    await office.well()
    for _ in range(10):
        await town.put_request(case(1), "CARPENTRY")
    await told(office, "lag")
    await office.well()
    await town.settled("training")
    assert len(await town.seen()) == 10
