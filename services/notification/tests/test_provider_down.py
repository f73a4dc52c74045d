"""A provider that is down while many wait: it is probed, and when it answers they go at the agreed pace."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from notification_examples import wit
from notification_office import Office, office_open, served, training
from test_morning_release import ref

WAITING = 60  # follow-ups, each told to two officers
PER_MINUTE = 1200  # 20 a second
PROBES = 12  # at most, in an outage of some seconds, while 120 wait


class CountedWay:
    """The way to the gateway, on which every call is counted: what the gateway refuses it does not record itself."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=10, trust_env=False)
        self.gateway = ""
        self.calls: list[float] = []
        self.app = FastAPI()
        self.app.add_api_route("/{path:path}", self._pass_on, methods=["POST"])

    async def _pass_on(self, path: str, request: Request) -> Response:
        self.calls.append(asyncio.get_running_loop().time())
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        reply = await self._client.post(f"{self.gateway}/{path}", content=await request.body(), headers=headers)
        return Response(reply.content, reply.status_code, media_type=reply.headers["content-type"])

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def counted_way() -> AsyncIterator[tuple[CountedWay, str]]:
    way = CountedWay()
    async with served(way.app) as url:
        yield way, url
    await way.close()


async def many_wait(office: Office) -> None:
    for number in range(WAITING):
        asked = {"referral_id": ref("ref", number), "case_ref": ref("prt", number), "followup_id": ref("fol", number)}
        due = {"enrolment_id": ref("enr", number), "day": 30}
        window = {"window_from": "2027-01-13", "window_until": "2027-01-20"}
        await office.svc.hear(training("followup.due"), {**asked, **due, **window}, subject=asked["followup_id"])
    await office.svc.settled()
    assert {one.state for one in await office.messages()} == {"held"}
    assert len(await office.messages()) == 2 * WAITING


async def test_a_provider_that_is_down_is_probed_and_then_drained_at_the_agreed_pace(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    """Each message goes once, no second sees more calls than agreed, and few calls meet the outage."""
    morning = wit("2027-01-14", "06:00")
    night = wit("2027-01-13", "22:00")
    given = {"messages_per_minute": PER_MINUTE}
    async with (
        counted_way() as (way, url),
        office_open(running_service, tmp_path, night, gateway_url=url, **given) as office,
    ):
        way.gateway = office.gateway
        await many_wait(office)
        await office.gateway_does("refuse")
        office.svc.set_clock(morning)

        async def calls() -> list[float]:
            return way.calls

        async def probed_with_pauses() -> bool:
            return len(way.calls) >= 4 and way.calls[-1] - way.calls[0] > 1  # the next pause may be long

        await office.until(probed_with_pauses, calls)
        assert len(way.calls) <= PROBES
        assert await office.rows() == []
        outage = len(way.calls)
        await office.gateway_does("deliver")

        async def all_gone() -> bool:
            office.svc.set_clock(office.svc.now() + timedelta(seconds=5))  # what waited for the outage rests a minute
            return len(await office.rows()) >= 2 * WAITING

        await office.until(all_gone, calls)
        rows, after = await office.rows(), way.calls[outage:]
    assert max(Counter(row["reference"] for row in rows).values()) == 1
    assert len(rows) == 2 * WAITING
    busiest = max(sum(1 for one in after if begin <= one < begin + 1) for begin in after)
    assert busiest <= PER_MINUTE / 60 * 1.5, "the pace, and what a busy machine shifts into the second"
