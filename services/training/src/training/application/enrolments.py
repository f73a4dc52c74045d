"""Enrolments moved by the office: confirm, hold, return, finish, withdraw, drop."""

from dataclasses import dataclass

from chassis.calendar import day_of
from chassis.errors import NotAllowed
from chassis.work import Work
from training.application.cards import erase_card
from training.application.certificates import draft_certificates
from training.application.followups import plan_followups
from training.application.ports import Asked, Desk, must_be_as_seen
from training.application.seats import CONFIRM_BY, give_back
from training.application.telling import save_enrolment
from training.domain.cohort import Cohort
from training.domain.enrolment import Enrolment
from training.domain.programme import Programme
from training.domain.session import Session


@dataclass(frozen=True, kw_only=True)
class MoveEnrolment(Asked):
    """`correlation` of the command, by which its echo is known when the referral answers."""

    enrolment_id: str
    expected_version: int
    reason_code: str | None = None
    make_up_hours: int = 0
    asked_officer: bool = False
    correlation: str = ""


async def confirm_enrolment(command: MoveEnrolment, work: Work, desk: Desk) -> Enrolment:
    enrolment = await _as_seen(command, work)
    after, told = enrolment.confirm(command.role)
    save_enrolment(work, after, told)
    work.unschedule(CONFIRM_BY, after.id)
    return after


async def hold_enrolment(command: MoveEnrolment, work: Work, desk: Desk) -> Enrolment:
    enrolment = await _as_seen(command, work)
    after, told = enrolment.hold(command.role, command.reason_code, command.correlation)
    save_enrolment(work, after, told)
    return after


async def return_enrolment(command: MoveEnrolment, work: Work, desk: Desk) -> Enrolment:
    enrolment = await _as_seen(command, work)
    hours_left = await _hours_left(enrolment, work)
    after, told = enrolment.return_(command.role, hours_left, command.make_up_hours, command.correlation, desk.rules)
    save_enrolment(work, after, told)
    return after


async def finish_enrolment(command: MoveEnrolment, work: Work, desk: Desk) -> Enrolment:
    """First the assessor's word, then the officer's: with it come the drafts of certificates and the follow-ups."""
    enrolment = await _as_seen(command, work)
    if command.role == "assessor":
        return await _mark_finished(enrolment, command, work)
    enrolment.must_allow("finish", command.role)
    cohort = await work.get(Cohort, enrolment.cohort_code or "")
    programme = await work.get(Programme, enrolment.programme_code or "")
    locked = await _attendance_locked(cohort, command, work)
    today = day_of(command.at)
    after, told = enrolment.finish(
        command.role, command.by, programme, cohort.hours_scheduled, locked, today, desk.rules
    )
    save_enrolment(work, after, told)
    draft_certificates(after, programme, work, desk)
    plan_followups(after, today, work, desk)
    return after


async def withdraw_enrolment(command: MoveEnrolment, work: Work, desk: Desk) -> Enrolment:
    """The participant's word, or the officer's decision after the waitlist limit."""
    enrolment = await _as_seen(command, work)
    after, told = enrolment.withdraw(command.role, command.reason_code)
    save_enrolment(work, after, told)
    return await _left(after, "WITHDRAWN", command, work, desk)


async def drop_enrolment(command: MoveEnrolment, work: Work, desk: Desk) -> Enrolment:
    enrolment = await _as_seen(command, work)
    hours_left = await _hours_left(enrolment, work)
    after, told = enrolment.drop(command.role, command.reason_code, command.asked_officer, hours_left, desk.rules)
    save_enrolment(work, after, told)
    return await _left(after, "DROPPED", command, work, desk)


async def _left(ended: Enrolment, reason_code: str, command: MoveEnrolment, work: Work, desk: Desk) -> Enrolment:
    after = await give_back(ended, reason_code, command.at, work, desk)
    await erase_card(after.id, command.at, work)
    return after


async def _mark_finished(enrolment: Enrolment, command: MoveEnrolment, work: Work) -> Enrolment:
    enrolment.must_allow("mark-finished", command.role)
    cohort = await work.get(Cohort, enrolment.cohort_code or "")
    if command.by not in cohort.assessor_ids:
        raise NotAllowed(move="finish", rule="an assessor of this cohort")
    programme = await work.get(Programme, enrolment.programme_code or "")
    locked = await _attendance_locked(cohort, command, work)
    after = enrolment.mark_finished(command.role, command.by, programme, locked)
    work.save(after)
    return after


async def _attendance_locked(cohort: Cohort, command: MoveEnrolment, work: Work) -> bool:
    """No session that was held by now is still open. People may finish before their cohort does."""
    today = day_of(command.at)
    sessions = await work.where(Session, cohort_code=cohort.id)
    return all(session.state == "closed" for session in sessions if session.held_on <= today)


async def _hours_left(enrolment: Enrolment, work: Work) -> int:
    if enrolment.cohort_code is None:
        return 0
    return (await work.get(Cohort, enrolment.cohort_code)).hours_left


async def _as_seen(command: MoveEnrolment, work: Work) -> Enrolment:
    enrolment = await work.get(Enrolment, command.enrolment_id)
    must_be_as_seen(enrolment, command.expected_version)
    return enrolment
