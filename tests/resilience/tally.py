"""Two small services in one, on real channels, for tests of faults; `town.py` runs them, each in a process of its own.

`referral` takes commands (`POST /requests`), says that a referral was requested, and counts the answers it hears.
`training` counts the referrals it hears, per case, and answers each; it has a duty, and a command that touches a case.
A referral's `field` stands for what goes wrong with it: see `_go_wrong`.
Settings from the environment, `TALLY_…`.
"""

import asyncio
import ctypes
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial, partialmethod
from typing import Annotated, Any, ClassVar

import httpx
from fastapi import APIRouter, Depends
from faststream.kafka import KafkaBroker
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis import lease
from chassis.consuming import Listener
from chassis.duties import Duties
from chassis.errors import Conflict, NotYet, Unavailable
from chassis.http import Body, Edge, edge, problems
from chassis.kept import Kept
from chassis.running import Parts, run
from chassis.settings import ChassisSettings
from chassis.wire import Heard, Said
from chassis.work import Duty, Work

REQUESTED = "id.basudara.referral.referral.requested.v1"
ACCEPTED = "id.basudara.training.placement.accepted.v1"
GROUPS = {"referral": "referrals", "training": "placements"}
SOME_DAY = "2027-01-11T00:00:00Z"


class Settings(ChassisSettings):
    model_config = SettingsConfigDict(env_prefix="TALLY_", frozen=True)
    slow_seconds: float = Field(0, description="how long the handler of a referral for CARPENTRY takes")
    provider: str = Field("", description="URL that the handler of a referral for COMPUTER asks")
    lease_seconds: float = Field(10, description="how long a relay leads without saying so again")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `referral` keeps of one referral that was asked for."""

    id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The event ids of the answers to one referral. Of its own, since nothing tells of its versions."""

    id: str
    version: int
    heard: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What `training` keeps of one case: the referrals in order of their coming, and how often a duty was done."""

    id: str
    version: int
    seen: tuple[str, ...] = ()
    beats: int = 0


class Requested(Heard):
    TYPE: ClassVar[str] = REQUESTED
    referral_id: str
    case_ref: str
    field: str


class Accepted(Heard):
    TYPE: ClassVar[str] = ACCEPTED
    referral_id: str


class SaysRequested(Said):
    TYPE: ClassVar[str] = REQUESTED
    SUBJECT: ClassVar[str | None] = "referral_id"
    referral_id: str
    case_ref: str
    field: str
    agreement_number: str
    age_group: str = "ADULT"
    accommodations: tuple[str, ...] = ()
    availability: tuple[str, ...] = ("MORNING",)
    eligible_until: str = "2027-04-15"
    due_on: str = "2027-01-18"
    requested_at: str = SOME_DAY


class SaysAccepted(Said):
    TYPE: ClassVar[str] = ACCEPTED
    SUBJECT: ClassVar[str | None] = "referral_id"
    referral_id: str
    case_ref: str
    accepted_at: str = SOME_DAY


class Ask(Body):
    """Ask `to` for one referral. `padding_bytes`: how long the agreement's number is made."""

    referral_id: str
    case_ref: str
    to: str
    field: str = "WELDING"
    padding_bytes: int = Field(0, ge=0, le=2_000_000)


class Beat(Body):
    """Touch one case: now, or as a duty due in so many seconds."""

    case_ref: str
    due_in_seconds: float | None = None


def build(service: str, settings: Settings) -> Parts:
    lease.LEASE = timedelta(seconds=settings.lease_seconds)
    return _referral() if service == "referral" else _training(settings)


