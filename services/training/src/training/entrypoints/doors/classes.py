"""Sessions, attendance and assessments."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chassis.errors import UnknownMove
from chassis.http import PathId, move_of, problems
from chassis.shapes import Day, Version, Whole
from training.application import classes
from training.application.classes import Assess, CloseSession, Line, RecordAttendance, ScheduleSession
from training.domain.cohort import Cohort
from training.domain.session import Session
from training.entrypoints.doors.asking import (
    Asked,
    AtDoor,
    Clock,
    Code,
    EnrolmentId,
    Hours,
    MadeBody,
    Moved,
    SessionCode,
    ask,
    may,
    who,
)
from training.entrypoints.doors.enrolments import EnrolmentView, view_of

router = APIRouter(tags=["classes"])


class SessionBody(MadeBody):
    session_id: SessionCode
    held_on: Day
    hours: Whole = Field(ge=1, le=12, description="training hours, JP")
    starts_at: Clock


class LineBody(Asked):
    enrolment_id: EnrolmentId
    state: Literal["PRESENT", "LATE", "EXCUSED", "ABSENT", "MADE_UP"]
    hours: Hours


class AttendanceBody(MadeBody):
    entries: tuple[LineBody, ...] = Field(min_length=1, max_length=64)


class AssessmentBody(MadeBody):
    unit: Code
    result: Literal["PASS", "FAIL"]
    expected_version: Version | None = None


class SessionView(BaseModel):
    session_id: str
    cohort_code: str
    held_on: date
    hours: int
    starts_at: str
    state: str
    version: int


@router.post("/cohorts/{cohort_code}/sessions", status_code=201, responses=problems(404, 409))
async def schedule_session(cohort_code: PathId, body: SessionBody, asker: AtDoor) -> SessionView:
    """Put a session on a working day of the cohort."""
    command = ScheduleSession(
        **who(asker, body.made_at),
        cohort_code=cohort_code,
        session_id=body.session_id,
        held_on=body.held_on,
        hours=body.hours,
        starts_at=body.starts_at,
    )
    return _session(await ask(asker, classes.schedule_session, command))


@router.get("/cohorts/{cohort_code}/sessions", responses=problems(404))
async def list_sessions(cohort_code: PathId, asker: AtDoor) -> list[SessionView]:
    """All sessions of a cohort."""
    may(asker, "read cohorts")
    cohort = await asker.store.get(Cohort, cohort_code)
    return [_session(one) for one in await asker.store.read(Session, cohort_code=cohort.id)]


@router.post("/sessions/{session_id}/attendance", responses=problems(404, 409))
async def record_attendance(session_id: PathId, body: AttendanceBody, asker: AtDoor) -> SessionView:
    """The whole list or nothing of it. A correction is a later list."""
    lines = tuple(Line(enrolment_id=one.enrolment_id, state=one.state, hours=one.hours) for one in body.entries)
    command = RecordAttendance(**who(asker, body.made_at), session_id=session_id, lines=lines)
    return _session(await ask(asker, classes.record_attendance, command))


@router.post("/sessions/{session_id}/moves/{move}", responses=problems(404, 409))
async def move_session(
    session_id: PathId, move: Annotated[str, move_of(("close",))], body: Moved, asker: AtDoor
) -> SessionView:
    """close: the list is final."""
    if move != "close":
        raise UnknownMove()
    command = CloseSession(**who(asker, body.made_at), session_id=session_id, expected_version=body.expected_version)
    return _session(await ask(asker, classes.close_session, command))


@router.post("/enrolments/{enrolment_id}/assessments", status_code=201, responses=problems(404, 409))
async def assess(enrolment_id: PathId, body: AssessmentBody, asker: AtDoor) -> EnrolmentView:
    """The result of one unit: the next attempt of those that are allowed."""
    command = Assess(
        **who(asker, body.made_at),
        enrolment_id=enrolment_id,
        unit=body.unit,
        result=body.result,
        expected_version=body.expected_version,
    )
    return await view_of(asker, await ask(asker, classes.assess, command))


def _session(one: Session) -> SessionView:
    return SessionView(
        session_id=one.id,
        cohort_code=one.cohort_code,
        held_on=one.held_on,
        hours=one.hours,
        starts_at=one.starts_at,
        state=one.state,
        version=one.version,
    )
