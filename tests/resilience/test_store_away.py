"""A store that is gone for a while: nothing is skipped afterwards, and meanwhile nobody shouts."""

import asyncio
from collections import Counter

from tests.resilience.proxy import Proxy
from tests.resilience.town import Town, at, case, until

AWAY_SECONDS = 5.0
PARTS = ("relay.round_failed", "duties.round_failed", "consumer.poll_failed")


async def test_while_the_store_is_away_no_part_tells_more_than_one_error_a_second(town: Town, store_way: Proxy) -> None:
    """Promise 13: no hot loop; and what was asked before and after is sent."""
    sender = await town.start("referral", mongo=at(store_way))
    office = await town.start("training")
    first, reply = await town.ask(sender, case(1))
    assert reply.status_code == 201
    await store_way.cut()

    async def noticed() -> bool:
        return bool(sender.lines("relay.round_failed"))

    await until(noticed, "the relay finds the store away")
    before = Counter(line["event"] for line in sender.lines())
    await asyncio.sleep(AWAY_SECONDS)  # a rate is told by the time it is counted for
    during = Counter(line["event"] for line in sender.lines()) - before
    assert all(during[part] <= AWAY_SECONDS for part in PARTS), during
    assert (await town.ask(sender, case(1)))[1].status_code == 503
    await store_way.restore()

    async def answers_again() -> str | None:
        referral, again = await town.ask(sender, case(1))
        return referral if again.status_code == 201 else None

    last = await until(answers_again, "the store is used again")
    await town.settled("referral", "training")
    assert set(await town.seen()) == {first, last}
    assert not sender.lines("service.part_ended") + office.lines("service.part_ended")
