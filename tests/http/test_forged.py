"""Ten thousand requests of people who may not ask, at all doors of a running stack: none gets in, no door breaks."""

import asyncio
import time
from collections import Counter
from itertools import chain
from typing import Any

import httpx
import pytest

from deploy.basudara.stack import Stack
from tests.http.forging import CROSS, Forged, Forger, Route, routes
from tests.http.world import Face
from tests.system.seeing import at_rest

REQUESTS, SEED, AT_ONCE = 10_000, 20_270_118, 16
ON_RECORD_SECONDS = 30
GOOD = {
    "intake": "/cases",
    "referral": "/referrals?state=requested",
    "training": "/placements",
    "notification": "/messages",
}
REFUSED = {CROSS: (403, 404)}  # 401 for all others


def refusals(stack: Stack) -> int:
    """All that the records of the services tell of."""
    total = 0
    with stack.reach.store() as store:
        for database in stack.databases.values():
            blocks = [block["entries"] for block in store[f"{database}-audit"]["audit"].find()]
            for one in [*chain.from_iterable(blocks), *store[database]["audit_open"].find()]:
                total += one["times"] if one["outcome"] == "refused" else 0
    return total


def all_on_record(stack: Stack, wanted: int) -> bool:
    """Those who have no name are counted, and kept a moment later."""
    until = time.monotonic() + ON_RECORD_SECONDS
    while refusals(stack) != wanted and time.monotonic() < until:
        time.sleep(0.5)
    return refusals(stack) == wanted


async def send(client: httpx.AsyncClient, doors: dict[str, Face], forged: Forged) -> tuple[Forged, httpx.Response]:
    route = forged.route
    body: dict[str, Any] = {"json": {}} if route.method == "POST" else {}
    url = doors[route.service].url + route.path
    return forged, await client.request(route.method, url, headers=forged.headers, **body)


async def send_all(doors: dict[str, Face], all_of_them: list[Forged]) -> list[tuple[Forged, httpx.Response]]:
    found: list[tuple[Forged, httpx.Response]] = []
    waiting = iter(all_of_them)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:

        async def some() -> None:
            for forged in waiting:
                found.append(await send(client, doors, forged))

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return found


def planned(forger: Forger, ways: list[Route]) -> list[Forged]:
    kinds = [*forger.kinds, "none at all", CROSS, CROSS, CROSS]
    by_token = [route for route in ways if route.by_token]
    return [forger.request(kinds[number % len(kinds)], forger.chance.choice(by_token)) for number in range(REQUESTS)]


async def test_none_of_ten_thousand_gets_in(stack: Stack, doors: dict[str, Face]) -> None:
    before, told = at_rest(stack), refusals(stack)
    ways = routes(doors)
    assert len([route for route in ways if route.by_token]) > 50
    answers = await send_all(doors, planned(Forger(SEED, stack.home / "secrets"), ways))
    counted = Counter((forged.kind, reply.status_code) for forged, reply in answers)
    for (kind, status), count in sorted(counted.items()):
        print(f"{kind:<30} {status} {count:>6}")
    assert sum(counted.values()) == REQUESTS
    assert {key: count for key, count in counted.items() if key[1] not in REFUSED.get(key[0], (401,))} == {}
    not_there = {forged.route.path.split("/")[1] for forged, reply in answers if reply.status_code == 404}
    assert not_there <= {"participant-cards"}, "the one door for other agencies"
    assert {reply.headers["content-type"] for _, reply in answers} == {"application/problem+json"}
    assert all("server" not in reply.headers for _, reply in answers)
    assert at_rest(stack) == before
    assert all_on_record(stack, told + REQUESTS)


@pytest.mark.parametrize("service", sorted(GOOD))
def test_a_good_request_is_answered_after_all_that(service: str, stack: Stack, doors: dict[str, Face]) -> None:
    token = next(iter(doors[service].tokens.values()))
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(doors[service].url + GOOD[service], headers=headers, trust_env=False).status_code == 200


def test_a_receipt_that_the_gateway_did_not_sign_is_refused(doors: dict[str, Face]) -> None:
    url = f"{doors['notification'].url}/receipts"
    for signature in (None, "", "0" * 64, "sha256=" + "f" * 64, "x"):
        headers = {} if signature is None else {"X-Gateway-Signature": signature}
        assert httpx.post(url, json={}, headers=headers, trust_env=False).status_code == 401
