"""A service as small as can be, on training's own channels: it counts the referrals it hears, per case."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict

from chassis.consuming import Listener
from chassis.duties import Duties
from chassis.errors import Conflict, IllegalMove, NotYet, UnknownMove
from chassis.http import Body, Edge, PathId, edge, problems
from chassis.kept import Kept
from chassis.running import Parts
from chassis.settings import ChassisSettings
from chassis.wire import Heard, Said
from chassis.work import Duty, Work

REQUESTED = "id.basudara.referral.referral.requested.v1"


class Settings(ChassisSettings):
    model_config = SettingsConfigDict(env_prefix="TOY_", frozen=True)


@dataclass(frozen=True, kw_only=True)
class Tally:
    id: str
    version: int
    seen: tuple[str, ...] = ()
    beats: int = 0
    cause: str = ""  # of the last chime


class Requested(Heard):
    TYPE: ClassVar[str] = REQUESTED
    referral_id: str
    case_ref: str
    field: str


class Accepted(Said):
    TYPE: ClassVar[str] = "id.basudara.training.placement.accepted.v1"
    SUBJECT: ClassVar[str | None] = "referral_id"
    referral_id: str
    case_ref: str
    accepted_at: str


async def count(event: Requested, work: Work) -> None:
    """Adds the referral to the tally and answers; some fields stand for faults."""
    tally = await work.find(Tally, event.case_ref) or Tally(id=event.case_ref, version=0)
    after = replace(tally, version=tally.version + 1, seen=(*tally.seen, event.referral_id))
    sender = work.cause.event.agency if work.cause.event else ""
    answer = Accepted(referral_id=event.referral_id, case_ref=event.case_ref, accepted_at="2027-01-11T00:00:00Z")
    work.save(after, answer, to=sender)
    if event.field == "BAKERY":
        raise Conflict(field_code="BAKERY")
    if event.field == "BARISTA":
        raise NotYet(kind="oven")
    if event.field == "SEWING":
        raise ZeroDivisionError


class Beat(Body):
    case_ref: str


class Person(BaseModel):
    case_ref: str
    full_name: str


def build(_settings: Settings) -> Parts:
    listener, duties, router = Listener("training", "placements"), Duties(), APIRouter()
    listener.to(Requested, loads=lambda event: [(Tally, event.case_ref)])(count)

    @duties.on("toy.beat")
    async def beat(duty: Duty, work: Work) -> None:
        tally = await work.get(Tally, duty.subject)
        work.save(replace(tally, version=tally.version + 1, beats=tally.beats + 1))

    @duties.on("toy.chime", loads=lambda duty: [(Tally, duty.subject)])
    async def chime(duty: Duty, work: Work) -> None:
        tally = await work.get(Tally, duty.subject)
        cause = work.cause.correlation_id
        work.save(replace(tally, version=tally.version + 1, beats=tally.beats + 1, cause=cause))

    @router.post("/beats", status_code=201, responses=problems(404))
    async def ask(body: Beat, at: Annotated[Edge, Depends(edge)]) -> dict[str, int]:
        async def command(case_ref: str, work: Work) -> int:
            tally = await work.get(Tally, case_ref)
            after = replace(tally, version=tally.version + 1, beats=tally.beats + 1)
            work.save(after)
            return after.version

        return {"version": await at.store.transact(command, body.case_ref, at.cause)}

    @router.get("/people/{case_ref}", responses=problems(404))
    async def show_person(case_ref: PathId, at: Annotated[Edge, Depends(edge)]) -> Person:
        return Person(case_ref=(await at.store.get(Tally, case_ref)).id, full_name="Salma Misal")

    @router.post("/beats/{case_ref}/moves/{move}", responses=problems(404, 409))
    async def move_beat(case_ref: PathId, move: PathId, at: Annotated[Edge, Depends(edge)]) -> dict[str, int]:
        if move != "stop":
            raise UnknownMove()
        raise IllegalMove(state="beating", move=move)

    return Parts(
        title="toy",
        description="A service as small as can be",
        routers=[router],
        listener=listener,
        duties=duties,
        kept=[Kept(Tally, "tallies", ("beats",))],
    )
