"""Consents as they are heard: what must stop, stops in the same commit, and is confirmed to the agency."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.work import Work
from training import wire
from training.application.cards import erase_card
from training.application.followups import stop_followups
from training.application.placements import stop_and_end
from training.application.ports import Desk
from training.domain.consent import LIVELIHOOD_FOLLOWUP, OURS, TRAINING, Consent
from training.domain.enrolment import CONSENT_LAPSED, RUNNING, Enrolment
from training.domain.placement import Placement


@dataclass(frozen=True, kw_only=True)
class HearConsent:
    """`heard_version` orders the events of one consent; `cause` is why it expired: DATE, COMING_OF_AGE, CASE_CLOSED."""

    consent_id: str
    case_ref: str
    from_agency: str
    purpose: str
    heard_version: int
    valid_until: date | None = None
    cause: str | None = None


async def note_granted(command: HearConsent, work: Work) -> None:
    """A new consent takes away the question that a lapsed one had raised."""
    if await _note(command, "active", work) is None or command.purpose != TRAINING:
        return
    for enrolment in await _enrolments(command, work):
        if CONSENT_LAPSED in enrolment.flags:
            work.save(enrolment.unflag(CONSENT_LAPSED))


async def note_superseded(command: HearConsent, work: Work) -> None:
    await _note(command, "superseded", work)


async def stop_for_withdrawal(command: HearConsent, work: Work, desk: Desk) -> None:
    """Within one commit: no processing, no card, and our receipt, also where nothing was running."""
    known = await work.find(Consent, command.consent_id)
    if known is not None and known.stopped:
        return
    if command.purpose == TRAINING:
        await _stop_training(command, work, desk)
    elif command.purpose == LIVELIHOOD_FOLLOWUP:
        await _stop_following(command, work)
    consent = known or _new(command, "stopping")
    after = replace(
        consent,
        version=known.version + 1 if known else 1,
        state="stopping",
        heard_version=max(consent.heard_version, command.heard_version),
        stopped=True,
    )
    receipt = wire.ConsentStopped(
        consent_id=after.id, case_ref=after.case_ref, purpose=after.purpose, stopped_at=work.cause.at
    )
    work.save(after, *([receipt] if after.purpose in OURS else []), to=command.from_agency)


async def note_expired(command: HearConsent, work: Work) -> None:
    """An expired consent stops nothing by clock: the sender decides about the referral, the officer is told.

    At the closing of the case the enrolments remember it: from then on only counts leave this agency.
    """
    if await _note(command, "expired", work) is None:
        return
    for enrolment in await _enrolments(command, work):
        if command.cause == "CASE_CLOSED" and not enrolment.case_closed:
            work.save(enrolment.close_case())
        elif command.purpose == TRAINING and command.cause != "CASE_CLOSED" and enrolment.state in RUNNING:
            work.save(enrolment.flag(CONSENT_LAPSED))


async def _stop_training(command: HearConsent, work: Work, desk: Desk) -> None:
    for placement in await work.where(Placement, case_ref=command.case_ref):
        if placement.from_agency == command.from_agency and placement.is_open:
            await stop_and_end(placement, "CONSENT_WITHDRAWN", work, desk)
    for enrolment in await _enrolments(command, work):
        await erase_card(enrolment.id, work.cause.at, work)


async def _stop_following(command: HearConsent, work: Work) -> None:
    """Nobody is asked any more; the card of whoever had completed has no purpose left."""
    await stop_followups(command.case_ref, command.from_agency, work)
    for enrolment in await _enrolments(command, work):
        if enrolment.state == "completed":
            await erase_card(enrolment.id, work.cause.at, work)


async def _note(command: HearConsent, state: str, work: Work) -> Consent | None:
    """The new state, or None if this event is older than what is known."""
    known = await work.find(Consent, command.consent_id)
    if known is None:
        noted = _new(command, state)
    elif command.heard_version <= known.heard_version:
        return None
    else:
        noted = replace(
            known,
            version=known.version + 1,
            state=state,
            heard_version=command.heard_version,
            valid_until=command.valid_until or known.valid_until,
        )
    work.save(noted)
    return noted


async def _enrolments(command: HearConsent, work: Work) -> list[Enrolment]:
    found = await work.where(Enrolment, case_ref=command.case_ref)
    return [enrolment for enrolment in found if enrolment.from_agency == command.from_agency]


def _new(command: HearConsent, state: str) -> Consent:
    return Consent(
        id=command.consent_id,
        heard_version=command.heard_version,
        case_ref=command.case_ref,
        from_agency=command.from_agency,
        purpose=command.purpose,
        state=state,
        valid_until=command.valid_until,
    )
