"""What happens in class: sessions, attendance, assessments."""

from dataclasses import dataclass
from datetime import date

from chassis.calendar import day_of
from chassis.errors import Invalid, NotAllowed
from chassis.work import Work
from training.application.ports import Asked, Desk, must_be_as_seen
from training.application.programmes import CodeTaken
from training.application.seats import pool_of, save_pool
from training.application.telling import save_enrolment
from training.domain.attendance import Entry
from training.domain.cohort import Cohort
from training.domain.enrolment import Enrolment
from training.domain.programme import Programme
from training.domain.session import Session


@dataclass(frozen=True, kw_only=True)
class ScheduleSession(Asked):
    """`hours` in training hours (JP); `starts_at` "HH:MM" WIT."""

    cohort_code: str
    session_id: str
    held_on: date
    hours: int
    starts_at: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the class list. `hours` in training hours (JP)."""

    enrolment_id: str
    state: str
    hours: int


@dataclass(frozen=True, kw_only=True)
class RecordAttendance(Asked):
    session_id: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class CloseSession(Asked):
    session_id: str
    expected_version: int


@dataclass(frozen=True, kw_only=True)
class Assess(Asked):
    enrolment_id: str
    unit: str
    result: str
    expected_version: int | None


async def schedule_session(command: ScheduleSession, work: Work, desk: Desk) -> Session:
    """Raises NotFound, NotAllowed, NotAWorkingDay, AgeRule, CodeTaken (409), Invalid (422)."""
    cohort = await work.get(Cohort, command.cohort_code)
    after = cohort.schedule_session(command.role, command.held_on, command.hours, command.starts_at, desk.rules)
    _must_teach(command, cohort)
    if await work.find(Session, command.session_id) is not None:
        raise CodeTaken(kind="session", id=command.session_id)
    session = Session(
        id=command.session_id,
        cohort_code=cohort.id,
        held_on=command.held_on,
        hours=command.hours,
        starts_at=command.starts_at,
    )
    work.save(after)  # the day's hours meet in the cohort: two sessions at once can't exceed a child's day
    work.save(session)
    return session


async def record_attendance(command: RecordAttendance, work: Work, desk: Desk) -> Session:
    """All lines of one class list, or none. Raises NotFound, NotAllowed (403), Conflict (409), Invalid (422)."""
    session = await work.get(Session, command.session_id)
    recorded = session.record(command.role, frozenset(line.state for line in command.lines), day_of(command.at))
    cohort = await work.get(Cohort, session.cohort_code)
    _must_teach(command, cohort)
    if len({line.enrolment_id for line in command.lines}) != len(command.lines):
        raise Invalid(field="entries", rule="each person once")
    work.save(recorded)
    await work.prefetch(Enrolment, [line.enrolment_id for line in command.lines])
    for line in command.lines:
        if line.hours > session.hours:
            raise Invalid(field="hours", rule="no more than the session has")
        entry = Entry(
            session_id=session.id,
            cohort_code=session.cohort_code,
            held_on=session.held_on,
            state=line.state,
            hours=line.hours,
            at=command.at,
            by=command.by,
        )
        enrolment = await work.get(Enrolment, line.enrolment_id)
        save_enrolment(work, *enrolment.record(command.role, entry, cohort.state == "running"))
    return recorded


async def close_session(command: CloseSession, work: Work, desk: Desk) -> Session:
    """Lock the list. The hours held move the 80 % line of whoever might still join."""
    session = await work.get(Session, command.session_id)
    must_be_as_seen(session, command.expected_version)
    closed = session.close(command.role, day_of(command.at))
    cohort = await work.get(Cohort, session.cohort_code)
    _must_teach(command, cohort)
    held = cohort.hold_session(session.hours)
    work.save(closed)
    work.save(held)
    pool = await pool_of(work, cohort.field, cohort.place_code)
    if pool.cohort(cohort.id) is not None:
        save_pool(work, pool.held(cohort.id, held.hours_held))
    return closed


async def assess(command: Assess, work: Work, desk: Desk) -> Enrolment:
    """Raises NotFound, StaleVersion, NotAllowed (403), NoMoreAttempts (409), Invalid (422)."""
    enrolment = await work.get(Enrolment, command.enrolment_id)
    must_be_as_seen(enrolment, command.expected_version)
    enrolment.must_allow("assess", command.role)
    if command.by not in (await work.get(Cohort, enrolment.cohort_code or "")).assessor_ids:
        raise NotAllowed(move="assess", rule="an assessor of this cohort")
    programme = await work.get(Programme, enrolment.programme_code or "")
    after = enrolment.assess(command.role, command.unit, command.result, programme, command.by, command.at, desk.rules)
    work.save(after)
    return after


def _must_teach(command: Asked, cohort: Cohort) -> None:
    """An instructor works in the own class only. Source: handbook, purpose-bound matrix."""
    if command.role == "instructor" and command.by != cohort.instructor_id:
        raise NotAllowed(kind="cohort", rule="own class")
