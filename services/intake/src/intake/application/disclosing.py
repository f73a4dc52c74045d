"""Showing a person's data: the participant card to a partner, a contact to the own notification. Each is recorded."""

from dataclasses import dataclass, fields
from datetime import datetime

from chassis.calendar import day_of
from chassis.errors import NotFound
from chassis.ids import new_id
from chassis.work import Work
from intake.application.consents import holding_consents
from intake.application.persons import person_of
from intake.application.ports import Desk, StaffMember
from intake.domain.ages import is_minor
from intake.domain.agreements import RUNNING_REFERRALS, Agreement, joined
from intake.domain.cases import ENDED, Case
from intake.domain.codes import FACILITY, OFFICER, Purpose
from intake.domain.consents import Consent
from intake.domain.disclosures import Disclosure, ParticipantCard, Referral, card_of, permit_card
from intake.domain.klien import Klien
from intake.domain.ledger import Ledger, Pseudonym


@dataclass(frozen=True, kw_only=True)
class FetchCard:
    agency_case_ref: str
    referral_id: str
    with_nik: bool
    agency: str
    service: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class LookUpContact:
    """`ref`: any pseudonym of the case."""

    ref: str
    role: str
    service: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Contact:
    role: str
    phone: str
    whatsapp_optin: bool
    in_custody: bool
    case_closed: bool
    messaging_consent: bool


async def fetch_card(command: FetchCard, work: Work, desk: Desk) -> ParticipantCard:
    """Identity, once agreement, referral and consent allow it at this moment. Raises NotAllowed (403), Gone (410)."""
    day = day_of(command.at)
    found = await work.find(Pseudonym, command.agency_case_ref)
    consents = [] if found is None else await work.where(Consent, agency_case_ref=found.id)
    pseudonym = permit_card(
        found,
        command.agency,
        consents=tuple(consent for consent in consents if consent.purpose == Purpose.TRAINING),
        referral=await work.find(Referral, command.referral_id),
        has_agreement=joined(await work.where(Agreement), desk.agency, command.agency, day, states=RUNNING_REFERRALS),
        at=command.at,
    )
    klien = await person_of(await work.get(Case, pseudonym.case_ref), work, desk)
    card = card_of(klien, day, desk.rules.on(day), with_nik=command.with_nik)
    ledger = await work.get(Ledger, pseudonym.case_ref)
    work.save(ledger.disclosed())  # meets a withdrawal at the same moment in one version: one of the two runs again
    work.save(
        Disclosure(
            id=new_id("dsc"),
            version=1,
            case_ref=pseudonym.case_ref,
            to_agency=command.agency,
            to_service=command.service,
            kind="PARTICIPANT_CARD",
            referral_id=command.referral_id,
            fields=tuple(member.name for member in fields(card) if getattr(card, member.name) is not None),
            at=command.at,
        )
    )
    return card


async def look_up_contact(command: LookUpContact, work: Work, desk: Desk) -> Contact:
    """The number to reach one role of a case. Raises NotFound (404) where there is nobody or no number."""
    pseudonym = await work.find(Pseudonym, command.ref)
    case = await work.get(Case, pseudonym.case_ref if pseudonym else command.ref)
    ledger = await work.get(Ledger, case.id)
    phone, optin = await _number(case, command, work, desk)
    holding = await holding_consents(ledger, command.at, work)
    work.save(
        Disclosure(
            id=new_id("dsc"),
            version=1,
            case_ref=case.id,
            to_agency=desk.agency,
            to_service=command.service,
            kind="CONTACT",
            referral_id=None,
            fields=(f"{command.role.lower()}.phone",),
            at=command.at,
        )
    )
    return Contact(
        role=command.role,
        phone=phone,
        whatsapp_optin=optin,
        in_custody=case.in_custody,
        case_closed=case.state in ENDED,
        messaging_consent=any(
            consent.purpose == Purpose.MESSAGING and (pseudonym is None or consent.agency == pseudonym.agency)
            for consent in holding
        ),
    )


async def _number(case: Case, command: LookUpContact, work: Work, desk: Desk) -> tuple[str, bool]:
    """E.164 and the opt-in to WhatsApp of the asked role."""
    if command.role in ("PROBATION_OFFICER", "FACILITY_OFFICER"):
        officer = _officer(case, command.role, desk)
        if officer is None:
            raise NotFound(role=command.role, case_ref=command.ref)
        return officer.phone, officer.whatsapp_optin
    klien = await person_of(case, work, desk)
    phone = klien.phone if command.role == "KLIEN" else _guardian_phone(klien, command.at, desk)
    if phone is None:
        raise NotFound(role=command.role, case_ref=command.ref)
    return phone, command.role == "KLIEN" and klien.whatsapp_optin


def _guardian_phone(klien: Klien, at: datetime, desk: Desk) -> str | None:
    """None from the 18th birthday on: guardian access ends."""
    day = day_of(at)
    if klien.guardian is None or not is_minor(klien.birth_date, day, desk.rules.on(day)):
        return None
    return klien.guardian.phone


def _officer(case: Case, role: str, desk: Desk) -> StaffMember | None:
    """The case's own officer; for a facility that registered nobody itself, its one officer in the staff file."""
    staff = desk.staff.officers()
    if role == "PROBATION_OFFICER":
        officer = staff.get(case.officer_id or "")
        return officer if officer is not None and officer.role == OFFICER else None
    if case.facility_officer_id is not None:
        return staff.get(case.facility_officer_id)
    facility = [officer for officer in staff.values() if officer.role == FACILITY]
    return facility[0] if case.in_custody and len(facility) == 1 else None
