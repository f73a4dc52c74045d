"""Who may send: a relay that was away too long marks nothing, and one that dies in between loses nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from chassis import ids
from chassis.clock import Clock
from chassis.database import Database
from chassis.envelope import from_record
from chassis.outbox import Lost, Outbox, Relay
from chassis.store import Kept, Store
from chassis.work import Cause, Work
from tests.resilience.proxy import Proxy
from tests.resilience.tally import Request, SaysRequested
from tests.resilience.town import SECONDS, Process, Town, case, until

CRASHES = 100


async def test_a_process_that_was_paused_beyond_its_lease_marks_no_row_when_it_wakes(
    town: Town, broker_way: Proxy
) -> None:
    """Promise 17: it sleeps with rows in hand, its successor sends and marks them, and then it wakes."""
    sleeper = await town.start("referral", "1", kafka=f"127.0.0.1:{broker_way.port}")
    assert sleeper.lines("relay.leads")
    broker_way.hang()
    asked = [(await town.ask(sleeper, case(1)))[0] for _ in range(10)]
    sleeper.pause()
    successor = await town.start("referral", "2")
    await until(partial(_all_sent, town), "the successor sends what the sleeper had in hand")
    woken = datetime.now(UTC)
    await broker_way.restore()
    sleeper.resume()

    async def told() -> bool:
        return bool(sleeper.lines("relay.round_failed"))

    await until(told, "the sleeper's own round has failed")
    asked.append((await town.ask(sleeper, case(1)))[0])
    await town.settled("referral")
    rows = await town.database("referral")["outbox"].find().sort("_id").to_list()
    assert all(row["sent_at"] < woken for row in rows[:10]), "the sleeper has marked nothing"
    heard = [from_record(one.value, one.headers).subject for one in await town.records(town.requests_topic)]
    assert set(heard) == set(asked)
    assert successor.lines("relay.leads")


class AnswersLate:
    """A producer whose answers reach its relay only when `awake` is set, though the broker has the records."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self.answered, self.awake = asyncio.Event(), asyncio.Event()

    async def send(self, topic: str, value: bytes, key: bytes, headers: Any) -> Any:
        async def late() -> Any:
            answer = await (await self._producer.send(topic, value, key, headers=headers))
            self.answered.set()
            await self.awake.wait()
            return answer

        return asyncio.ensure_future(late())


async def test_a_relay_whose_lease_ran_out_between_sending_and_marking_cannot_mark(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 17: the mark itself proves the lease, so no pause is short enough to slip through."""
    monkeypatch.setattr("chassis.outbox.LEASE", timedelta(seconds=0.5))
    async with senders_store(town) as (database, store):
        await store.transact(_request, (town, case(1)), _cause())
        late = AnswersLate(town.producer)
        sleeper = _relay(database, late, "sleeper")
        assert await sleeper.lease.hold()
        sleeping = asyncio.create_task(sleeper.round())
        await late.answered.wait()
        successor = _relay(database, town.producer, "successor")
        await until(successor.lease.hold, "the lease has run out")
        assert await successor.round() == 1
        await successor.mark()
        marked = await database["outbox"].find_one({})
        late.awake.set()
        assert await sleeping == 1
        with pytest.raises(Lost):
            await sleeper.mark()
        assert await database["outbox"].find_one({}) == marked
        assert marked["sent"]


async def _all_sent(town: Town) -> bool:
    return not await town.database("referral")["outbox"].count_documents({"sent": False})


class PowerCut(Exception):
    pass


class DiesAfterTheAnswer:
    """A producer whose process ends when the broker has answered: the records are there, and nobody marks the rows."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, topic: str, value: bytes, key: bytes, headers: Any) -> Any:
        async def answered_then_dead() -> None:
            await (await self._producer.send(topic, value, key, headers=headers))
            raise PowerCut

        return asyncio.ensure_future(answered_then_dead())


async def test_effects_count_once_after_a_hundred_crashes_between_sending_and_marking(town: Town) -> None:
    """Promise 18: at least once out, exactly once in."""
    await town.start("training")
    async with senders_store(town) as (database, store):
        for number in range(CRASHES):
            await store.transact(_request, (town, case(number % 5)), _cause())
            with pytest.raises(PowerCut):
                await _relay(database, DiesAfterTheAnswer(town.producer)).round()
        assert await database["outbox"].count_documents({"sent": False}) == CRASHES
        last = _relay(database, town.producer)
        assert await last.lease.hold()
        await last.round()
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
    asked: list[str] = []
    alive = {service: await town.start(service) for service in ("referral", "training")}
    for round_ in range(max(4, int(SECONDS / 2))):
        asked += await _asked(town, alive["referral"], 25)
        service = ("referral", "training")[round_ % 2]
        alive[service].kill()  # in the middle of what it does, wherever that is
        alive[service] = await town.start(service)
    await town.settled("referral", "training")
    assert sorted(await town.seen()) == sorted(asked)
    answered = await town.answered()
    assert len(answered) == len(set(answered)) == len(asked)


async def _asked(town: Town, referral: Process, count: int) -> list[str]:
    replies = [await town.ask(referral, case(random.randrange(5))) for _ in range(count)]
    assert {reply.status_code for _, reply in replies} == {201}
    return [referral_id for referral_id, _ in replies]
