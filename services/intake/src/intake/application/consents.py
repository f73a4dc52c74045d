"""Consents: asked, given, refused, withdrawn, replaced, and ended by the clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.calendar import day_of
from chassis.errors import StaleVersion
from chassis.ids import new_id
from chassis.work import Duty, Work
from intake.application.persons import person_of
from intake.application.ports import Desk
from intake.domain.agreements import Agreement, NoAgreement, joined
from intake.domain.cases import Case
from intake.domain.codes import Purpose
from intake.domain.consents import COMING_OF_AGE, Consent, ask
from intake.domain.ledger import Ledger, Pseudonym
from intake.wire import (
    ConsentAsked,
    ConsentClosed,
    ConsentExpired,
    ConsentGranted,
    ConsentRefused,
    ConsentSuperseded,
    ConsentWithdrawn,
    DeadlineMissed,
)

ENDS = "consent.ends"  # duty: the consent's own end
STOP_DEADLINE = "consent.stop_deadline"  # duty: 72 hours after a withdrawal
_PAST = timedelta(seconds=1)  # a deadline is missed in the second after it


@dataclass(frozen=True, kw_only=True)
class AskConsent:
    case_ref: str
    agency: str
    purpose: str
    text_version: str
    valid_until: date
    role: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class MoveConsent:
    """`at`: when it was said to the officer, UTC; `now`: when it arrives."""

    consent_id: str
    expected_version: int
    role: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class GrantConsent(MoveConsent):
    given_by: tuple[str, ...]
    channel: str
    proof_ref: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class WithdrawConsent(MoveConsent):
    given_by: str


@dataclass(frozen=True, kw_only=True)
class ReplaceConsent(MoveConsent):
    text_version: str
    valid_until: date


async def ask_consent(command: AskConsent, work: Work, desk: Desk, replaces: Consent | None = None) -> Consent:
    """Put a text to a person. Raises NoAgreement, CaseOver (409), Invalid (422), NotFound (404), NotAllowed (403)."""
    case = await work.get(Case, command.case_ref)
    ledger = await work.get(Ledger, case.id)
    klien = await person_of(case, work, desk)
    ref = ledger.refs.get(command.agency) or new_id("prt")
    consent = ask(
        new_id("csn"),
        role=command.role,
        own_agency=desk.agency,
        case_ref=case.id,
        agency=command.agency,
        agency_case_ref=ref,
        purpose=command.purpose,
        text_version=command.text_version,
        valid_until=command.valid_until,
        supervision_until=klien.supervision_until,
        at=command.at,
        rules=desk.rules.on(day_of(command.at)),
        replaces=replaces,
    )
    ledger.must_go_on()
    if not joined(await work.where(Agreement), desk.agency, command.agency, day_of(command.at)):
        raise NoAgreement(agency=command.agency)
    if command.agency not in ledger.refs:
        work.save(ledger.name_to(command.agency, ref))
        work.save(Pseudonym(id=ref, version=1, case_ref=case.id, agency=command.agency))
    work.save(consent, ConsentAsked.of(consent))
    return consent


async def grant_consent(command: GrantConsent, work: Work, desk: Desk) -> Consent:
    """Take in the yes; a consent that it replaces gives way in the same commit."""
    consent = await _consent_at(command, work)
    klien = await person_of(await work.get(Case, consent.case_ref), work, desk)
    after = consent.grant(
        role=command.role,
        given_by=command.given_by,
        channel=command.channel,
        proof_ref=command.proof_ref,
        at=command.at,
        now=command.now,
        born_on=klien.birth_date,
        rules=desk.rules.on(day_of(command.at)),
    )
    ledger = await work.get(Ledger, consent.case_ref)
    work.save(ledger.hold(consent.agency, consent.purpose, consent.id, consent.replaces))
    granted = ConsentGranted(
        **_about(after), given_by=after.given_by, granted_at=command.at, valid_until=after.valid_until
    )
    work.save(after, granted, to=after.agency)
    if after.ends_at is not None:
        work.schedule(ENDS, after.id, after.ends_at)
    await _supersede(after, work)
    return after


async def _supersede(newer: Consent, work: Work) -> None:
    old = None if newer.replaces is None else await work.get(Consent, newer.replaces)
    if old is None or old.state != "active":  # it ended while the newer text was being asked
        return
    work.save(old.give_way_to(newer), ConsentSuperseded(**_about(old), replaced_by=newer.id), to=old.agency)
    work.unschedule(ENDS, old.id)


async def refuse_consent(command: MoveConsent, work: Work) -> Consent:
    """Nothing else is touched: no violation, no reason, no mark on the case."""
    consent = await _consent_at(command, work)
    after = consent.refuse(role=command.role)
    work.save(after, ConsentRefused(consent_id=after.id, case_ref=after.case_ref))
    return after


async def withdraw_consent(command: WithdrawConsent, work: Work, desk: Desk) -> Consent:
    """Start the 72 hours at the moment of receipt, which may lie before the moment of arrival."""
    consent = await _consent_at(command, work)
    klien = await person_of(await work.get(Case, consent.case_ref), work, desk)
    rules = desk.rules.on(day_of(command.at))
    after = consent.withdraw(
        role=command.role, given_by=command.given_by, at=command.at, born_on=klien.birth_date, rules=rules
    )
    stop_by = command.at + timedelta(hours=rules.stop_hours)
    work.save(after, ConsentWithdrawn(**_about(after), received_at=command.at, stop_by=stop_by), to=after.agency)
    await _release(after, work)
    work.unschedule(ENDS, after.id)
    work.schedule(STOP_DEADLINE, after.id, stop_by + _PAST)
    return after


async def replace_consent(command: ReplaceConsent, work: Work, desk: Desk) -> Consent:
    """Ask anew with a new text; the old one holds until the new one is granted. Returns the new consent."""
    old = await _consent_at(command, work)
    question = AskConsent(
        case_ref=old.case_ref,
        agency=old.agency,
        purpose=old.purpose,
        text_version=command.text_version,
        valid_until=command.valid_until,
        role=command.role,
        at=command.at,
    )
    return await ask_consent(question, work, desk, replaces=old)


async def take_in_receipt(consent_id: str, service: str, agency: str, work: Work, desk: Desk) -> None:
    """A reader stopped. Raises NotFound, NotAllowed and IllegalMove; a repeated receipt changes nothing."""
    consent = await work.get(Consent, consent_id)
    after = consent.confirm_stop(service, agency, desk.agency)
    if after is consent:
        return
    if after.state == "stopping":
        work.save(after)
        return
    work.save(after, ConsentClosed(**_about(after), closed_at=work.cause.at), to=after.agency)
    work.unschedule(STOP_DEADLINE, after.id)


async def miss_stop_deadline(duty: Duty, work: Work) -> None:
    """72 hours are over; who has not confirmed is named to both sides."""
    consent = await work.get(Consent, duty.subject)
    if consent.state != "stopping" or consent.stop_by is None:
        return
    after = consent.pass_deadline()
    told = DeadlineMissed(
        **_about(after),
        stop_by=consent.stop_by,
        missing=tuple(sorted(after.missing)),
        late_seconds=duty.late_seconds,
    )
    work.save(after, told, to=after.agency)


async def expire_consent(duty: Duty, work: Work) -> None:
    """The consent's date or the 18th birthday has come."""
    consent = await work.get(Consent, duty.subject)
    if consent.state != "active" or consent.ends_at is None or consent.ends_for is None:
        return
    await _expire(consent, consent.ends_at, consent.ends_for, work)


