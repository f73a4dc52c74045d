"""Commands of officers: draft a referral, and move it."""

from dataclasses import dataclass
from datetime import datetime

from chassis.calendar import day_of
from chassis.errors import NotAllowed, StaleVersion
from chassis.ids import new_id
from chassis.machine import NEW, SYSTEM, choose
from chassis.work import Work
from referral.application.saving import agreements, save_steps
from referral.domain.agreement import Wish, covering
from referral.domain.participant import READY, NotEligible, NotReady, OpenReferral, Participant
from referral.domain.referral import MOVES, REPLACEABLE, Asked, NotReplaceable, Referral, Step
from referral.domain.rules import Rules
from referral.domain.training import OFFICER


@dataclass(frozen=True, kw_only=True)
class DraftReferral:
    case_ref: str
    to_agency: str
    field: str
    accommodations: tuple[str, ...]
    availability: tuple[str, ...]
    replaces: str | None
    role: str
    by: str
    rules: Rules


@dataclass(frozen=True, kw_only=True)
class MoveReferral:
    """`move` in the table's words. `by` and `second_person` are staff codes."""

    referral_id: str
    move: str
    expected_version: int
    role: str
    by: str
    at: datetime
    correlation_id: str
    rules: Rules
    reason_code: str | None = None
    second_person: str | None = None


async def draft_referral(command: DraftReferral, work: Work) -> Referral:
    """Private until it is requested. Raises NotAllowed (403), NotFound (404), NotReady, NotReplaceable (409)."""
    row = choose(MOVES, "draft", NEW, command.role)
    person = await work.get(Participant, command.case_ref)
    if person.state != READY:
        raise NotReady(state=person.state)
    if command.replaces is not None:
        await _must_be_replaceable(command.replaces, person.id, work)
    referral = Referral(
        id=new_id("ref"),
        version=1,
        state=row.ends or NEW,
        case_ref=person.id,
        to_agency=command.to_agency,
        field=command.field,
        accommodations=command.accommodations,
        availability=command.availability,
        replaces=command.replaces,
        drafted_by=command.by,
    )
    work.save(referral)
    return referral


async def move_referral(command: MoveReferral, work: Work) -> Referral:
    """Apply one move of an officer.

    Raises UnknownMove and NotFound (404), NotAllowed (403), StaleVersion, IllegalMove, TooEarly and the guards of
    `request` and `resume` (409), MissingFact and Invalid (422).
    """
    if command.role == SYSTEM:  # no token speaks for events and clocks
        raise NotAllowed(move=command.move[:40], role=SYSTEM)
    referral = await work.get(Referral, command.referral_id)
    choose(MOVES, command.move, referral.state, command.role, command.reason_code)
    if referral.version != command.expected_version:
        raise StaleVersion(seen=command.expected_version, now=referral.version)
    after, told = await PLAYS[command.move](referral, command, work)
    return await save_steps(work, referral, [Step(after.by(command.by), told)], command.rules)


async def _request(referral: Referral, command: MoveReferral, work: Work) -> Step:
    """The guards that a request must pass, each with its own refusal. Source: domain handbook, section 5."""
    day, rules = day_of(command.at), command.rules
    person = await work.get(Participant, referral.case_ref)
    consent_id = person.must_be_referable(referral.field, referral.to_agency, day)
    wish = Wish(sender=rules.sender, trainer=referral.to_agency, field=referral.field, home_area=person.home_area)
    agreement = covering(await agreements(work), wish, day)
    opened = OpenReferral(field=referral.field, to_agency=referral.to_agency, consent_id=consent_id)
    work.save(person.opens(referral.id, opened, day, rules))
    if referral.replaces is not None:
        await _must_be_replaceable(referral.replaces, person.id, work)
    age_group = person.age_group_on(day)
    if person.eligible_until is None:
        raise NotEligible(field=referral.field)
    asked = Asked(
        at=command.at,
        agency_case_ref=person.pseudonyms[referral.to_agency],
        age_group=age_group,
        agreement_number=agreement.number,
        eligible_until=person.eligible_until,
        due_on=rules.answer_due_on(day, age_group),
    )
    return referral.request(command.role, asked)


async def _pause(referral: Referral, command: MoveReferral, work: Work) -> Step:
    after, told = referral.pause(command.role, OFFICER, command.reason_code, command.at, command.rules)
    return Step(after.expects_echo(command.correlation_id), told)


async def _resume(referral: Referral, command: MoveReferral, work: Work) -> Step:
    person = await work.get(Participant, referral.case_ref)
    person.must_carry_return(referral.field, referral.to_agency, day_of(command.at))
    after, told = referral.resume(command.role, command.at)
    return Step(after.expects_echo(command.correlation_id), told)


async def _fail(referral: Referral, command: MoveReferral, work: Work) -> Step:
    return referral.fail(command.role, command.reason_code, command.at)


async def _cancel(referral: Referral, command: MoveReferral, work: Work) -> Step:
    return referral.cancel(command.role, command.reason_code, command.at, command.rules)


async def _void(referral: Referral, command: MoveReferral, work: Work) -> Step:
    return referral.void(command.role, command.reason_code, command.by, command.second_person)


async def _must_be_replaceable(referral_id: str, case_ref: str, work: Work) -> None:
    """The old referral stays as it is for ever; it is only read."""
    old = await work.find(Referral, referral_id)
    if old is None or old.case_ref != case_ref or old.state not in REPLACEABLE:
        raise NotReplaceable(referral_id=referral_id)


PLAYS = {
    "request": _request,
    "pause": _pause,
    "resume": _resume,
    "fail": _fail,
    "cancel": _cancel,
    "void": _void,
}
