"""Consents, heard in two halves, and what the end of one does to the referrals that rest on it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.calendar import day_of, start_of
from chassis.errors import Invalid
from chassis.work import Work
from referral.application.participants import cancel_running, known_person
from referral.domain.consent import EXPIRED, STOPPING, SUPERSEDED, TRAINING, Asked, Consent, Pseudonym, new
from referral.domain.participant import KnownConsent, Participant
from referral.domain.referral import CONSENT_WITHDRAWN, PARTICIPANT_UNAVAILABLE
from referral.domain.rules import Rules

GRACE_OVER = "consent.grace_over"


@dataclass(frozen=True, kw_only=True)
class AskConsent:
    consent_id: str
    case_ref: str
    agency: str
    agency_case_ref: str
    purpose: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ChangeConsent:
    """The shared half. `consent_version` is intake's. `cause`: why it expired."""

    consent_id: str
    consent_version: int
    agency_case_ref: str
    purpose: str
    state: str
    at: datetime
    valid_until: date | None = None
    cause: str | None = None
    replaced_by: str | None = None


async def ask_consent(command: AskConsent, work: Work, rules: Rules) -> None:
    """Learn whose consent this is; what the other channel told before takes effect now."""
    person = await known_person(command.case_ref, work)
    asked = Asked(case_ref=person.id, agency=command.agency, agency_case_ref=command.agency_case_ref)
    consent = await work.find(Consent, command.consent_id) or new(command.consent_id)
    if consent.asked is not None:
        return
    consent = consent.is_asked(asked, command.purpose)
    work.save(consent)
    await _keep_pseudonym(asked, work)
    await _tell_person(consent, person, command.at, work, rules)


async def change_consent(command: ChangeConsent, work: Work, rules: Rules) -> None:
    """Learn how a consent stands. Raises Invalid (parked) when it is told under a pseudonym that was not asked."""
    before = await work.find(Consent, command.consent_id) or new(command.consent_id)
    if before.asked is not None and before.asked.agency_case_ref != command.agency_case_ref:
        raise Invalid(field="case_ref", rule="is not the pseudonym this consent was asked under")
    grace_until = None
    if command.cause == "COMING_OF_AGE":
        grace_until = day_of(command.at) + timedelta(days=rules.coming_of_age_days)
    consent = before.told(
        command.purpose,
        command.state,
        command.consent_version,
        valid_until=command.valid_until,
        grace_until=grace_until,
        cause=command.cause,
        replaced_by=command.replaced_by,
    )
    if consent is before:
        return
    work.save(consent)
    if consent.asked is not None:
        person = await known_person(consent.asked.case_ref, work)
        await _tell_person(consent, person, command.at, work, rules)


async def end_grace(consent_id: str, at: datetime, work: Work, rules: Rules) -> None:
    """The days after coming of age are over: what runs without a new consent of the grown person ends."""
    consent = await work.get(Consent, consent_id)
    if consent.asked is not None:
        person = await known_person(consent.asked.case_ref, work)
        await _rest_elsewhere_or_end(consent, person, CONSENT_WITHDRAWN, at, work, rules)


async def _keep_pseudonym(asked: Asked, work: Work) -> None:
    """Raises Invalid (parked) for a pseudonym that stands for another case or agency: it would join two persons."""
    known = await work.find(Pseudonym, asked.agency_case_ref)
    if known is not None and (known.case_ref, known.agency) != (asked.case_ref, asked.agency):
        raise Invalid(field="agency_case_ref", rule="stands for another case already")
    if known is None:
        work.save(Pseudonym(id=asked.agency_case_ref, version=1, case_ref=asked.case_ref, agency=asked.agency))


async def _tell_person(consent: Consent, person: Participant, at: datetime, work: Work, rules: Rules) -> None:
    """Both halves are known: the person's own aggregate learns it, where `request` will judge it."""
    if consent.asked is None or consent.purpose is None:
        return
    known = KnownConsent(
        agency=consent.asked.agency,
        purpose=consent.purpose,
        state=consent.state,
        valid_until=consent.valid_until,
        grace_until=consent.grace_until,
    )
    person = person.knows_consent(consent.id, known, consent.asked.agency_case_ref)
    work.save(person)
    if consent.purpose == TRAINING:
        await _follow(consent, person, at, work, rules)


async def _follow(consent: Consent, person: Participant, at: datetime, work: Work, rules: Rules) -> None:
    """What a changed consent TRAINING does to the referrals that rest on it."""
    resting = [one for one, row in person.open.items() if row.consent_id == consent.id]
    if consent.state == STOPPING:
        await cancel_running(resting, CONSENT_WITHDRAWN, at, work, rules)
    elif consent.state == SUPERSEDED and consent.replaced_by is not None:
        for referral_id in resting:
            person = person.rests_on(referral_id, consent.replaced_by)
            work.save(person)
    elif consent.state == EXPIRED and consent.grace_until is not None:
        work.schedule(GRACE_OVER, consent.id, start_of(consent.grace_until))
    elif consent.state == EXPIRED:
        code = PARTICIPANT_UNAVAILABLE if consent.cause == "CASE_CLOSED" else CONSENT_WITHDRAWN
        await _rest_elsewhere_or_end(consent, person, code, at, work, rules)


async def _rest_elsewhere_or_end(
    consent: Consent, person: Participant, code: str, at: datetime, work: Work, rules: Rules
) -> None:
    """Another valid consent for the same agency carries what rested on this one; without it the referral ends."""
    if consent.asked is None:
        return
    other = person.consent_for(consent.asked.agency, day_of(at))
    resting = [one for one, row in person.open.items() if row.consent_id == consent.id]
    if other is None:
        await cancel_running(resting, code, at, work, rules)
        return
    for referral_id in resting:
        person = person.rests_on(referral_id, other)
        work.save(person)
