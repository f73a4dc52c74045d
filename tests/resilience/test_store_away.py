"""A store that is gone for a while: nothing is skipped afterwards, and meanwhile nobody shouts."""

import asyncio
from collections import Counter

from tests.resilience.machines import Machines
from tests.resilience.proxy import Proxy
from tests.resilience.town import Process, Town, at, case, until

AWAY_SECONDS = 6.0
PARTS = ("relay.round_failed", "duties.round_failed", "consumer.poll_failed")
STEPPED_DOWN = {"code": 189, "codeName": "PrimarySteppedDown", "errmsg": "operation was interrupted"}
TOOK_TOO_LONG = {"errorCode": 50}  # told at once: whoever asks again at once would shout


async def test_while_the_store_refuses_no_part_tells_more_than_one_error_a_second(
    town: Town, machines: Machines
) -> None:
    """Promise 13: no hot loop; and what was asked before and meanwhile is sent, heard and answered."""
    sender, office = await town.start("referral"), await town.start("training")
    await town.ask(sender, case(1))
    await town.settled("referral", "training")
    machines.fail_command(100_000, ["find", "aggregate"], **TOOK_TOO_LONG, appName=f"{town.office}/training/1")
    asked, reply = await town.ask(sender, case(1))
    assert reply.status_code == 201

    async def noticed() -> bool:
        told = {line["event"] for line in office.lines()}
        return told >= set(PARTS)

    await until(noticed, "every part finds that the store refuses")
    before = Counter(line["event"] for line in office.lines())
    await asyncio.sleep(AWAY_SECONDS)  # a rate is told by the time it is counted for
    during = Counter(line["event"] for line in office.lines()) - before
    machines.fail_no_more()
    assert all(0 < during[part] <= AWAY_SECONDS for part in PARTS), during
    await town.settled("referral", "training")
    assert asked in await town.seen()
    assert len({dict(one.headers)["ce_id"] for one in await town.answers()}) == 2
    assert not await town.parked()
    assert not office.lines("service.part_ended")


async def test_a_write_that_the_store_does_not_confirm_ends_no_part(town: Town, machines: Machines) -> None:
    """Promise 13: the store steps down between a write and its confirmation, as of the lease, again and again."""
    # a lease is told anew when half of it is over
    sender, office = [await town.start(service, lease_seconds=2) for service in ("referral", "training")]
    for service in town.agency_of:
        whose = f"{town.agency_of[service]}/{service}/1"
        machines.fail_command(10, ["update", "findAndModify"], writeConcernError=STEPPED_DOWN, appName=whose)

        async def told(process: Process = sender if service == "referral" else office) -> bool:
            return any("WriteConcernError" in line.get("error", "") for line in process.lines("relay.round_failed"))

        await until(told, "the lease could not be confirmed")
        machines.fail_no_more()
    asked = [(await town.ask(sender, case(number)))[0] for number in range(3)]
    await town.settled("referral", "training", "referral")
    assert sorted(await town.seen()) == sorted(asked)
    for process in (sender, office):
        assert not process.lines("service.part_ended")
        await process.well()


async def test_when_the_store_comes_back_its_service_goes_on_without_help(town: Town, store_way: Proxy) -> None:
    """Promise 13: the way to it was cut, with connections in use."""
    sender = await town.start("referral", mongo=at(store_way))
    await town.start("training")
    first = (await town.ask(sender, case(1)))[0]
    await store_way.cut()
    assert (await town.ask(sender, case(1)))[1].status_code == 503
    await store_way.restore()

    async def answers_again() -> str | None:
        referral, again = await town.ask(sender, case(1))
        return referral if again.status_code == 201 else None

    last = await until(answers_again, "the store is used again")
    await town.settled("referral", "training")
    assert set(await town.seen()) == {first, last}
    assert not sender.lines("service.part_ended")
