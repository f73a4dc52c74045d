"""More is asked than can be done: the excess is told so, the rest is served, and it is over when the asking is."""

import asyncio
from collections import Counter

import httpx

from tests.resilience.town import SECONDS, Process, Town, case

AT_ONCE = 4
ASKERS = 5 * AT_ONCE
ROUNDS = 10


async def ask_until_told(office: Process, case_ref: str, replies: list[httpx.Response], end: float) -> None:
    """One asker who never waits: again at once, whatever the answer."""
    asked = 0
    while asked < ROUNDS or asyncio.get_running_loop().time() < end:
        replies.append(await office.http.post("/beats", json={"case_ref": case_ref}))
        asked += 1


async def test_five_times_too_much_is_refused_for_the_excess_only_and_is_over_at_once(town: Town) -> None:
    """Promise 14."""
    office = await town.start("training", http_at_once=AT_ONCE, requests_per_second=100_000)
    cases = [case(number) for number in range(ASKERS)]
    for one in cases:
        await town.put_request(one)
    await town.settled("training")
    replies: list[httpx.Response] = []
    end = asyncio.get_running_loop().time() + SECONDS
    flood = asyncio.gather(*(ask_until_told(office, one, replies, end) for one in cases))
    health = [await office.http.get(path) for _ in range(5) for path in ("/live", "/ready", "/metrics")]
    await flood
    counted = Counter(reply.status_code for reply in replies)
    refused = [reply for reply in replies if reply.status_code == 503]
    assert set(counted) == {201, 503}
    assert {(one.headers["retry-after"], one.json()["type"].rsplit(":", 1)[1]) for one in refused} == {
        ("1", "overloaded")
    }
    assert {one.status_code for one in health} == {200}, "who looks after a service gets in"
    beats = [(await office.http.get(f"/tallies/{one}")).json()["beats"] for one in cases]
    assert sum(beats) == counted[201], "what was refused was not done, and what was done was not refused"
    after = [await office.http.post("/beats", json={"case_ref": one}) for one in cases]
    assert {reply.status_code for reply in after} == {201}
