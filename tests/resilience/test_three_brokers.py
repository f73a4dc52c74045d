"""Three brokers: one is lost, another one restarted, and the agencies notice nothing but a pause."""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chassis.testing import ROOT, Backend
from deploy.local.engine import Extras, engine
from tests.resilience.dump import findings
from tests.resilience.machines import Machines
from tests.resilience.town import SECONDS, Process, Town, case, until

Asked = list[dict[str, Any]]
PAUSE_SECONDS = 0.03  # between two commands


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    home = ROOT / ".local" / f"brokers-{os.getpid()}"
    with engine(home, fresh=True, brokers=3) as running:
        yield Machines(home, Extras(), running.kafka, running.mongo)
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def backend(machines: Machines) -> Backend:
    return Backend(machines.kafka, machines.mongo)


@pytest.mark.parametrize("disk", ["kept", "lost"])
async def test_nothing_is_lost_or_doubled_when_a_broker_is_killed_and_another_one_restarted(
    town: Town, machines: Machines, disk: str
) -> None:
    """Under load, and no service is started again. `RESILIENCE_SECONDS=600` does it about ten times."""
    referral, training = await town.start("referral"), await town.start("training")
    async with load(town, referral) as asked:
        await goes_on(town, asked)
        for _ in range(max(1, int(SECONDS / 60))):
            killed = machines.leader(town.requests_topic)
            machines.kill_broker(killed)
            if disk == "lost":
                machines.lose_disk(killed)
            await goes_on(town, asked)
            await back(machines, killed)
            restarted = machines.leader(town.requests_topic)
            assert restarted != killed
            await asyncio.to_thread(machines.stop_broker, restarted)
            await goes_on(town, asked)
            await back(machines, restarted)
            await goes_on(town, asked)
    await town.settled("referral", "training")
    assert sorted(await town.seen()) == sorted(one["subject"] for one in asked)
    answered = await town.answered()
    assert len(answered) == len(set(answered)) == len(asked)
    assert not await findings(town, asked)
    for one in (referral, training):
        await one.well()


@asynccontextmanager
async def load(town: Town, referral: Process) -> AsyncIterator[Asked]:
    """Commands one after the other for the length of a `with`: the caller's journal of them."""
    asked: Asked = []
    ended = asyncio.Event()

    async def ask_on() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            subject, reply = await town.ask(referral, case(number % 50))
            assert reply.status_code == 201, reply.text
            cause = reply.json()["cause"]
            asked.append({"agency": town.sender, "service": "referral", "subject": subject, "cause": cause})
            await asyncio.sleep(PAUSE_SECONDS)

    asking = asyncio.create_task(ask_on())
    try:
        yield asked
    finally:
        ended.set()
        await asking


async def goes_on(town: Town, asked: Asked) -> None:
    """Twenty further commands have gone all the way, to training and back, and so have all before them."""
    goal = len(asked) + 20

    async def answered() -> bool:
        subjects = [one["subject"] for one in asked[:goal]]
        known = await town.database("referral")["answers"].count_documents({"_id": {"$in": subjects}})
        return bool(known == goal)

    await until(answered, f"{goal} commands are answered")


async def back(machines: Machines, node: int) -> None:
    """A broker runs again, and has all that the others have."""
    await asyncio.to_thread(machines.start_broker, node)

    async def whole() -> bool:
        return await asyncio.to_thread(machines.in_sync)

    await until(whole, f"broker {node} has caught up")
