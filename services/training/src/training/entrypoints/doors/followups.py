"""Follow-ups: what is due and what was answered."""

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chassis.calendar import day_of
from chassis.errors import Invalid
from chassis.http import Edge, PathId, problems
from chassis.shapes import Day, Version, YesNo
from training.application import followups
from training.application.followups import RecordFollowUp
from training.domain.followup import FollowUp
from training.entrypoints.doors.asking import AtDoor, MadeBody, WantedId, ask, may, who

router = APIRouter(tags=["followups"])


class RecordBody(MadeBody):
    outcome_code: str | None = Field(None, max_length=60)
    answered: YesNo
    made_on: Day | None = None
    expected_version: Version | None = None


class FollowUpView(BaseModel):
    followup_id: str
    enrolment_id: str
    day: int
    window_from: date
    window_until: date
    state: str
    attempts: int
    outcome_code: str | None
    recorded_on: date | None
    version: int


@router.get("/followups", responses=problems())
async def list_followups(enrolment_id: WantedId, asker: AtDoor) -> list[FollowUpView]:
    """All follow-ups of an enrolment, by day."""
    may(asker, "read followups")
    found = await asker.store.read(FollowUp, enrolment_id=enrolment_id)
    return [_view(one) for one in sorted(found, key=lambda one: one.day)]


@router.post("/followups/{followup_id}/record", responses=problems(404, 409))
async def record_followup(followup_id: PathId, body: RecordBody, asker: AtDoor) -> FollowUpView:
    """What the person answered, or that nobody was reached."""
    command = RecordFollowUp(
        **who(asker, body.made_at),
        followup_id=followup_id,
        answered=body.answered,
        outcome_code=body.outcome_code,
        made_on=_made_on(body, asker),
        expected_version=body.expected_version,
    )
    return _view(await ask(asker, followups.record_followup, command))


def _made_on(body: RecordBody, asker: Edge) -> date:
    today = day_of(asker.at)
    if body.made_on is not None and body.made_on > today:
        raise Invalid(field="made_on", rule="lies in the future")
    return body.made_on or day_of(asker.made_at(body.made_at))


def _view(one: FollowUp) -> FollowUpView:
    return FollowUpView(
        followup_id=one.id,
        enrolment_id=one.enrolment_id,
        day=one.day,
        window_from=one.window_from,
        window_until=one.window_until,
        state=one.state,
        attempts=len(one.attempts),
        outcome_code=one.outcome_code,
        recorded_on=one.recorded_on,
        version=one.version,
    )