async def end_by_closing(case_ref: str, at: datetime, work: Work) -> None:
    """The case closed without aftercare: TRAINING ends, LIVELIHOOD_FOLLOWUP and MESSAGING run to their own end."""
    ledger = await work.get(Ledger, case_ref)
    held = [await work.get(Consent, consent_id) for consent_id in ledger.active.values()]
    work.save(ledger.close())
    for consent in held:
        if consent.purpose == Purpose.TRAINING:
            await _expire(consent, at, "CASE_CLOSED", work)
            work.unschedule(ENDS, consent.id)


async def end_by_erasure(case_ref: str, at: datetime, work: Work) -> None:
    """What still ran under the closed case ends with it; a withdrawal goes on to its own end (decision 0008)."""
    ledger = await work.get(Ledger, case_ref)
    for consent in [await work.get(Consent, consent_id) for consent_id in ledger.active.values()]:
        await _expire(consent, at, "CASE_CLOSED", work)
        work.unschedule(ENDS, consent.id)
    for consent in await work.where(Consent, case_ref=case_ref):
        if consent.ends_for == COMING_OF_AGE:
            work.save(consent.forget_birthday())
    work.save((await work.get(Ledger, case_ref)).erase())


async def holding_consents(ledger: Ledger, at: datetime, work: Work) -> list[Consent]:
    """Those that hold at this instant, whatever the clock's duties have done yet."""
    held = [await work.get(Consent, consent_id) for consent_id in ledger.active.values()]
    return [consent for consent in held if consent.holds(at)]


async def _expire(consent: Consent, at: datetime, cause: str, work: Work) -> None:
    after = consent.expire()
    work.save(after, ConsentExpired(**_about(after), expired_at=at, cause=cause), to=after.agency)
    await _release(after, work)


async def _release(consent: Consent, work: Work) -> None:
    ledger = await work.get(Ledger, consent.case_ref)
    work.save(ledger.release(consent.id))


async def _consent_at(command: MoveConsent, work: Work) -> Consent:
    consent = await work.get(Consent, command.consent_id)
    if consent.version != command.expected_version:
        raise StaleVersion(seen=command.expected_version, now=consent.version)
    return consent


def _about(consent: Consent) -> dict[str, str]:
    return {"consent_id": consent.id, "case_ref": consent.agency_case_ref, "purpose": consent.purpose}
