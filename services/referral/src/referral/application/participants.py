"""What intake tells of a case, and what it does to the person's running referrals."""

from dataclasses import dataclass
from datetime import date, datetime

from chassis.calendar import day_of
from chassis.errors import NotYet
from chassis.machine import SYSTEM
from chassis.work import Work
from referral.application.saving import save_steps
from referral.domain.participant import CLOSED, READY, SUSPENDED, Participant
from referral.domain.referral import PARTICIPANT_UNAVAILABLE, Referral, Step
from referral.domain.rules import Rules
from referral.domain.training import Moment, after_return, after_suspension


@dataclass(frozen=True, kw_only=True)
class KnowPerson:
    """`case_version` is the version intake gave this fact; it orders all facts of one case."""

    case_ref: str
    case_version: int
    age_group: str
    age_group_until: date | None
    home_area: str | None
    voluntary: bool
    referable_until: date | None


@dataclass(frozen=True, kw_only=True)
class DecideEligibility:
    case_ref: str
    case_version: int
    fields: frozenset[str]  # empty when not eligible
    valid_until: date | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ChangeCase:
    """`state`: ready, suspended or closed. `resumed`: ready again after a suspension."""

    case_ref: str
    case_version: int
    state: str
    at: datetime
    correlation_id: str
    resumed: bool = False
    aftercare: bool = False


async def know_person(command: KnowPerson, work: Work) -> None:
    """A new case, or corrected facts of a known one: its state stays."""
    facts = {
        "age_group": command.age_group,
        "age_group_until": command.age_group_until,
        "home_area": command.home_area,
        "voluntary": command.voluntary,
        "referable_until": command.referable_until,
    }
    known = await work.find(Participant, command.case_ref)
    if known is None:
        seen = {"person": command.case_version}
        work.save(Participant(id=command.case_ref, version=1, seen=seen, **facts))  # type: ignore[arg-type]
    elif known.is_news("person", command.case_version):
        work.save(known.learns("person", command.case_version, **facts))


async def decide_eligibility(command: DecideEligibility, work: Work, rules: Rules) -> None:
    """Running referrals in fields that are no longer covered end as any absence would."""
    person = await known_person(command.case_ref, work)
    if not person.is_news("eligibility", command.case_version):
        return
    person = person.decided(command.case_version, command.fields, command.valid_until)
    work.save(person)
    lost = [one for one, row in person.open.items() if row.field not in command.fields]
    await cancel_running(lost, PARTICIPANT_UNAVAILABLE, command.at, work, rules)


async def change_case(command: ChangeCase, work: Work, rules: Rules) -> None:
    """Opened, suspended, resumed or closed, with what follows for running referrals."""
    person = await known_person(command.case_ref, work)
    if not person.is_news("state", command.case_version):
        return
    person = person.learns("state", command.case_version, state=command.state, aftercare=command.aftercare)
    work.save(person)
    if command.state == CLOSED and not command.aftercare:
        await cancel_running(list(person.open), PARTICIPANT_UNAVAILABLE, command.at, work, rules)
    elif command.state == SUSPENDED or (command.state == READY and command.resumed):
        await _hold_or_return(command, person, work, rules)


async def forget_person(case_ref: str, work: Work) -> None:
    """Erased at intake. What stays is a pseudonym that leads to nobody."""
    person = await known_person(case_ref, work)
    after = person.erased()
    if after is not person:
        work.save(after)


async def cancel_running(referral_ids: list[str], code: str, at: datetime, work: Work, rules: Rules) -> None:
    """Neutral code only. Source: domain handbook, section 5 (Referral, cancel)."""
    for referral_id in referral_ids:
        referral = await work.get(Referral, referral_id)
        if not referral.ended:
            await save_steps(work, referral, [referral.cancel(SYSTEM, code, at, rules)], rules)


async def known_person(case_ref: str, work: Work) -> Participant:
    """Raises NotYet: intake's first word of this case was not heard."""
    person = await work.find(Participant, case_ref)
    if person is None:
        raise NotYet(kind="case.registered", case_ref=case_ref)
    return person


def moment_of(person: Participant | None, referral: Referral, at: datetime, rules: Rules) -> Moment:
    return Moment(
        at=at,
        rules=rules,
        case_suspended=person is not None and person.state == SUSPENDED,
        returns=person is not None and person.may_return(referral.field, referral.to_agency, day_of(at)),
    )


async def _hold_or_return(command: ChangeCase, person: Participant, work: Work, rules: Rules) -> None:
    for referral_id in person.open:
        referral = await work.get(Referral, referral_id)
        moment = moment_of(person, referral, command.at, rules)
        steps: list[Step] = (after_return if command.resumed else after_suspension)(
            referral, command.correlation_id, moment
        )
        await save_steps(work, referral, steps, rules)
