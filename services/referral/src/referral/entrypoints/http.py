"""The officers' door of referral: draft, move, look."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from chassis.errors import NotAllowed
from chassis.http import Body, Edge, MoveBody, PathId, edge, move_of, problems
from referral import wire
from referral.adapters import queries
from referral.adapters.queries import OutcomeCount, ParticipantView, ReferralView
from referral.application import referrals
from referral.domain.referral import FACILITY_OFFICER, PK

router = APIRouter(tags=["referral"])

TITLE = "Referral"
DESCRIPTION = "Referrals of one agency to the agencies that train, and each of their moves."
ROUTERS = (router,)

BY_OFFICERS = ("request", "pause", "resume", "fail", "cancel", "void")
READERS = frozenset({PK, FACILITY_OFFICER})
AGENCY = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
STAFF = r"^[a-z][a-z0-9-]{1,39}$"
CASE_REF = r"^prt_[a-z2-7]{26}$"
REFERRAL_ID = r"^ref_[a-z2-7]{26}$"

Judged = Annotated[Edge, Depends(edge)]


class DraftBody(Body):
    case_ref: str = Field(pattern=CASE_REF, description="the own agency's reference of the case")
    to_agency: str = Field(pattern=AGENCY, max_length=40)
    field: wire.Field
    accommodations: frozenset[wire.Accommodation] = frozenset()
    availability: frozenset[wire.Availability] = Field(min_length=1)
    replaces: str | None = Field(None, pattern=REFERRAL_ID, description="an ended referral of the same person")


class ReferralMoveBody(MoveBody):
    second_person: str | None = Field(None, pattern=STAFF, description="void: who agrees, not who asks")


async def reader(judged: Judged) -> Edge:
    """Raises NotAllowed (403)."""
    if judged.actor.role not in READERS:
        raise NotAllowed(role=judged.actor.role[:40])
    return judged


Reading = Annotated[Edge, Depends(reader)]


@router.post("/referrals", status_code=201, responses=problems(404, 409))
async def draft_referral(body: DraftBody, judged: Judged) -> ReferralView:
    """A draft: private until it is requested."""
    command = referrals.DraftReferral(
        case_ref=body.case_ref,
        to_agency=body.to_agency,
        field=body.field,
        accommodations=tuple(sorted(body.accommodations)),
        availability=tuple(sorted(body.availability)),
        replaces=body.replaces,
        role=judged.actor.role,
        by=judged.actor.subject,
        rules=judged.tools,
    )
    return queries.view(await judged.store.transact(referrals.draft_referral, command, judged.cause))


@router.post("/referrals/{referral_id}/moves/{move}", responses=problems(404, 409))
async def move_referral(
    referral_id: PathId, move: Annotated[str, move_of(BY_OFFICERS)], body: ReferralMoveBody, judged: Judged
) -> ReferralView:
    """request, pause, resume, fail, cancel, void. What holds is judged now, whenever the officer decided."""
    judged.made_at(body.made_at)
    command = referrals.MoveReferral(
        referral_id=referral_id,
        move=move,
        expected_version=body.expected_version,
        role=judged.actor.role,
        by=judged.actor.subject,
        at=judged.at,
        correlation_id=judged.cause.correlation_id,
        rules=judged.tools,
        reason_code=body.reason_code,
        second_person=body.second_person,
    )
    return queries.view(await judged.store.transact(referrals.move_referral, command, judged.cause))


@router.get("/referrals/{referral_id}", responses=problems(404))
async def one_referral(referral_id: PathId, judged: Reading) -> ReferralView:
    """One referral, with the outcomes of its follow-up."""
    return await queries.one_referral(judged.store, referral_id)


@router.get("/referrals", responses=problems())
async def list_referrals(
    judged: Reading,
    case_ref: Annotated[str | None, Query(pattern=CASE_REF)] = None,
    state: Annotated[str | None, Query(max_length=20, pattern="^[a-z-]+$")] = None,
) -> list[ReferralView]:
    """Of one person, or in one state, or both."""
    return await queries.referrals(judged.store, case_ref, state)


@router.get("/participants/{case_ref}", responses=problems(404))
async def one_participant(case_ref: PathId, judged: Reading) -> ParticipantView:
    """What referral knows of a person, by the own agency's reference."""
    return await queries.participant(judged.store, case_ref)


@router.get("/outcomes")
async def count_outcomes(judged: Reading) -> list[OutcomeCount]:
    """How livelihoods went, as counts: all that stays once cases are closed."""
    return await queries.outcome_counts(judged.store)
