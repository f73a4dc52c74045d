"""Placements: referrals received, answered, stopped."""

from dataclasses import dataclass
from datetime import date, datetime

from chassis.calendar import day_of
from chassis.errors import Invalid, NotAllowed, NotYet
from chassis.ids import new_id
from chassis.machine import SYSTEM
from chassis.work import Work
from training.application.cards import erase_card
from training.application.endings import end_enrolment
from training.application.ports import Asked, Desk, must_be_as_seen
from training.application.seats import take_seat_or_place
from training.application.telling import save_enrolment, save_placement
from training.domain.agreement import Agreement
from training.domain.cohort import Cohort
from training.domain.enrolment import OUT_OF_REACH, STOP_REASONS, Enrolment
from training.domain.people import AGE_GROUPS
from training.domain.placement import Placement, StoppedReferral, receive


@dataclass(frozen=True, kw_only=True)
class ReceivePlacement:
    referral_id: str
    case_ref: str
    from_agency: str
    field: str
    age_group: str
    accommodations: tuple[str, ...]
    availability: tuple[str, ...]
    agreement_number: str
    eligible_until: date
    due_on: date
    requested_at: datetime


@dataclass(frozen=True, kw_only=True)
class AcceptPlacement(Asked):
    referral_id: str
    expected_version: int
    place_code: str | None
    accommodations_met: bool


@dataclass(frozen=True, kw_only=True)
class DeclinePlacement(Asked):
    referral_id: str
    expected_version: int
    reason_code: str | None


@dataclass(frozen=True, kw_only=True)
class OfReferral:
    """What the sender's referral did. `from_agency` is who said so, `referral_version` orders what was said."""

    referral_id: str
    from_agency: str
    referral_version: int
    reason_code: str = "PARTICIPANT_UNAVAILABLE"


async def receive_placement(command: ReceivePlacement, work: Work, desk: Desk) -> None:
    """Open a file for a referral that an agreement covers; a repeated or already stopped one changes nothing.

    Raises NotYet while the agreement it names was not heard, NotCovered (403), Invalid (422).
    """
    known = await work.find(Placement, command.referral_id)
    if known is not None or await work.find(StoppedReferral, command.referral_id) is not None:
        return
    receive(command.age_group, AGE_GROUPS)
    agreement = await work.find(Agreement, command.agreement_number)
    if agreement is None:
        raise NotYet(kind="agreement", id=command.agreement_number[:60])
    agreement.must_cover(command.from_agency, desk.agency, command.field, day_of(command.requested_at))
    work.save(
        Placement(
            id=command.referral_id,
            case_ref=command.case_ref,
            from_agency=command.from_agency,
            field=command.field,
            age_group=command.age_group,
            accommodations=command.accommodations,
            availability=command.availability,
            agreement_number=command.agreement_number,
            eligible_until=command.eligible_until,
            due_on=command.due_on,
            requested_at=command.requested_at,
        )
    )


async def accept_placement(command: AcceptPlacement, work: Work, desk: Desk) -> Placement:
    """Yes, and with it the seat or the place in line, in one commit. Raises NotFound, StaleVersion, NotMet (409)."""
    placement = await work.get(Placement, command.referral_id)
    must_be_as_seen(placement, command.expected_version)
    enrolment_id = new_id("enr")
    accepted, told = placement.accept(command.role, enrolment_id, command.accommodations_met, command.at)
    if command.place_code is None:
        raise Invalid(field="place_code", rule="the place of training is needed")
    save_placement(work, accepted, told)
    enrolment = Enrolment(
        id=enrolment_id,
        referral_id=placement.id,
        case_ref=placement.case_ref,
        from_agency=placement.from_agency,
        field=placement.field,
        place_code=command.place_code,
        age_group=placement.age_group,
        accommodations=placement.accommodations,
        queued_at=command.at,
    )
    await take_seat_or_place(enrolment, command.at, work, desk)
    return accepted