def _referral() -> Parts:
    listener, router = Listener("referral", GROUPS["referral"]), APIRouter()

    async def request(body: Ask, work: Work) -> int:
        made = Request(id=body.referral_id, version=1)
        if await work.find(Request, made.id):
            raise Conflict(referral_id=made.id)
        number = "x" * body.padding_bytes or "PKS-1"
        said = SaysRequested(
            referral_id=made.id, case_ref=body.case_ref, field=body.field, agreement_number=number
        )  # fmt: skip
        work.save(made, said, to=body.to)
        return made.version

    @router.post("/requests", status_code=201, responses=problems(409, 413))
    async def ask(body: Ask, at: Annotated[Edge, Depends(edge)]) -> dict[str, str | int]:
        """The reply names the cause that the event will carry, for the caller's journal."""
        return {"version": await at.store.transact(request, body, at.cause), "cause": at.cause.id}

    @listener.to(Accepted, loads=lambda event: [(Answers, event.referral_id)])
    async def count_the_answer(event: Accepted, work: Work) -> None:
        known = await work.find(Answers, event.referral_id) or Answers(id=event.referral_id, version=0)
        work.save(replace(known, version=known.version + 1, heard=(*known.heard, work.cause.id)))

    return Parts(
        title="Requests", description="Asks for referrals and counts the answers", routers=[router],
        listener=listener, kept=[Kept(Request, "requests"), Kept(Answers, "answers")],
    )  # fmt: skip


def _training(settings: Settings) -> Parts:
    listener, duties, router = Listener("training", GROUPS["training"]), Duties(), APIRouter()

    @listener.to(Requested, loads=lambda event: [(Tally, event.case_ref)])
    async def count_the_referral(event: Requested, work: Work) -> None:
        tally = await work.find(Tally, event.case_ref) or Tally(id=event.case_ref, version=0)
        after = replace(tally, version=tally.version + 1, seen=(*tally.seen, event.referral_id))
        answer = SaysAccepted(referral_id=event.referral_id, case_ref=event.case_ref)
        work.save(after, answer, to=work.cause.event.agency if work.cause.event else "")
        await _go_wrong(event.field, settings)

    async def beat(case_ref: str, work: Work) -> int:
        tally = await work.get(Tally, case_ref)
        after = replace(tally, version=tally.version + 1, beats=tally.beats + 1)
        work.save(after)
        return after.version

    @duties.on("tally.beat")
    async def beat_when_due(duty: Duty, work: Work) -> None:
        await beat(duty.subject, work)

    @router.post("/beats", status_code=201, responses=problems(404))
    async def ask(body: Beat, at: Annotated[Edge, Depends(edge)]) -> dict[str, int]:
        async def plan(due_in_seconds: float, work: Work) -> int:
            work.schedule("tally.beat", body.case_ref, at.at + timedelta(seconds=due_in_seconds))
            return 0

        if body.due_in_seconds is not None:
            return {"version": await at.store.transact(plan, body.due_in_seconds, at.cause)}
        return {"version": await at.store.transact(beat, body.case_ref, at.cause)}

    @router.get("/tallies/{case_ref}", responses=problems(404))
    async def show(case_ref: str, at: Annotated[Edge, Depends(edge)]) -> dict[str, Any]:
        tally = await at.store.get(Tally, case_ref)
        return {"version": tally.version, "seen": tally.seen, "beats": tally.beats}

    return Parts(
        title="Tallies", description="Counts the referrals it hears", routers=[router], listener=listener,
        duties=duties, kept=[Kept(Tally, "tallies", ("beats",))],
    )  # fmt: skip


async def _go_wrong(field: str, settings: Settings) -> None:
    """After the first write was staged, so that what is taken back can be seen."""
    if field == "BAKERY":
        raise Conflict(field_code=field)
    if field == "BARISTA":
        raise NotYet(kind="oven")
    if field == "SEWING":
        raise ZeroDivisionError
    if field == "CARPENTRY":
        await asyncio.sleep(settings.slow_seconds)
    if field == "COMPUTER":
        await _ask_the_provider(settings.provider)


async def _ask_the_provider(url: str) -> None:
    try:
        async with httpx.AsyncClient(timeout=2) as client:
            (await client.get(url)).raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(provider="does not answer") from error


def serve(service: str, environment: Mapping[str, str], log: str) -> None:
    """All that a process does which was forked for this service. Its lines go to the file `log`."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND), 2)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 = PR_SET_PDEATHSIG: no service outlives a killed test run
    os.environ.update(environment)
    # who is away is noticed after the least that a broker allows, and who comes is let in at once; by itself: 10 s, 3 s
    member = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500, "rebalance_timeout_ms": 10_000}
    KafkaBroker.subscriber = partialmethod(KafkaBroker.subscriber, **member)  # type: ignore[method-assign,assignment]
    run(service, Settings, partial(build, service))
