"""What training says of a referral: its answer, and how the training goes."""

from dataclasses import dataclass
from datetime import date, datetime

from chassis.work import Work
from referral.application.participants import known_person, moment_of
from referral.application.saving import save_steps, why_not_accepted
from referral.domain.outcome import Outcome
from referral.domain.participant import CLOSED, Participant
from referral.domain.referral import REQUESTED, Fact, Referral
from referral.domain.rules import Rules
from referral.domain.training import after_acceptance, after_fact, after_rejection, must_be_its


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Who says it, of which referral, under which pseudonym."""

    referral_id: str
    agency_case_ref: str
    from_agency: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AcceptReferral(Heard):
    accepted_at: datetime


@dataclass(frozen=True, kw_only=True)
class RejectReferral(Heard):
    reason_code: str


@dataclass(frozen=True, kw_only=True)
class FollowTraining(Heard):
    fact: Fact


@dataclass(frozen=True, kw_only=True)
class KeepOutcome:
    followup_id: str
    from_agency: str
    day: int
    outcome_code: str
    recorded_on: date
    referral_id: str | None
    agency_case_ref: str | None


async def accept_referral(command: AcceptReferral, work: Work, rules: Rules) -> None:
    """Grounds are judged again; where one has gone the referral is cancelled, which makes training release the seat."""
    referral = await _its_referral(command, work)
    if referral.state != REQUESTED:
        return
    person = await known_person(referral.case_ref, work)
    moment = moment_of(person, referral, command.at, rules)
    stop = await why_not_accepted(work, referral, person, moment)
    await save_steps(work, referral, after_acceptance(referral, command.accepted_at, stop, moment), rules)


async def reject_referral(command: RejectReferral, work: Work, rules: Rules) -> None:
    referral = await _its_referral(command, work)
    await save_steps(work, referral, after_rejection(referral, command.reason_code), rules)


async def follow_training(command: FollowTraining, work: Work, rules: Rules) -> None:
    """One fact of the enrolment. Raises NotYet, NotItsReferral, IllegalMove."""
    referral = await _its_referral(command, work)
    person = await work.find(Participant, referral.case_ref)
    moment = moment_of(person, referral, command.at, rules)
    await save_steps(work, referral, after_fact(referral, command.fact, moment), rules)


async def keep_outcome(command: KeepOutcome, work: Work) -> None:
    """The kind of outcome: with the referral while the case is open, after that as a count only."""
    if await work.find(Outcome, command.followup_id) is not None:
        return
    referral_id = command.referral_id
    if referral_id is not None:
        referral = await work.get(Referral, referral_id)
        must_be_its(referral, command.from_agency, command.agency_case_ref or "")
        person = await known_person(referral.case_ref, work)
        referral_id = None if person.state == CLOSED else referral_id
    work.save(
        Outcome(
            id=command.followup_id,
            version=1,
            from_agency=command.from_agency,
            day=command.day,
            outcome_code=command.outcome_code,
            recorded_on=command.recorded_on,
            referral_id=referral_id,
        )
    )


async def _its_referral(command: Heard, work: Work) -> Referral:
    referral = await work.get(Referral, command.referral_id)
    must_be_its(referral, command.from_agency, command.agency_case_ref)
    return referral