async def decline_placement(command: DeclinePlacement, work: Work) -> Placement:
    placement = await work.get(Placement, command.referral_id)
    must_be_as_seen(placement, command.expected_version)
    declined, told = placement.decline(command.role, command.reason_code)
    save_placement(work, declined, told)
    return declined


async def stop_placement(command: OfReferral, work: Work, desk: Desk) -> None:
    """The referral was cancelled or voided: seat released, enrolment withdrawn, card erased.

    One that is not known yet is remembered, so that its late request does not come to life.
    """
    placement = await work.find(Placement, command.referral_id)
    if placement is None:
        if await work.find(StoppedReferral, command.referral_id) is None:
            work.save(StoppedReferral(id=command.referral_id))
        return
    _must_be_its_sender(placement, command)
    if placement.is_open:
        await stop_and_end(placement, command.reason_code, work, desk)


async def stop_and_end(placement: Placement, reason_code: str, work: Work, desk: Desk) -> None:
    work.save(placement.stop(reason_code))
    if placement.enrolment_id is not None:
        enrolment = await work.get(Enrolment, placement.enrolment_id)
        await end_enrolment(enrolment, reason_code, work.cause.at, work, desk)


async def end_failed(command: OfReferral, work: Work, desk: Desk) -> None:
    """A person on the sender's side ended it, at the hold limit for instance. Our own drop ends here as it is."""
    enrolment = await _enrolment_of(command, work)
    if enrolment is not None:
        reason = command.reason_code if command.reason_code in STOP_REASONS else "PARTICIPANT_UNAVAILABLE"
        await end_enrolment(enrolment, reason, work.cause.at, work, desk)


async def hold_with_referral(command: OfReferral, work: Work) -> None:
    """Hold who is in training; the echo of our own hold, and whoever is not in training, stay as they are."""
    enrolment = await _enrolment_of_news(command, work)
    correlation = work.cause.correlation_id
    if enrolment is not None and enrolment.state == "active" and not enrolment.is_echo("hold", correlation):
        save_enrolment(work, *enrolment.hold(SYSTEM, command.reason_code, correlation))


async def return_with_referral(command: OfReferral, work: Work, desk: Desk) -> None:
    """Back to class if 80 % is in reach; else the officer is asked for a make-up plan: no clock makes one."""
    enrolment = await _enrolment_of_news(command, work)
    correlation = work.cause.correlation_id
    if enrolment is None or enrolment.state != "suspended" or enrolment.is_echo("return", correlation):
        return
    hours_left = (await work.get(Cohort, enrolment.cohort_code or "")).hours_left
    if not enrolment.in_reach(hours_left + enrolment.make_up_hours, desk.rules):
        work.save(enrolment.flag(OUT_OF_REACH))
        return
    plan = enrolment.make_up_hours
    save_enrolment(work, *enrolment.return_(SYSTEM, hours_left, plan, correlation, desk.rules))


async def erase_voided(command: OfReferral, work: Work, desk: Desk) -> None:
    """Wrong person or duplicate: stop, and erase the card even of a completed enrolment."""
    await stop_placement(command, work, desk)
    placement = await work.find(Placement, command.referral_id)
    if placement is not None and placement.enrolment_id is not None:
        await erase_card(placement.enrolment_id, work.cause.at, work)


async def _enrolment_of_news(command: OfReferral, work: Work) -> Enrolment | None:
    """None also for what was heard before, under whatever id, or comes late (decision 0007)."""
    enrolment = await _enrolment_of(command, work)
    if enrolment is None:
        return None
    heard = (await work.get(Placement, command.referral_id)).hears(command.referral_version)
    if heard is None:
        return None
    work.save(heard)
    return enrolment


async def _enrolment_of(command: OfReferral, work: Work) -> Enrolment | None:
    placement = await work.find(Placement, command.referral_id)
    if placement is None or placement.enrolment_id is None:
        return None
    _must_be_its_sender(placement, command)
    return await work.get(Enrolment, placement.enrolment_id)


def _must_be_its_sender(placement: Placement, command: OfReferral) -> None:
    if placement.from_agency != command.from_agency:
        raise NotAllowed(kind="placement", rule="another agency's referral")
