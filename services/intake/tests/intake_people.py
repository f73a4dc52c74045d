"""Invented persons, and the rules and areas that ship with intake."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from intake.adapters.data_files import load_areas, load_rules
from intake.domain.codes import Education, GuardianKind, Sex, SupervisionBasis
from intake.domain.klien import Guardian, Home, Klien

BOOK = load_rules(None)
AREAS = load_areas(())
TODAY = date(2027, 3, 4)
RULES = BOOK.on(TODAY)
NOON = datetime(2027, 3, 4, 3, 0, tzinfo=UTC)  # 12:00 WIT

SALMA = Klien(
    register_no="REG/0042/X",
    sdp_ref=None,
    basis_document="BA-0042/CONTOH",
    handed_over_on=date(2027, 1, 11),
    supervision_basis=SupervisionBasis.PAROLE,
    supervision_until=date(2028, 7, 1),
    full_name="Salma Misal",
    alias=None,
    nik=None,
    birth_date=date(1992, 3, 17),
    sex=Sex.F,
    phone="+6281000000021",
    whatsapp_optin=True,
    phone_is_shared=False,
    home=Home(kecamatan="81.71.02"),
    education=Education.LOWER_SECONDARY,
    has_diploma=False,
    disability=(),
    accommodation=(),
    interest=(),
    guardian=None,
)
AUNT = Guardian(full_name="Tante Umpama", relation="bibi", phone="+6281000000022", kind=GuardianKind.WALI)
DENI = replace(
    SALMA, register_no="REG/0043/X", full_name="Deni Umpama", sex=Sex.M, birth_date=date(2010, 5, 20), guardian=AUNT
)


def somebody(**changed: Any) -> Klien:
    return replace(SALMA, **changed)
