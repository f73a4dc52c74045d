"""Trying again has an end, which restarts don't move; what is put aside then is whole, and has a place to go to."""

import asyncio
from functools import partial
from typing import Any

from confluent_kafka.admin import AdminClient

from chassis.delivery import ATTEMPTS, COPY, REASON, SOURCE_OFFSET, SOURCE_TOPIC
from chassis.envelope import to_record
from chassis.testing import drop_topics, make_topics
from tests.resilience.town import Town, case, request, until

RESTARTS = 5
PAUSES = [0.4] * 7
TOPIC_BYTES = 1_048_588  # the most that a topic takes in one batch, if nothing else is said
BATCH_BYTES = 400  # more than the broker's own share of that and of the record's headers


def headers_of(record: Any) -> dict[str, bytes]:
    return dict(record.headers)


def attempts_of(records: list[Any]) -> list[int]:
    """How often each copy had been tried. A relay that was killed before it marked sends a copy again: it is one."""
    told = {headers_of(one)[COPY]: int(headers_of(one)[ATTEMPTS]) for one in records}
    return list(told.values())


async def test_an_event_that_always_fails_is_tried_to_the_limit_exactly_across_five_restarts(town: Town) -> None:
    """Promise 22: attempts are counted in the record; what is parked is never tried again by itself."""
    await put_aside_across_restarts(town)
    assert attempts_of(await town.retried()) == list(range(1, len(PAUSES) + 1))
    assert attempts_of(await town.parked()) == [len(PAUSES) + 1]
    assert not await town.seen()
    await town.start("training", retry_seconds=PAUSES)
    good = await town.put_request(case(1))
    await town.settled("training")
    assert await town.seen() == [good.subject]
    assert attempts_of(await town.parked()) == [len(PAUSES) + 1]
    assert len(attempts_of(await town.retried())) == len(PAUSES)


async def put_aside_across_restarts(town: Town) -> None:
    """Start and kill the office in between the attempts, until the one event is parked."""
    await town.put_request(case(1), "BARISTA")
    for restart in range(1, RESTARTS + 1):
        office = await town.start("training", retry_seconds=PAUSES)

        async def tried(times: int = restart) -> bool:
            return len(attempts_of(await town.retried())) >= times

        await until(tried, f"attempt {restart}")
        office.kill()
    office = await town.start("training", retry_seconds=PAUSES)
    await until(town.parked, "the event is parked")
    office.kill()


async def test_a_copy_that_the_relay_sent_twice_is_one_attempt(town: Town) -> None:
    """Promise 22: a relay that dies between sending and marking sends a copy again, and there is still one end."""
    await town.start("training", retry_seconds=[3, 0.2])
    await town.put_request(case(1), "BARISTA")
    copies = await until(town.retried, "a copy waits in the retry topic")
    await town.producer.send_and_wait(
        copies[0].topic, copies[0].value, copies[0].key, headers=list(copies[0].headers)
    )  # fmt: skip
    await until(town.parked, "the event is parked")
    await town.settled("training")
    assert attempts_of(await town.parked()) == [3]


async def test_the_largest_record_a_topic_takes_is_parked_whole_after_the_most_tries(town: Town) -> None:
    """Promise 23."""
    await town.start("training")
    event = request(town.sender, case(1), "BARISTA")
    empty, headers = to_record(request(town.sender, case(1), "BARISTA", id=event.id, data={**event.data, "filler": ""}))
    room = TOPIC_BYTES - BATCH_BYTES - len(empty) - sum(len(name) + len(value) for name, value in headers)
    value, headers = to_record(request(town.sender, case(1), data={**event.data, "filler": "x" * room}))
    await town.put(value, headers, case(1).encode())
    await until(town.parked, "the record is parked")
    await town.settled("training")
    (parked,) = await town.parked()
    told = headers_of(parked)
    assert parked.value == value
    assert [(name, text) for name, text in parked.headers if not name.startswith("basudara-")] == headers
    assert told[ATTEMPTS] == b"4"
    assert told[SOURCE_TOPIC] == town.requests_topic.encode()
    assert told[SOURCE_OFFSET] == b"0"
    assert 0 < len(told[REASON]) <= 500
    assert [one.value for one in await town.retried()] == [value] * 3


async def test_a_service_whose_topic_for_records_put_aside_is_missing_refuses_to_start_and_names_it(town: Town) -> None:
    """Promise 26."""
    await asyncio.gather(refuses_without(town, "training", "parked"), refuses_without(town, "referral", "retry"))


async def refuses_without(town: Town, service: str, kind: str) -> None:
    topic = f"{town.group(service)}.{kind}.v1"
    drop_topics(town.backend.kafka, [topic])
    await until(partial(_gone, town, topic), "the topic is gone")
    process = await town.start(service, wait=False)
    assert await process.ended() == 2
    (told,) = process.lines("service.refuses_to_start")
    assert told["reason"] == f"topic_missing topic={topic}"
    assert not process.lines("service.started")
    make_topics(town.backend.kafka, town.catalogue, {town.agency_of[service]: frozenset({service})}, frozenset())


async def _gone(town: Town, topic: str) -> bool:
    return topic not in AdminClient({"bootstrap.servers": town.backend.kafka}).list_topics(timeout=10).topics
