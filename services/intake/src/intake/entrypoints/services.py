"""Doors for services: the participant card for a partner's training, contacts for the own notification."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from chassis.http import Edge, PathId, any_agency_edge, edge, problems
from intake.application.disclosing import FetchCard, LookUpContact, fetch_card, look_up_contact
from intake.application.rights import must_be_service
from intake.entrypoints.views import CardView, ContactView

router = APIRouter(tags=["services"])

Role = Literal["KLIEN", "GUARDIAN", "PROBATION_OFFICER", "FACILITY_OFFICER"]


@router.get("/participant-cards/{agency_case_ref}", responses=problems(404, 410))
async def show_card(
    agency_case_ref: PathId,
    referral_id: Annotated[str, Query(pattern=r"^ref_[a-z2-7]{26}$")],
    here: Annotated[Edge, Depends(any_agency_edge)],
    nik: Literal["required"] | None = None,
) -> CardView:
    """Identity for an accepted, running referral. 403 while a ground is missing, 410 after withdrawal or expiry."""
    must_be_service("training", here.actor)
    command = FetchCard(
        agency_case_ref=agency_case_ref,
        referral_id=referral_id,
        with_nik=nik is not None,
        agency=here.actor.agency,
        service="training",
        at=here.at,
    )
    return CardView.of(await here.store.transact(partial(fetch_card, desk=here.tools), command, here.cause))


@router.get("/contacts/{case_ref}", responses=problems(404, 410))
async def show_contact(case_ref: PathId, role: Role, here: Annotated[Edge, Depends(edge)]) -> ContactView:
    """Asked when a message is due, never kept. `case_ref` is any pseudonym of the case."""
    must_be_service("notification", here.actor)
    command = LookUpContact(ref=case_ref, role=role, service="notification", at=here.at)
    return ContactView.of(await here.store.transact(partial(look_up_contact, desk=here.tools), command, here.cause))
