"""Officers' doors: cases and consents."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from chassis.http import Edge, PathId, edge, problems
from chassis.work import Work
from intake.adapters import queries
from intake.application import cases, consents, erasing, registering
from intake.application.rights import is_own_file, may_read, may_read_case
from intake.domain.cases import Case
from intake.domain.consents import Consent
from intake.entrypoints import bodies, importing, services
from intake.entrypoints.views import (
    CaseView,
    ConsentView,
    DisclosureView,
    ErasureView,
    RegisteredView,
    WholeCaseView,
)

router = APIRouter(tags=["officers"])

TITLE = "Intake"
DESCRIPTION = "Cases, consents, participant cards and contacts of one agency that sends."
ROUTERS = (importing.router, router, services.router)  # /cases/import before /cases/{case_ref}
Here = Annotated[Edge, Depends(edge)]
MOVE = problems(404, 409)
OF_PERSON = problems(404, 409, 410)  # 410: it needs the person, who is erased

CaseHandler = Callable[[Any, Work], Awaitable[Case]]
ConsentHandler = Callable[[Any, Work], Awaitable[Consent]]


async def _move_case(handler: CaseHandler, command: cases.MoveCase, here: Edge) -> CaseView:
    return CaseView.of(await here.store.transact(handler, command, here.cause))


async def _move_consent(handler: ConsentHandler, command: object, here: Edge) -> ConsentView:
    return ConsentView.of(await here.store.transact(handler, command, here.cause))


def _seen(case_ref: str, body: bodies.MoveBody, here: Edge) -> dict[str, Any]:
    """What every move of a case carries."""
    return {
        "case_ref": case_ref,
        "expected_version": body.expected_version,
        "role": here.actor.role,
        "at": here.made_at(body.made_at),
    }


def _said(consent_id: str, body: bodies.MoveBody, here: Edge) -> dict[str, Any]:
    """What every move of a consent carries."""
    return {
        "consent_id": consent_id,
        "expected_version": body.expected_version,
        "role": here.actor.role,
        "at": here.made_at(body.made_at),
    }


# -- cases -------------------------------------------------------------------------------------------------------------


@router.post("/cases", status_code=201, responses=problems(409))
async def register_case(body: bodies.RegisterBody, here: Here) -> RegisteredView:
    """Open a case in the register. Warnings are stored; a missing NIK opens a task for Dukcapil."""
    command = registering.RegisterCase(
        klien=body.klien(), in_custody=body.in_custody, role=here.actor.role, by=here.actor.subject, at=here.at
    )
    case, warnings = await here.store.transact(partial(registering.register_case, desk=here.tools), command, here.cause)
    return RegisteredView.of(case, warnings)


@router.get("/cases", responses=problems())
async def list_cases(
    here: Here,
    state: Annotated[str | None, Query(pattern="^[a-z-]{1,20}$")] = None,
    task: Annotated[str | None, Query(pattern="^DUKCAPIL$")] = None,
) -> list[CaseView]:
    """Cases without their persons; `task=DUKCAPIL` gives those whose NIK is still to be found."""
    may_read("case", here.actor)
    found = await queries.cases_in(here.store, state=state, dukcapil_task=True if task else None)
    return [CaseView.of(case) for case in found if is_own_file(case, here.actor)]


@router.post("/cases/search", responses=problems(404))
async def search_case(body: bodies.SearchBody, here: Here) -> CaseView:
    """The case of a register number."""
    may_read("case", here.actor)
    case = await queries.case_of_register_no(body.register_no, here.store, here.tools)
    may_read_case(case, here.actor)
    return CaseView.of(case)


@router.get("/cases/{case_ref}", responses=problems(404, 410))
async def show_case(case_ref: PathId, here: Here) -> WholeCaseView:
    """The whole case with its person; 410 once the person is erased."""
    may_read("case", here.actor)
    case = await queries.case_of(case_ref, here.store)
    may_read_case(case, here.actor)
    return WholeCaseView.whole(await queries.whole_case(case, here.store, here.tools))


@router.get("/cases/{case_ref}/disclosures", responses=problems(404))
async def list_disclosures(case_ref: PathId, here: Here) -> list[DisclosureView]:
    """To whom the person's data was shown, oldest first."""
    may_read("disclosures", here.actor)
    return [DisclosureView.of(shown) for shown in await queries.disclosures_of(case_ref, here.store)]


