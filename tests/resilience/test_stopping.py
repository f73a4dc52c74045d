"""A service ends in time whatever is down, and until then takes commands that only need its store."""

import asyncio

import pytest

from tests.resilience.dump import findings
from tests.resilience.proxy import Proxy
from tests.resilience.town import Town, at, case

STOP_SECONDS = 3  # the setting; the shipped one is fifteen, and twenty are promised
LIMIT = STOP_SECONDS + 5  # on a machine that does other things too


@pytest.mark.parametrize("how", ["cut", "hang"])
async def test_without_a_broker_commands_are_accepted_and_every_service_stops_in_time(
    town: Town, broker_way: Proxy, how: str
) -> None:
    """Promise 7: the event waits in the outbox; the successor sends it."""
    kafka = f"127.0.0.1:{broker_way.port}"
    sender, office = await asyncio.gather(
        town.start("referral", kafka=kafka, stop_seconds=STOP_SECONDS),
        town.start("training", kafka=kafka, stop_seconds=STOP_SECONDS),
    )
    asked = [await town.ask(sender, case(1))]
    await town.settled("training", "referral")
    await take_away(broker_way, how)
    asked.append(await town.ask(sender, case(1)))
    assert asked[1][1].status_code == 201
    assert await town.database("referral")["outbox"].count_documents({"sent": False}) == 1
    for code, seconds in await asyncio.gather(sender.terminate(), office.terminate()):
        assert (code, seconds < LIMIT) == (0, True), f"ended with {code} after {seconds:.1f} s"
    await asyncio.gather(town.start("referral"), town.start("training"))  # past the proxy
    await town.settled("referral", "training")
    assert await town.seen() == [referral for referral, _ in asked]
    assert len(await town.answered()) == len(asked)
    owner = {"agency": town.sender, "service": "referral"}
    commands = [{**owner, "subject": referral, "cause": reply.json()["cause"]} for referral, reply in asked]
    assert await findings(town, commands) == []


@pytest.mark.parametrize("how", ["cut", "hang"])
async def test_without_a_store_every_service_stops_in_time(town: Town, store_way: Proxy, how: str) -> None:
    """Promise 7: the records that it could not handle are its successor's."""
    sender, office = await asyncio.gather(
        town.start("referral", mongo=at(store_way), stop_seconds=STOP_SECONDS),
        town.start("training", mongo=at(store_way), stop_seconds=STOP_SECONDS),
    )
    await take_away(store_way, how)
    event = await town.put_request(case(1))
    for code, seconds in await asyncio.gather(sender.terminate(), office.terminate()):
        assert (code, seconds < LIMIT) == (0, True), f"ended with {code} after {seconds:.1f} s"
    await town.start("training")
    await town.settled("training")
    assert await town.seen() == [event.subject]


async def take_away(way: Proxy, how: str) -> None:
    if how == "cut":
        await way.cut()
    else:
        way.hang()
