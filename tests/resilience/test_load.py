"""Under load: memory stands still, and one agency's flood is not another's drought."""

import asyncio
import time

from chassis.envelope import Event, to_record
from chassis.testing import drop_topics, make_topics, new_code
from tests.resilience.town import SECONDS, Town, case, request

ROUND, WARM_ROUNDS, ROUNDS = 1_500, 3, 8
KEPT_BYTES = 2_000  # what one event may leave behind; a record that is kept by mistake weighs 3,500 and more
FLOOD = 10_000


async def put_at_once(town: Town, events: list[Event], topic: str) -> None:
    acks = []
    for event in events:
        value, headers = to_record(event)
        key = str(event.data["case_ref"]).encode()
        acks.append(await town.producer.send(topic, value, key, headers=headers))
    await asyncio.gather(*acks)


async def test_memory_does_not_grow_with_the_number_of_events(town: Town) -> None:
    """Promise 10: what has bounds fills (it takes thirty thousand events), and nothing is kept of each event.

    The long form looks at the second half of its time alone, and there at growth by itself: under 5 %.
    """
    office = await town.start("training")
    began, sizes = time.monotonic(), list[int]()
    while len(sizes) < ROUNDS or time.monotonic() - began < SECONDS:
        first = len(sizes) * ROUND
        events = [request(town.sender, case(first + number)) for number in range(ROUND)]
        await put_at_once(town, events, town.requests_topic)
        await town.settled("training")
        sizes.append(office.rss_bytes())
    assert await office.metric("basudara_events_handled_total") == len(sizes) * ROUND
    handled = (len(sizes) - WARM_ROUNDS) * ROUND
    assert (sizes[-1] - sizes[WARM_ROUNDS - 1]) / handled < KEPT_BYTES, [size // 2**20 for size in sizes]
    if SECONDS:
        assert sizes[-1] < sizes[len(sizes) // 2] * 1.05, [size // 2**20 for size in sizes]


async def test_an_agency_keeps_its_share_of_a_reader_that_another_floods(town: Town) -> None:
    """Promise 62: twenty records of one agency behind ten thousand of another are handled among the first."""
    other = new_code("village")  # behind the loud one also by name
    topic = f"{other}.referral.referral.to.{town.office}.v1"
    services = {other: frozenset({"referral"}), town.office: frozenset({"training"})}
    pairs = frozenset({(other, town.office), (town.office, other)})
    make_topics(town.backend.kafka, town.catalogue, services, pairs)
    try:
        flood = [request(town.sender, case(number)) for number in range(FLOOD)]
        few = [request(other, case(FLOOD + number)) for number in range(20)]
        await put_at_once(town, flood, town.requests_topic)
        await put_at_once(town, few, topic)
        office = await town.start("training")
        await town.settled("training")
        handled = {row["_id"].partition(":")[2]: row["at"] async for row in town.database("training")["inbox"].find()}
        last_of_the_few = max(handled[event.id] for event in few)
        assert sum(handled[event.id] < last_of_the_few for event in flood) < FLOOD / 4
        assert await office.metric("basudara_events_handled_total") == FLOOD + len(few)
    finally:
        drop_topics(town.backend.kafka, [name for name in town.catalogue.topics(services, pairs) if other in name])
