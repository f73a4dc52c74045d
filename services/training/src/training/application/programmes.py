"""Programmes published and cohorts run."""

from dataclasses import dataclass
from datetime import date

from chassis.errors import Conflict
from chassis.work import Work
from training import wire
from training.application.ports import Asked, Desk, must_be_as_seen
from training.application.seats import deal_and_save, open_seats, people_of, pool_of, put_back
from training.application.telling import save_cohort
from training.domain.cohort import Cohort
from training.domain.enrolment import RUNNING, SEATED, Enrolment
from training.domain.programme import Programme, Unit
from training.domain.session import Session


class CodeTaken(Conflict):
    """Facts: `kind`, `id`."""

    code, title = "code_taken", "Kode sudah dipakai"


@dataclass(frozen=True, kw_only=True)
class PublishProgramme(Asked):
    programme_code: str
    title: str
    field: str
    units: tuple[Unit, ...]
    hours: int
    mode: str
    hazard_listed: bool
    min_age: int


@dataclass(frozen=True, kw_only=True)
class PlanCohort(Asked):
    cohort_code: str
    programme_code: str
    capacity: int
    place_code: str
    starts_on: date
    ends_on: date
    minors_only: bool
    budget_line: str


@dataclass(frozen=True, kw_only=True)
class MoveCohort(Asked):
    cohort_code: str
    expected_version: int
    reason_code: str | None = None
    instructor_id: str | None = None
    assessor_ids: frozenset[str] = frozenset()
    hazard_plan: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


async def publish_programme(command: PublishProgramme, work: Work, desk: Desk) -> Programme:
    """Raises CodeTaken (409), NotAllowed (403), Invalid (422)."""
    programme = Programme(
        id=command.programme_code,
        title=command.title,
        field=command.field,
        units=command.units,
        hours=command.hours,
        mode=command.mode,
        hazard_listed=command.hazard_listed,
        min_age=command.min_age,
    )
    told = programme.publish(command.role, desk.rules)
    if await work.find(Programme, programme.id) is not None:
        raise CodeTaken(kind="programme", id=programme.id)
    work.save(programme, *wire.of_programme(programme, told))
    return programme


async def plan_cohort(command: PlanCohort, work: Work, desk: Desk) -> Cohort:
    """Raises NotFound (404) without the programme, CodeTaken and AgeRule (409), NotAllowed (403), Invalid (422)."""
    programme = await work.get(Programme, command.programme_code)
    cohort = Cohort(
        id=command.cohort_code,
        programme_code=programme.id,
        field=programme.field,
        place_code=command.place_code,
        capacity=command.capacity,
        starts_on=command.starts_on,
        ends_on=command.ends_on,
        minors_only=command.minors_only,
        min_age=programme.min_age,
        hours_total=programme.hours,
        budget_line=command.budget_line,
        hours_by_day={},
    )
    told = cohort.plan(command.role, programme, desk.rules)
    if await work.find(Cohort, cohort.id) is not None:
        raise CodeTaken(kind="cohort", id=cohort.id)
    save_cohort(work, cohort, told)
    return cohort


async def open_cohort(command: MoveCohort, work: Work, desk: Desk) -> Cohort:
    """From now on its seats are given, first to those who wait."""
    cohort = await _as_seen(command, work)
    after, told = cohort.open(command.role, command.instructor_id, command.assessor_ids, command.hazard_plan)
    save_cohort(work, after, told)
    await open_seats(after, command.at, work, desk)
    return after


async def start_cohort(command: MoveCohort, work: Work, desk: Desk) -> Cohort:
    cohort = await _as_seen(command, work)
    enrolled = await work.where(Enrolment, cohort_code=cohort.id, state="enrolled")
    after, told = cohort.start(command.role, len(enrolled), desk.rules)
    save_cohort(work, after, told)
    return after


async def reschedule_cohort(command: MoveCohort, work: Work, desk: Desk) -> Cohort:
    cohort = await _as_seen(command, work)
    starts_on, ends_on = command.starts_on or cohort.starts_on, command.ends_on or cohort.ends_on
    after, told = cohort.reschedule(command.role, starts_on, ends_on, command.reason_code, desk.rules)
    save_cohort(work, after, told)
    pool = await pool_of(work, cohort.field, cohort.place_code)
    await deal_and_save(pool.rescheduled(cohort.id, starts_on), command.at, work, desk)
    return after


async def finish_cohort(command: MoveCohort, work: Work, desk: Desk) -> Cohort:
    """Whoever was only reserved goes back to the head of the line."""
    cohort = await _as_seen(command, work)
    people = await people_of(cohort, work)
    open_sessions = [one for one in await work.where(Session, cohort_code=cohort.id) if one.state == "open"]
    busy = [one for one in people if one.state in RUNNING]
    after, told = cohort.finish(command.role, len(open_sessions), len(busy))
    save_cohort(work, after, told)
    await put_back([one for one in people if one.state == "reserved"], after, command.at, work, desk)
    return after


async def cancel_cohort(command: MoveCohort, work: Work, desk: Desk) -> Cohort:
    """Its people go back to the head of the line, and into another class if one has room."""
    cohort = await _as_seen(command, work)
    after, told = cohort.cancel(command.role, command.reason_code)
    save_cohort(work, after, told)
    people = [one for one in await people_of(cohort, work) if one.state in SEATED]
    await put_back(people, after, command.at, work, desk)
    return after


async def _as_seen(command: MoveCohort, work: Work) -> Cohort:
    cohort = await work.get(Cohort, command.cohort_code)
    must_be_as_seen(cohort, command.expected_version)
    return cohort
