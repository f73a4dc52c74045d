"""Placements: where the officer answers a referral; and the line of those who wait."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from chassis.errors import UnknownMove
from chassis.http import PathId, move_of, problems
from chassis.shapes import YesNo
from chassis.work import Work
from training.application import placements
from training.application.placements import AcceptPlacement, DeclinePlacement
from training.application.ports import Desk
from training.domain.people import is_minor
from training.domain.placement import Placement
from training.domain.seats import SeatPool, pool_id
from training.entrypoints.doors.asking import AtDoor, FieldCode, Moved, PlaceCode, Wanted, ask, may, wanted, who

router = APIRouter(tags=["placements"])


class PlacementMove(Moved):
    place_code: PlaceCode | None = None
    accommodations_met: YesNo = False


class PlacementView(BaseModel):
    referral_id: str
    case_ref: str
    from_agency: str
    field: str
    age_group: str
    state: str
    due_on: date
    eligible_until: date
    requested_at: datetime
    agreement_number: str
    accommodations: list[str]
    availability: list[str]
    enrolment_id: str | None
    reason_code: str | None
    version: int


class WaitingView(BaseModel):
    place_in_line: int
    enrolment_id: str
    minor: bool
    since: datetime


@router.get("/placements", responses=problems())
async def list_placements(asker: AtDoor, state: Wanted = None, case_ref: Wanted = None) -> list[PlacementView]:
    """What was referred to this office, by state or case."""
    may(asker, "read placements")
    return [_view(one) for one in await asker.store.read(Placement, **wanted(state=state, case_ref=case_ref))]


@router.get("/placements/{referral_id}", responses=problems(404))
async def get_placement(referral_id: PathId, asker: AtDoor) -> PlacementView:
    """One placement, by the id of its referral."""
    may(asker, "read placements")
    return _view(await asker.store.get(Placement, referral_id))


@router.post("/placements/{referral_id}/moves/{move}", responses=problems(404, 409))
async def move_placement(
    referral_id: PathId, move: Annotated[str, move_of(("accept", "decline"))], body: PlacementMove, asker: AtDoor
) -> PlacementView:
    """accept, with a seat or a place in line, or decline with a reason."""
    asked = {**who(asker, body.made_at), "referral_id": referral_id, "expected_version": body.expected_version}
    if move == "accept":
        accept = AcceptPlacement(**asked, place_code=body.place_code, accommodations_met=body.accommodations_met)
        return _view(await ask(asker, placements.accept_placement, accept))
    if move == "decline":
        return _view(await ask(asker, _decline, DeclinePlacement(**asked, reason_code=body.reason_code)))
    raise UnknownMove()


@router.get("/waitlist", responses=problems())
async def get_waitlist(field: FieldCode, place_code: PlaceCode, asker: AtDoor) -> list[WaitingView]:
    """Numbers and ids, never names; children and adults wait for different classes, each with their own numbers."""
    may(asker, "read waitlist")
    pool = await asker.store.find(SeatPool, pool_id(field, place_code)) or SeatPool(id="")
    return [
        WaitingView(
            place_in_line=pool.place_in_line(one.enrolment_id) or 0,
            enrolment_id=one.enrolment_id,
            minor=is_minor(one.age_group),
            since=one.since,
        )
        for one in pool.line
    ]


async def _decline(command: DeclinePlacement, work: Work, desk: Desk) -> Placement:
    return await placements.decline_placement(command, work)


def _view(one: Placement) -> PlacementView:
    return PlacementView(
        referral_id=one.id,
        case_ref=one.case_ref,
        from_agency=one.from_agency,
        field=one.field,
        age_group=one.age_group,
        state=one.state,
        due_on=one.due_on,
        eligible_until=one.eligible_until,
        requested_at=one.requested_at,
        agreement_number=one.agreement_number,
        accommodations=list(one.accommodations),
        availability=list(one.availability),
        enrolment_id=one.enrolment_id,
        reason_code=one.reason_code,
        version=one.version,
    )
