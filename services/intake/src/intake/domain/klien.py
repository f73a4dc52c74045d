"""The person behind a case, as intake alone holds it. Stored sealed, never in an event, log or address."""

from dataclasses import dataclass
from datetime import date

from intake.domain.codes import (
    Accommodation,
    Disability,
    Education,
    Field,
    GuardianKind,
    Sex,
    SupervisionBasis,
    VillageKind,
)


@dataclass(frozen=True, kw_only=True)
class Home:
    kecamatan: str | None = None  # code, `81.71.02`
    village: str | None = None
    village_kind: VillageKind | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class Guardian:
    full_name: str
    relation: str
    phone: str | None
    kind: GuardianKind


@dataclass(frozen=True, kw_only=True)
class Klien:
    """Phones are E.164. Lists hold a code at most once."""

    register_no: str
    sdp_ref: str | None
    basis_document: str
    handed_over_on: date
    supervision_basis: SupervisionBasis
    supervision_until: date | None
    full_name: str
    alias: str | None
    nik: str | None
    birth_date: date
    sex: Sex
    phone: str | None
    whatsapp_optin: bool
    phone_is_shared: bool
    home: Home
    education: Education
    has_diploma: bool
    disability: tuple[Disability, ...]
    accommodation: tuple[Accommodation, ...]
    interest: tuple[Field, ...]
    guardian: Guardian | None
