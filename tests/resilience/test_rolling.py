"""A new release goes in while the town works: two replicas of each service, one after the other, in order."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from chassis import ids
from tests.resilience.dump import findings
from tests.resilience.town import Process, Town, case, until

PAUSE_SECONDS = 0.02  # between two requests: fifty a second
BEFORE = 25  # commands between two replicas
FEW = 5  # replies that got lost at a closing door: the request was done, and asked once more


@dataclass
class Clerk:
    """Asks the two doors in turn; where one is closed he asks the other, under the same id."""

    town: Town
    doors: dict[str, Process]
    done: list[dict[str, Any]] = field(default_factory=list)
    replies: Counter[int] = field(default_factory=Counter)

    async def work(self, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            await self.ask(number)
            number += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def ask(self, number: int) -> None:
        referral_id = ids.new_id("ref")
        for attempt in range(10):
            door = self.doors[str((number + attempt) % 2 + 1)]
            try:
                _, reply = await self.town.ask(door, case(number), referral_id=referral_id)
            except (httpx.TransportError, httpx.RemoteProtocolError):
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            self.replies[reply.status_code] += 1
            cause = reply.json()["cause"] if reply.status_code == 201 else None
            owner = {"agency": self.town.sender, "service": "referral"}
            self.done.append({**owner, "subject": referral_id, "cause": cause})
            return
        raise AssertionError("no door was open")


async def test_a_release_goes_in_under_load_and_nobody_is_told_of_an_error(town: Town) -> None:
    """Each replica of each service ends by SIGTERM and comes back; nothing is lost or doubled, no reply is a 5xx."""
    started = await asyncio.gather(*(town.start(service, number) for service, number in REPLICAS))
    replicas = dict(zip(REPLICAS, started, strict=True))
    clerk = Clerk(town, {number: replicas["referral", number] for number in ("1", "2")})
    stop = asyncio.Event()
    working = asyncio.create_task(clerk.work(stop))
    for service, number in REPLICAS:
        many = len(clerk.done) + BEFORE
        await until(_has_done(clerk, many), "the clerk goes on")
        code, _ = await replicas[service, number].terminate()
        assert code == 0
        many = len(clerk.done) + BEFORE
        await until(_has_done(clerk, many), "the clerk goes on with one replica")
        replicas[service, number] = await town.start(service, number)
        if service == "referral":
            clerk.doors[number] = replicas[service, number]
    stop.set()
    await working
    await town.settled("referral", "training", "referral")
    asked = [one["subject"] for one in clerk.done]
    seen = await town.seen()
    assert sorted(seen) == sorted(asked)
    assert set(clerk.replies) <= {201, 409}, "409: it was done, and its reply got lost at the closing door"
    assert clerk.replies[409] <= FEW
    assert await findings(town, clerk.done) == []


REPLICAS = [(service, number) for service in ("referral", "training") for number in ("1", "2")]


def _has_done(clerk: Clerk, many: int) -> Any:
    async def has() -> bool:
        return len(clerk.done) >= many

    return has
