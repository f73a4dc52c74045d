"""Who may send: a relay that was away too long marks nothing, and one that dies in between loses nothing."""

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chassis import ids
from chassis.clock import Clock
from chassis.database import Database
from chassis.envelope import from_record
from chassis.kept import Kept
from chassis.lease import Lost
from chassis.outbox import Outbox, Relay
from chassis.store import Store
from chassis.work import Cause, Work
from tests.resilience.dump import findings
from tests.resilience.proxy import Proxy
from tests.resilience.tally import Request, SaysRequested
from tests.resilience.town import SECONDS, Process, Town, case, until

CRASHES = 100


async def test_a_process_that_was_paused_beyond_its_lease_marks_no_row_when_it_wakes(
    town: Town, broker_way: Proxy
) -> None:
    """Promise 17: it sleeps with rows in hand, its successor sends and marks them, and then it wakes."""
    sleeper = await town.start("referral", "1", kafka=f"127.0.0.1:{broker_way.port}", lease_seconds=3)

    async def leads() -> bool:
        return bool(sleeper.lines("relay.leads"))

    await until(leads, "the first one leads")
    broker_way.hang()
    asked = [(await town.ask(sleeper, case(1)))[0] for _ in range(10)]
    sleeper.pause()
    successor = await town.start("referral", "2", lease_seconds=3)
    await until(partial(_all_sent, town), "the successor sends what the sleeper had in hand")
    woken = datetime.now(UTC)
    await broker_way.restore()
    sleeper.resume()

    wakes = time.monotonic()

    async def told_or_had_its_time() -> bool:
        return bool(sleeper.lines("relay.round_failed")) or time.monotonic() > wakes + 5

    await until(told_or_had_its_time, "the sleeper could have marked")
    asked.append((await town.ask(sleeper, case(1)))[0])
    await town.settled("referral")
    rows = await town.database("referral")["outbox"].find().sort("_id").to_list()
    assert all(row["sent_at"] < woken for row in rows[:10]), "the sleeper has marked nothing"
    heard = [from_record(one.value, one.headers).subject for one in await town.records(town.requests_topic)]
    assert set(heard) == set(asked)
    assert successor.lines("relay.leads")


async def test_a_relay_whose_lease_ran_out_between_sending_and_marking_cannot_mark(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 17: the mark itself proves the lease, so no pause is short enough to slip through."""
    monkeypatch.setattr("chassis.lease.LEASE", timedelta(seconds=0.5))
    async with senders_store(town) as (database, store):
        await store.transact(_request, (town, case(1)), _cause())
        sleeper, successor = (_relay(database, town.producer, name) for name in ("sleeper", "successor"))
        assert await sleeper.round() == 1
        await until(successor.lease.hold, "the lease has run out")
        assert await successor.round() == 1
        await successor.mark()
        marked = await database["outbox"].find_one({})
        with pytest.raises(Lost):
            await sleeper.mark()
        assert await database["outbox"].find_one({}) == marked
        assert marked["sent"]


async def _all_sent(town: Town) -> bool:
    return not await town.database("referral")["outbox"].count_documents({"sent": False})


async def test_effects_count_once_after_a_hundred_crashes_between_sending_and_marking(town: Town) -> None:
    """Promise 18: at least once out, exactly once in."""
    await town.start("training")
    async with senders_store(town) as (database, store):
        for number in range(CRASHES):
            await store.transact(_request, (town, case(number % 5)), _cause())
            assert await _relay(database, town.producer).round() == number + 1  # and it dies before it marks
        assert await database["outbox"].count_documents({"sent": False}) == CRASHES
        last = _relay(database, town.producer)
        assert await last.round() == CRASHES
        await last.mark()
    await town.settled("training")
    assert len(await town.records(town.requests_topic)) == CRASHES * (CRASHES + 1) // 2 + CRASHES
    seen = await town.seen()
    assert len(seen) == len(set(seen)) == CRASHES
    assert len(await town.answers()) == CRASHES


async def _request(told: tuple[Town, str], work: Work) -> None:
    town, case_ref = told
    made = Request(id=ids.new_id("ref"), version=1)
    said = SaysRequested(referral_id=made.id, case_ref=case_ref, field="WELDING", agreement_number="PKS-1")
    work.save(made, said, to=town.office)


def _cause() -> Cause:
    fresh = ids.event_id()
    return Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=Clock().now())


def _relay(database: Database, producer: Any, holder: str = "one-more-life") -> Relay:
    return Relay(database, producer, holder, Clock())


@asynccontextmanager
async def senders_store(town: Town) -> AsyncIterator[tuple[Database, Store]]:
    """The sender's store, without its service: the test relays for it."""
    database = Database(town.backend.mongo, town.database_name("referral"), "test")
    store = Store(database, [Kept(Request, "requests")], Outbox(town.sender, "referral", town.catalogue))
    await store.prepare()
    yield database, store
    database.close()


async def test_effects_count_once_when_every_service_is_killed_again_and_again(town: Town) -> None:
    """Promise 18, with kill -9 at any moment: `RESILIENCE_SECONDS=600` kills about three hundred times."""
    asked: list[dict[str, Any]] = []
    alive = {service: await town.start(service) for service in ("referral", "training")}
    for round_ in range(max(4, int(SECONDS / 2))):
        asked += await _asked(town, alive["referral"], 25)
        service = ("referral", "training")[round_ % 2]
        alive[service].kill()  # in the middle of what it does, wherever that is
        alive[service] = await town.start(service)
    await town.settled("referral", "training")
    assert sorted(await town.seen()) == sorted(one["subject"] for one in asked)
    answered = await town.answered()
    assert len(answered) == len(set(answered)) == len(asked)
    assert not await findings(town, asked)


async def _asked(town: Town, referral: Process, count: int) -> list[dict[str, Any]]:
    """The caller's journal of so many commands."""
    replies = [await town.ask(referral, case(random.randrange(5))) for _ in range(count)]
    assert {reply.status_code for _, reply in replies} == {201}
    return [
        {"agency": town.sender, "service": "referral", "subject": subject, "cause": reply.json()["cause"]}
        for subject, reply in replies
    ]
