"""What officers and services get back."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from intake.adapters.queries import WholeCase
from intake.application.disclosing import Contact
from intake.domain.cases import Case
from intake.domain.checks import Finding
from intake.domain.consents import Consent
from intake.domain.disclosures import Disclosure, ParticipantCard
from intake.domain.erasures import Erasure

DUKCAPIL = "DUKCAPIL"


class View(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class FindingView(View):
    field: str
    rule: str


class EligibilityView(View):
    outcome: str
    fields: tuple[str, ...]
    valid_until: date | None
    reason_code: str | None


class CaseView(View):
    """A case without its person."""

    case_ref: str
    state: str
    version: int
    officer_id: str | None
    facility_officer_id: str | None
    in_custody: bool
    suspension_code: str | None
    closing_code: str | None
    aftercare: bool
    eligibility: EligibilityView | None
    tasks: tuple[str, ...]

    @classmethod
    def of(cls, case: Case) -> "CaseView":
        return cls(**_of_case(case))


class RegisteredView(View):
    case_ref: str
    state: str
    version: int
    warnings: tuple[FindingView, ...]
    tasks: tuple[str, ...]

    @classmethod
    def of(cls, case: Case, warnings: Iterable[Finding]) -> "RegisteredView":
        return cls(
            case_ref=case.id, state=case.state, version=case.version, warnings=findings(warnings), tasks=_tasks(case)
        )


class HomeView(View):
    kecamatan: str | None
    village: str | None
    village_kind: str | None
    address: str | None


class GuardianView(View):
    full_name: str
    relation: str
    phone: str | None
    kind: str


class WholeCaseView(CaseView):
    """A case with all that intake holds of its person."""

    register_no: str
    sdp_ref: str | None
    basis_document: str
    handed_over_on: date
    supervision_basis: str
    supervision_until: date | None
    full_name: str
    alias: str | None
    nik: str | None
    birth_date: date
    sex: str
    phone: str | None
    whatsapp_optin: bool
    phone_is_shared: bool
    home: HomeView
    education: str
    has_diploma: bool
    disability: tuple[str, ...]
    accommodation: tuple[str, ...]
    interest: tuple[str, ...]
    guardian: GuardianView | None
    warnings: tuple[FindingView, ...]

    @classmethod
    def whole(cls, found: WholeCase) -> "WholeCaseView":
        klien = found.klien
        person = {
            **vars(klien),
            "home": HomeView(**vars(klien.home)),
            "guardian": None if klien.guardian is None else GuardianView(**vars(klien.guardian)),
        }
        return cls(**_of_case(found.case), **person, warnings=findings(found.warnings))


class ConsentView(View):
    consent_id: str
    case_ref: str
    agency: str
    agency_case_ref: str
    purpose: str
    text_version: str
    state: str
    version: int
    valid_until: date
    given_by: tuple[str, ...]
    channel: str | None
    proof_ref: str | None
    granted_at: datetime | None
    received_at: datetime | None
    stop_by: datetime | None
    missing: tuple[str, ...]
    replaces: str | None

    @classmethod
    def of(cls, consent: Consent) -> "ConsentView":
        shown = {name: getattr(consent, name) for name in cls.model_fields if name not in ("consent_id", "missing")}
        return cls(consent_id=consent.id, missing=tuple(sorted(consent.missing)), **shown)


class ImportedRowView(View):
    line: int
    register_no: str | None
    verdict: str
    case_ref: str | None = None
    problems: tuple[FindingView, ...] = ()
    warnings: tuple[FindingView, ...] = ()


class ImportView(View):
    registered: int
    unchanged: int
    refused: int
    rows: tuple[ImportedRowView, ...]

    @classmethod
    def of(cls, rows: Iterable[ImportedRowView]) -> "ImportView":
        told = tuple(rows)
        counts = {verdict: sum(row.verdict == verdict for row in told) for verdict in REGISTER_VERDICTS}
        return cls(**counts, rows=told)


REGISTER_VERDICTS = ("registered", "unchanged", "refused")


class CardView(View):
    full_name: str
    birth_date: date
    sex: str
    phone: str | None
    guardian: GuardianView | None
    kecamatan: str | None
    education: str
    has_diploma: bool
    accommodations: tuple[str, ...]
    nik: str | None = None

    @classmethod
    def of(cls, card: ParticipantCard) -> "CardView":
        guardian = None if card.guardian is None else GuardianView(**vars(card.guardian))
        return cls(**{**vars(card), "guardian": guardian})


class ContactView(View):
    role: str
    phone: str
    whatsapp_optin: bool
    in_custody: bool
    case_closed: bool
    messaging_consent: bool

    @classmethod
    def of(cls, contact: Contact) -> "ContactView":
        return cls(**vars(contact))


class DisclosureView(View):
    disclosure_id: str
    to_agency: str
    to_service: str
    kind: str
    referral_id: str | None
    fields: tuple[str, ...]
    at: datetime

    @classmethod
    def of(cls, shown: Disclosure) -> "DisclosureView":
        told = {name: getattr(shown, name) for name in cls.model_fields if name != "disclosure_id"}
        return cls(disclosure_id=shown.id, **told)


class ReceiptView(View):
    name: str
    erased_at: datetime


class ErasureView(View):
    """`missing` and the receipts' names are of the form `agency/service`."""

    erasure_id: str
    case_ref: str
    state: str
    reason_code: str
    asked_at: datetime
    erase_by: datetime
    missing: tuple[str, ...]
    receipts: tuple[ReceiptView, ...]
    closed_at: datetime | None

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureView":
        told = {name: getattr(erasure, name) for name in ("case_ref", "state", "reason_code", "asked_at", "erase_by")}
        receipts = tuple(ReceiptView(name=name, erased_at=at) for name, at in sorted(erasure.receipts.items()))
        return cls(
            erasure_id=erasure.id,
            missing=tuple(sorted(erasure.missing)),
            receipts=receipts,
            closed_at=erasure.closed_at,
            **told,
        )


def findings(found: Iterable[Finding]) -> tuple[FindingView, ...]:
    return tuple(FindingView(field=one.field, rule=one.rule) for one in found)


def _tasks(case: Case) -> tuple[str, ...]:
    return (DUKCAPIL,) if case.dukcapil_task else ()


def _of_case(case: Case) -> dict[str, Any]:
    return {
        "case_ref": case.id,
        "state": case.state,
        "version": case.version,
        "officer_id": case.officer_id,
        "facility_officer_id": case.facility_officer_id,
        "in_custody": case.in_custody,
        "suspension_code": case.suspension_code,
        "closing_code": case.closing_code,
        "aftercare": case.aftercare,
        "eligibility": None if case.eligibility is None else EligibilityView(**vars(case.eligibility)),
        "tasks": _tasks(case),
    }
