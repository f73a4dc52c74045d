"""Programmes and cohorts."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chassis.errors import UnknownMove
from chassis.http import Edge, PathId, move_of, problems
from chassis.shapes import Day, Whole, YesNo
from training.application import programmes
from training.application.programmes import MoveCohort, PlanCohort, PublishProgramme
from training.domain.cohort import Cohort
from training.domain.programme import Programme, Unit
from training.domain.seats import SeatPool, pool_id
from training.entrypoints.doors.asking import (
    Asked,
    AtDoor,
    Code,
    FieldCode,
    MadeBody,
    Moved,
    PlaceCode,
    StaffId,
    Text,
    Wanted,
    ask,
    may,
    wanted,
    who,
)

router = APIRouter(tags=["programmes"])


class UnitBody(Asked):
    unit: Code
    critical: YesNo


class ProgrammeBody(MadeBody):
    programme_code: Code
    title: Text
    field: FieldCode
    units: tuple[UnitBody, ...] = Field(max_length=60)
    hours: Whole = Field(ge=1, le=10_000, description="training hours, JP")
    mode: Literal["OFF_JOB", "ON_JOB"]
    hazard_listed: YesNo
    min_age: Whole = Field(ge=0, le=99)


class CohortBody(MadeBody):
    cohort_code: Code
    programme_code: Code
    capacity: Whole = Field(ge=0, le=1_000)
    place_code: PlaceCode
    starts_on: Day
    ends_on: Day
    minors_only: YesNo
    budget_line: Text


class CohortMove(Moved):
    """Which facts a move needs is the move's own affair."""

    instructor_id: StaffId | None = None
    assessor_ids: tuple[StaffId, ...] = Field((), max_length=20)
    hazard_plan: Text | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None


class UnitView(BaseModel):
    unit: str
    critical: bool


class ProgrammeView(BaseModel):
    programme_code: str
    title: str
    field: str
    units: list[UnitView]
    hours: int
    mode: str
    hazard_listed: bool
    min_age: int
    version: int


class CohortView(BaseModel):
    cohort_code: str
    programme_code: str
    field: str
    place_code: str
    capacity: int
    seats_free: int | None  # null: seats are not given (not open yet, or over)
    starts_on: date
    ends_on: date
    minors_only: bool
    instructor_id: str | None
    assessor_ids: list[str]
    hours_total: int
    hours_held: int
    state: str
    reason_code: str | None
    version: int


MOVES = {
    "open": programmes.open_cohort,
    "start": programmes.start_cohort,
    "reschedule": programmes.reschedule_cohort,
    "finish": programmes.finish_cohort,
    "cancel": programmes.cancel_cohort,
}


@router.post("/programmes", status_code=201, responses=problems(409))
async def publish_programme(body: ProgrammeBody, asker: AtDoor) -> ProgrammeView:
    """Offer a programme: what is taught, for how long, to whom."""
    command = PublishProgramme(
        **who(asker, body.made_at),
        programme_code=body.programme_code,
        title=body.title,
        field=body.field,
        units=tuple(Unit(unit=one.unit, critical=one.critical) for one in body.units),
        hours=body.hours,
        mode=body.mode,
        hazard_listed=body.hazard_listed,
        min_age=body.min_age,
    )
    return _programme(await ask(asker, programmes.publish_programme, command))


@router.get("/programmes", responses=problems())
async def list_programmes(asker: AtDoor, field: FieldCode | None = None) -> list[ProgrammeView]:
    """All programmes, or those of a field."""
    may(asker, "read programmes")
    found = await asker.store.read(Programme, **wanted(field=field))
    return [_programme(one) for one in found]


@router.post("/cohorts", status_code=201, responses=problems(404, 409))
async def plan_cohort(body: CohortBody, asker: AtDoor) -> CohortView:
    """Plan a class of a programme at a place."""
    command = PlanCohort(
        **who(asker, body.made_at),
        cohort_code=body.cohort_code,
        programme_code=body.programme_code,
        capacity=body.capacity,
        place_code=body.place_code,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        minors_only=body.minors_only,
        budget_line=body.budget_line,
    )
    return await _cohort(asker, await ask(asker, programmes.plan_cohort, command))


@router.post("/cohorts/{cohort_code}/moves/{move}", responses=problems(404, 409))
async def move_cohort(
    cohort_code: PathId, move: Annotated[str, move_of(MOVES)], body: CohortMove, asker: AtDoor
) -> CohortView:
    """open, start, reschedule, finish, cancel."""
    if move not in MOVES:
        raise UnknownMove()
    command = MoveCohort(
        **who(asker, body.made_at),
        cohort_code=cohort_code,
        expected_version=body.expected_version,
        reason_code=body.reason_code,
        instructor_id=body.instructor_id,
        assessor_ids=frozenset(body.assessor_ids),
        hazard_plan=body.hazard_plan,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
    )
    return await _cohort(asker, await ask(asker, MOVES[move], command))


@router.get("/cohorts", responses=problems())
async def list_cohorts(asker: AtDoor, state: Wanted = None, field: FieldCode | None = None) -> list[CohortView]:
    """By state or field."""
    may(asker, "read cohorts")
    found = await asker.store.read(Cohort, **wanted(state=state, field=field))
    return [await _cohort(asker, one) for one in found]


@router.get("/cohorts/{cohort_code}", responses=problems(404))
async def get_cohort(cohort_code: PathId, asker: AtDoor) -> CohortView:
    """One cohort, with the seats that are free."""
    may(asker, "read cohorts")
    return await _cohort(asker, await asker.store.get(Cohort, cohort_code))


def _programme(one: Programme) -> ProgrammeView:
    return ProgrammeView(
        programme_code=one.id,
        title=one.title,
        field=one.field,
        units=[UnitView(unit=unit.unit, critical=unit.critical) for unit in one.units],
        hours=one.hours,
        mode=one.mode,
        hazard_listed=one.hazard_listed,
        min_age=one.min_age,
        version=one.version,
    )


async def _cohort(asker: Edge, one: Cohort) -> CohortView:
    pool = await asker.store.find(SeatPool, pool_id(one.field, one.place_code))
    seats = pool.cohort(one.id) if pool else None
    return CohortView(
        cohort_code=one.id,
        programme_code=one.programme_code,
        field=one.field,
        place_code=one.place_code,
        capacity=one.capacity,
        seats_free=seats.free if seats else None,
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        minors_only=one.minors_only,
        instructor_id=one.instructor_id,
        assessor_ids=sorted(one.assessor_ids),
        hours_total=one.hours_total,
        hours_held=one.hours_held,
        state=one.state,
        reason_code=one.reason_code,
        version=one.version,
    )