@router.get("/cases/{case_ref}/erasure", responses=problems(404))
async def show_erasure(case_ref: PathId, here: Here) -> ErasureView:
    """How far the erasure of a case's person is: who was asked, whose receipt is there and whose is missing."""
    may_read("erasure", here.actor)
    return ErasureView.of(await queries.erasure_of(case_ref, here.store))


@router.post("/cases/{case_ref}/corrections", responses=OF_PERSON)
async def correct_case(case_ref: PathId, body: bodies.CorrectBody, here: Here) -> RegisteredView:
    """Change what was taken down wrongly; only the members given change."""
    command = registering.CorrectCase(changes=body.corrections.changes(), **_seen(case_ref, body, here))
    case, warnings = await here.store.transact(partial(registering.correct_case, desk=here.tools), command, here.cause)
    return RegisteredView.of(case, warnings)


@router.post("/cases/{case_ref}/moves/assign", responses=MOVE)
async def assign_officer(case_ref: PathId, body: bodies.AssignBody, here: Here) -> CaseView:
    """Give the case to an officer without a conflict of interest."""
    command = cases.AssignOfficer(
        officer_id=body.officer_id, conflict_free=body.conflict_free, **_seen(case_ref, body, here)
    )
    return await _move_case(cases.assign_officer, command, here)


@router.post("/cases/{case_ref}/moves/decide-eligibility", responses=MOVE)
async def decide_eligibility(case_ref: PathId, body: bodies.DecideBody, here: Here) -> CaseView:
    """Decide for which fields the person may be referred, and until when."""
    command = cases.DecideEligibility(decision=body.decision(), work=body.groundwork(), **_seen(case_ref, body, here))
    return await _move_case(partial(cases.decide_eligibility, desk=here.tools), command, here)


@router.post("/cases/{case_ref}/moves/re-decide", responses=MOVE)
async def redecide_eligibility(case_ref: PathId, body: bodies.RedecideBody, here: Here) -> CaseView:
    """Decide anew: when the old decision has ended, or because facts changed."""
    command = cases.RedecideEligibility(
        decision=body.decision(),
        review_board_heard_on=body.review_board_heard_on,
        facts_changed=body.facts_changed,
        **_seen(case_ref, body, here),
    )
    return await _move_case(partial(cases.redecide_eligibility, desk=here.tools), command, here)


@router.post("/cases/{case_ref}/moves/open", responses=MOVE)
async def open_case(case_ref: PathId, body: bodies.MoveBody, here: Here) -> CaseView:
    """Begin supervision: needs an officer, a decision and a consent."""
    return await _move_case(cases.open_case, cases.MoveCase(**_seen(case_ref, body, here)), here)


@router.post("/cases/{case_ref}/moves/suspend", responses=MOVE)
async def suspend_case(case_ref: PathId, body: bodies.SuspendBody, here: Here) -> CaseView:
    """Stop everything for a while; `reason_code` says why."""
    command = cases.SuspendCase(reason_code=body.reason_code, **_seen(case_ref, body, here))
    return await _move_case(cases.suspend_case, command, here)


@router.post("/cases/{case_ref}/moves/resume", responses=MOVE)
async def resume_case(case_ref: PathId, body: bodies.ResumeBody, here: Here) -> CaseView:
    """Go on after a pause, once the review board was heard."""
    command = cases.ResumeCase(review_board_heard_on=body.review_board_heard_on, **_seen(case_ref, body, here))
    return await _move_case(cases.resume_case, command, here)


@router.post("/cases/{case_ref}/moves/close", responses=MOVE)
async def close_case(case_ref: PathId, body: bodies.CloseBody, here: Here) -> CaseView:
    """End the case; `reason_code` says why."""
    command = cases.CloseCase(reason_code=body.reason_code, aftercare=body.aftercare, **_seen(case_ref, body, here))
    return await _move_case(cases.close_case, command, here)


