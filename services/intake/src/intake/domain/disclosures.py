"""Who was shown what of a person, and whether they may be: the participant card and the contacts."""

from dataclasses import dataclass
from datetime import date, datetime

from chassis.errors import Gone, NotAllowed
from intake.domain.ages import is_minor
from intake.domain.consents import Consent
from intake.domain.klien import Guardian, Klien
from intake.domain.ledger import Pseudonym
from intake.domain.rules import Rules


@dataclass(frozen=True, kw_only=True)
class Referral:
    """What intake knows of a referral: `id` is the referral_id, `case_ref` the reader's pseudonym."""

    id: str
    version: int
    seen_version: int
    case_ref: str
    is_running: bool  # accepted, and not yet at an end


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """One look at a person's data; names of fields, never their values."""

    id: str
    version: int
    case_ref: str
    to_agency: str
    to_service: str
    kind: str  # PARTICIPANT_CARD or CONTACT
    referral_id: str | None
    fields: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ParticipantCard:
    full_name: str
    birth_date: date
    sex: str
    phone: str | None
    guardian: Guardian | None
    kecamatan: str | None
    education: str
    has_diploma: bool
    accommodations: tuple[str, ...]
    nik: str | None = None


def permit_card(
    pseudonym: Pseudonym | None,
    agency: str,
    *,
    consents: tuple[Consent, ...],
    referral: Referral | None,
    has_agreement: bool,
    at: datetime,
) -> Pseudonym:
    """The pseudonym, once everything that a card needs is so at this moment. `consents` are those for TRAINING.

    Raises NotAllowed (403) saying which ground is missing, Gone (410) after withdrawal or expiry.
    A foreign or unknown pseudonym looks like any refusal: nobody learns that a case exists.
    """
    if pseudonym is None or pseudonym.agency != agency:
        raise NotAllowed(missing="consent")
    if not any(consent.holds(at) for consent in consents):
        if any(consent.is_gone(at) for consent in consents):
            raise Gone(missing="consent")
        raise NotAllowed(missing="consent")
    if not has_agreement:
        raise NotAllowed(missing="agreement")
    if referral is None or referral.case_ref != pseudonym.id or not referral.is_running:
        raise NotAllowed(missing="accepted_referral")
    return pseudonym


def card_of(klien: Klien, day: date, rules: Rules, *, with_nik: bool) -> ParticipantCard:
    """Exactly what the matrix of domain handbook section 4 grants an OPD: no address, disability or basis."""
    return ParticipantCard(
        full_name=klien.full_name,
        birth_date=klien.birth_date,
        sex=klien.sex,
        phone=klien.phone,
        guardian=klien.guardian if is_minor(klien.birth_date, day, rules) else None,
        kecamatan=klien.home.kecamatan,
        education=klien.education,
        has_diploma=klien.has_diploma,
        accommodations=tuple(klien.accommodation),
        nik=klien.nik if with_nik else None,
    )
