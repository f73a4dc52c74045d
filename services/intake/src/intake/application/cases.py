"""The moves of a case after its registration."""

from dataclasses import dataclass
from datetime import date, datetime

from chassis.calendar import day_of
from chassis.work import Work
from intake.application.consents import end_by_closing, holding_consents
from intake.application.persons import case_at
from intake.application.ports import Desk
from intake.domain.cases import Case, Eligibility, Groundwork
from intake.domain.ledger import Ledger
from intake.wire import CaseAssigned, CaseClosed, CaseOpened, CaseResumed, CaseSuspended, EligibilityDecided


@dataclass(frozen=True, kw_only=True)
class MoveCase:
    """`expected_version`: what the asker last saw. `at`: when the officer decided, UTC."""

    case_ref: str
    expected_version: int
    role: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AssignOfficer(MoveCase):
    officer_id: str
    conflict_free: bool


@dataclass(frozen=True, kw_only=True)
class DecideEligibility(MoveCase):
    decision: Eligibility
    work: Groundwork


@dataclass(frozen=True, kw_only=True)
class RedecideEligibility(MoveCase):
    decision: Eligibility
    review_board_heard_on: date
    facts_changed: bool


@dataclass(frozen=True, kw_only=True)
class SuspendCase(MoveCase):
    reason_code: str | None


@dataclass(frozen=True, kw_only=True)
class ResumeCase(MoveCase):
    review_board_heard_on: date


@dataclass(frozen=True, kw_only=True)
class CloseCase(MoveCase):
    reason_code: str | None
    aftercare: bool


async def assign_officer(command: AssignOfficer, work: Work) -> Case:
    case = await case_at(command.case_ref, command.expected_version, work)
    after = case.assign(role=command.role, officer_id=command.officer_id, conflict_free=command.conflict_free)
    work.save(after, CaseAssigned(case_ref=case.id, officer_id=command.officer_id))
    return after


async def decide_eligibility(command: DecideEligibility, work: Work, desk: Desk) -> Case:
    case = await case_at(command.case_ref, command.expected_version, work)
    rules = desk.rules.on(day_of(command.at))
    after = case.decide(command.decision, command.work, role=command.role, at=command.at, rules=rules)
    work.save(after, EligibilityDecided.of(case.id, command.decision))
    return after


async def redecide_eligibility(command: RedecideEligibility, work: Work, desk: Desk) -> Case:
    case = await case_at(command.case_ref, command.expected_version, work)
    after = case.redecide(
        command.decision,
        heard_on=command.review_board_heard_on,
        facts_changed=command.facts_changed,
        role=command.role,
        at=command.at,
        rules=desk.rules.on(day_of(command.at)),
    )
    work.save(after, EligibilityDecided.of(case.id, command.decision))
    return after


async def open_case(command: MoveCase, work: Work) -> Case:
    case = await case_at(command.case_ref, command.expected_version, work)
    holding = await holding_consents(await work.get(Ledger, case.id), command.at, work)
    after = case.open(role=command.role, at=command.at, has_consent=bool(holding))
    work.save(after, CaseOpened(case_ref=case.id))
    return after


async def suspend_case(command: SuspendCase, work: Work) -> Case:
    case = await case_at(command.case_ref, command.expected_version, work)
    after = case.suspend(role=command.role, reason_code=command.reason_code)
    work.save(after, CaseSuspended(case_ref=case.id, reason_code=command.reason_code or ""))
    return after


async def resume_case(command: ResumeCase, work: Work) -> Case:
    case = await case_at(command.case_ref, command.expected_version, work)
    after = case.resume(role=command.role, at=command.at, heard_on=command.review_board_heard_on)
    work.save(after, CaseResumed(case_ref=case.id))
    return after


async def close_case(command: CloseCase, work: Work) -> Case:
    """Without aftercare no new consent rests on the case, and those for TRAINING end with it."""
    case = await case_at(command.case_ref, command.expected_version, work)
    after = case.close(role=command.role, reason_code=command.reason_code, aftercare=command.aftercare)
    work.save(after, CaseClosed(case_ref=case.id, reason_code=after.closing_code or "", aftercare=after.aftercare))
    if after.is_over:
        await end_by_closing(case.id, command.at, work)
    return after