@router.post("/cases/{case_ref}/moves/erase", responses=MOVE)
async def erase_case(case_ref: PathId, body: bodies.EraseBody, here: Here) -> CaseView:
    """Erase the person behind a closed case, here at once and at every agency that knows them within 30 days."""
    command = erasing.EraseCase(reason_code=body.reason_code, **_seen(case_ref, body, here))
    return await _move_case(partial(erasing.erase_case, desk=here.tools), command, here)


# -- consents ----------------------------------------------------------------------------------------------------------


@router.post("/consents", status_code=201, responses=OF_PERSON)
async def ask_consent(body: bodies.AskBody, here: Here) -> ConsentView:
    """Put a text to a person. Refusing a course is no violation, and nothing here can record one."""
    command = consents.AskConsent(
        case_ref=body.case_ref,
        agency=body.agency,
        purpose=body.purpose.value,
        text_version=body.text_version,
        valid_until=body.valid_until,
        role=here.actor.role,
        at=here.made_at(body.made_at),
    )
    return await _move_consent(partial(consents.ask_consent, desk=here.tools), command, here)


@router.get("/consents", responses=problems(404))
async def list_consents(case_ref: Annotated[str, Query(max_length=60)], here: Here) -> list[ConsentView]:
    """All consents of a case."""
    may_read("consent", here.actor)
    may_read_case(await queries.case_of(case_ref, here.store), here.actor)
    return [ConsentView.of(consent) for consent in await queries.consents_of(case_ref, here.store)]


@router.get("/consents/{consent_id}", responses=problems(404))
async def show_consent(consent_id: PathId, here: Here) -> ConsentView:
    """One consent, with what is still to be confirmed once it was withdrawn."""
    may_read("consent", here.actor)
    consent = await queries.consent_of(consent_id, here.store)
    may_read_case(await queries.case_of(consent.case_ref, here.store), here.actor)
    return ConsentView.of(consent)


@router.post("/consents/{consent_id}/moves/grant", responses=OF_PERSON)
async def grant_consent(consent_id: PathId, body: bodies.GrantBody, here: Here) -> ConsentView:
    """The person, or who speaks for a child, says yes; `proof_ref` names the proof."""
    command = consents.GrantConsent(
        given_by=tuple(giver.value for giver in body.given_by),
        channel=body.channel.value,
        proof_ref=body.proof_ref,
        now=here.at,
        **_said(consent_id, body, here),
    )
    return await _move_consent(partial(consents.grant_consent, desk=here.tools), command, here)


@router.post("/consents/{consent_id}/moves/refuse", responses=MOVE)
async def refuse_consent(consent_id: PathId, body: bodies.RefuseBody, here: Here) -> ConsentView:
    """The reason is never asked; a body that brings one is refused."""
    command = consents.MoveConsent(**_said(consent_id, body, here))
    return await _move_consent(consents.refuse_consent, command, here)


@router.post("/consents/{consent_id}/moves/withdraw", responses=OF_PERSON)
async def withdraw_consent(consent_id: PathId, body: bodies.WithdrawBody, here: Here) -> ConsentView:
    """72 hours run from `made_at`, or from now."""
    command = consents.WithdrawConsent(given_by=body.given_by.value, **_said(consent_id, body, here))
    return await _move_consent(partial(consents.withdraw_consent, desk=here.tools), command, here)


@router.post("/consents/{consent_id}/moves/replace", status_code=201, responses=OF_PERSON)
async def replace_consent(consent_id: PathId, body: bodies.ReplaceBody, here: Here) -> ConsentView:
    """Ask anew; answers with the new consent. The old one holds until the new one is granted."""
    command = consents.ReplaceConsent(
        text_version=body.text_version, valid_until=body.valid_until, **_said(consent_id, body, here)
    )
    return await _move_consent(partial(consents.replace_consent, desk=here.tools), command, here)
