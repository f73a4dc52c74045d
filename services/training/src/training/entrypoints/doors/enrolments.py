"""Enrolments: the office's moves, the participant card, and what each role may see."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chassis.errors import Gone, NotAllowed, NotFound, StaleVersion, UnknownMove
from chassis.http import Edge, PathId, move_of, problems
from chassis.shapes import Whole, YesNo
from training.adapters.intake import ParticipantCard
from training.application import cards, enrolments
from training.application.cards import KeepCard
from training.application.enrolments import MoveEnrolment
from training.domain import attendance
from training.domain.card import Card, PersonKey
from training.domain.cohort import Cohort
from training.domain.enrolment import Enrolment
from training.domain.rights import allowed
from training.domain.seats import SeatPool, pool_id
from training.entrypoints.doors.asking import AtDoor, Moved, Wanted, ask, may, wanted, who

router = APIRouter(tags=["enrolments"])


class EnrolmentMove(Moved):
    make_up_hours: Whole = Field(0, ge=0, le=480, description="training hours, JP")
    asked_officer: YesNo = False


class UnitResult(BaseModel):
    attempts: int
    result: str


class EnrolmentView(BaseModel):
    """`referral_id` and `case_ref` are null for a class's instructor and assessor."""

    enrolment_id: str
    referral_id: str | None
    case_ref: str | None
    state: str
    cohort_code: str | None
    field: str
    place_code: str
    place_in_line: int | None
    hours_present: int
    hours_scheduled: int
    percent: float
    passed: bool | None
    completed_on: date | None
    make_up_hours: int
    units: dict[str, UnitResult]
    card_fetched: bool
    finished_by_assessor: bool
    reason_code: str | None
    flags: list[str]
    version: int


class CardName(BaseModel):
    full_name: str


MOVES = {
    "confirm": enrolments.confirm_enrolment,
    "hold": enrolments.hold_enrolment,
    "return": enrolments.return_enrolment,
    "finish": enrolments.finish_enrolment,
    "withdraw": enrolments.withdraw_enrolment,
    "drop": enrolments.drop_enrolment,
}


@router.get("/enrolments/{enrolment_id}", responses=problems(404))
async def get_enrolment(enrolment_id: PathId, asker: AtDoor) -> EnrolmentView:
    """One enrolment, with attendance and results."""
    may(asker, "read enrolments")
    return await view_of(asker, await asker.store.get(Enrolment, enrolment_id))


@router.get("/enrolments", responses=problems(404))
async def list_enrolments(
    asker: AtDoor, cohort_code: Wanted = None, state: Wanted = None, referral_id: Wanted = None
) -> list[EnrolmentView]:
    """An instructor and an assessor name their own cohort: nobody else's class is shown to them."""
    role = may(asker, "read enrolments")
    if not allowed(role, "read references"):
        if cohort_code is None:
            raise NotAllowed(kind="enrolment", rule="own class")
        await _must_be_own_class(asker, await asker.store.get(Cohort, cohort_code))
    found = await asker.store.read(Enrolment, **wanted(cohort_code=cohort_code, state=state, referral_id=referral_id))
    return [await view_of(asker, one) for one in found]


@router.post("/enrolments/{enrolment_id}/moves/fetch-card", responses=problems(404, 409, 410))
async def fetch_card(enrolment_id: PathId, body: Moved, asker: AtDoor) -> EnrolmentView:
    """Ask the sender's intake once, which checks consent at this moment; 403 and 410 are its answers."""
    enrolment = await asker.store.get(Enrolment, enrolment_id)
    enrolment.must_allow("fetch-card", asker.actor.role)
    if enrolment.version != body.expected_version:
        raise StaleVersion(seen=body.expected_version, now=enrolment.version)
    card = await asker.tools.card_door.fetch(enrolment.from_agency, enrolment.case_ref, enrolment.referral_id)
    command = KeepCard(
        **who(asker),
        enrolment_id=enrolment_id,
        expected_version=body.expected_version,
        content=card.model_dump_json().encode(),
        birth_date=card.birth_date,
        has_guardian=card.guardian is not None,
    )
    return await view_of(asker, await ask(asker, cards.keep_card, command))


@router.post("/enrolments/{enrolment_id}/moves/{move}", responses=problems(404, 409))
async def move_enrolment(
    enrolment_id: PathId, move: Annotated[str, move_of(MOVES)], body: EnrolmentMove, asker: AtDoor
) -> EnrolmentView:
    """confirm, hold, return, finish, withdraw, drop."""
    if move not in MOVES:
        raise UnknownMove()
    command = MoveEnrolment(
        **who(asker, body.made_at),
        enrolment_id=enrolment_id,
        expected_version=body.expected_version,
        reason_code=body.reason_code,
        make_up_hours=body.make_up_hours,
        asked_officer=body.asked_officer,
        correlation=asker.cause.correlation_id,
    )
    return await view_of(asker, await ask(asker, MOVES[move], command))


@router.get("/enrolments/{enrolment_id}/card", responses=problems(404, 410))
async def get_card(enrolment_id: PathId, asker: AtDoor) -> ParticipantCard | CardName:
    """The officer sees the card, the instructor of the class the name. 410 once it is erased."""
    role = may(asker, "read card", "read card name")
    enrolment = await asker.store.get(Enrolment, enrolment_id)
    if not allowed(role, "read card"):
        await _must_be_own_class(asker, await asker.store.get(Cohort, enrolment.cohort_code or "-"))
    card = await asker.store.find(Card, enrolment_id)
    if card is None:
        raise NotFound(kind="card", id=enrolment_id[:60])
    key = await asker.store.find(PersonKey, card.key_id)
    if key is None:
        raise Gone(kind="card")
    whole = ParticipantCard.model_validate_json(cards.read_card(card, key, asker.tools.desk))
    return whole if allowed(role, "read card") else CardName(full_name=whole.full_name)


async def _must_be_own_class(asker: Edge, cohort: Cohort) -> None:
    own = {"instructor": {cohort.instructor_id}, "assessor": cohort.assessor_ids}.get(asker.actor.role, set())
    if asker.actor.subject not in own:
        raise NotAllowed(kind="cohort", rule="own class")


async def view_of(asker: Edge, one: Enrolment) -> EnrolmentView:
    whole = allowed(asker.actor.role, "read references")
    if not whole:
        await _must_be_own_class(asker, await asker.store.get(Cohort, one.cohort_code or "-"))
    place = None
    if one.state == "waitlisted":
        pool = await asker.store.find(SeatPool, pool_id(one.field, one.place_code))
        place = pool.place_in_line(one.id) if pool else None
    return EnrolmentView(
        enrolment_id=one.id,
        referral_id=one.referral_id if whole else None,
        case_ref=one.case_ref if whole else None,
        state=one.state,
        cohort_code=one.cohort_code,
        field=one.field,
        place_code=one.place_code,
        place_in_line=place,
        hours_present=one.hours_present,
        hours_scheduled=one.hours_scheduled,
        percent=one.percent,
        passed=one.passed,
        completed_on=one.completed_on,
        make_up_hours=one.make_up_hours,
        units={
            unit: UnitResult(attempts=last.number, result=last.result)
            for unit, last in attendance.results(one.attempts).items()
        },
        card_fetched=one.card is not None,
        finished_by_assessor=one.finished_by is not None,
        reason_code=one.reason_code if whole else None,
        flags=sorted(one.flags) if whole else [],
        version=one.version,
    )
