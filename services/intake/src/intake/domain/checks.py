"""The data dictionary's rules on what is known of a person. A problem refuses, a warning is stored and shown."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from chassis.errors import Invalid
from intake.domain.ages import is_minor, reached
from intake.domain.areas import Areas, kecamatan_of_nik_area
from intake.domain.codes import Accommodation, Sex
from intake.domain.klien import Klien
from intake.domain.rules import Rules

_PHONE = re.compile(r"\+628[1-35-9][0-9]{7,10}")  # [0-9], since \d takes the digits of every script
_SEPARATORS = re.compile(r"[ .()-]")
_NIK = re.compile(r"[0-9]{16}")
_WOMAN = 40  # added to the day of birth in the NIK of a woman


@dataclass(frozen=True)
class Finding:
    """A field and the rule that it breaks; never the value."""

    field: str
    rule: str


class BadKlien(Invalid):
    """A registration or correction breaks the data dictionary. Facts: the first finding; `findings` has all."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(field=findings[0].field, rule=findings[0].rule, problems=len(findings))
        self.findings = findings


def normal_phone(typed: str) -> str:
    """E.164 of what an officer types: `08…`, `62…` and `+62…`, with the usual separators.

    What is no Indonesian mobile number comes back unchanged, for `examine` to refuse.
    """
    digits = _SEPARATORS.sub("", typed.strip())
    if digits.startswith("08"):
        digits = "+62" + digits[1:]
    elif digits.startswith("62"):
        digits = "+" + digits
    return digits if _PHONE.fullmatch(digits) else typed


def settled(klien: Klien) -> Klien:
    """The same person with phones normalised and outer blanks gone, so that equal facts are equal bytes."""
    guardian = klien.guardian
    if guardian is not None:
        phone = None if guardian.phone is None else normal_phone(guardian.phone)
        guardian = replace(guardian, full_name=guardian.full_name.strip(), phone=phone)
    return replace(
        klien,
        register_no=klien.register_no.strip(),
        sdp_ref=None if klien.sdp_ref is None else klien.sdp_ref.strip(),
        full_name=klien.full_name.strip(),
        phone=None if klien.phone is None else normal_phone(klien.phone),
        guardian=guardian,
    )


def examine(klien: Klien, day: date, rules: Rules, areas: Areas) -> tuple[Finding, ...]:
    """Warnings about a settled person on a WIT day. Raises BadKlien (422) with every problem found."""
    problems = (
        *_texts(klien),
        *_dates(klien, day, rules),
        *_phones(klien),
        *_nik_problems(klien.nik),
        *_home(klien, areas),
        *_lists(klien),
        *_guardian(klien, day, rules),
    )
    if problems:
        raise BadKlien(problems)
    return nik_warnings(klien, areas)


def _texts(klien: Klien) -> Iterator[Finding]:
    held = {
        "register_no": klien.register_no,
        "sdp_ref": klien.sdp_ref,
        "basis_document": klien.basis_document,
        "full_name": klien.full_name,
        "alias": klien.alias,
        "home.village": klien.home.village,
        "guardian.full_name": klien.guardian.full_name if klien.guardian else None,
        "guardian.relation": klien.guardian.relation if klien.guardian else None,
    }
    for field, text in held.items():
        if text is not None and not 1 <= len(text.strip()) <= 120:
            yield Finding(field, "1 to 120 characters")
        if text is not None and not text.isprintable():
            yield Finding(field, "one line without control characters")


def _dates(klien: Klien, day: date, rules: Rules) -> Iterator[Finding]:
    youngest_years = rules.age_groups[0][0]
    if klien.birth_date > day:
        yield Finding("birth_date", "must not lie in the future")
    elif not reached(klien.birth_date, youngest_years, day):
        yield Finding("birth_date", f"no case below {youngest_years} years")
    elif reached(klien.birth_date, rules.oldest_years, day):
        yield Finding("birth_date", f"below {rules.oldest_years} years")
    if klien.handed_over_on > day:
        yield Finding("handed_over_on", "must not lie in the future")
    elif klien.handed_over_on < klien.birth_date:
        yield Finding("handed_over_on", "must not lie before birth_date")
    if klien.supervision_until is not None and klien.supervision_until < klien.handed_over_on:
        yield Finding("supervision_until", "must not lie before handed_over_on")


def _phones(klien: Klien) -> Iterator[Finding]:
    guardian_phone = klien.guardian.phone if klien.guardian else None
    for field, phone in (("phone", klien.phone), ("guardian.phone", guardian_phone)):
        if phone is not None and not _PHONE.fullmatch(phone):
            yield Finding(field, "an Indonesian mobile number, +628…")
    if klien.whatsapp_optin and klien.phone is None:
        yield Finding("whatsapp_optin", "needs a phone")


def _nik_problems(nik: str | None) -> Iterator[Finding]:
    """Source: UU 24/2013, PP 40/2019: area, day (+40 for women), month, year, serial."""
    if nik is None:
        return
    if not _NIK.fullmatch(nik):
        yield Finding("nik", "16 digits")
        return
    day, month, serial = int(nik[6:8]), int(nik[8:10]), nik[12:]
    if not (1 <= day <= 31 or 1 + _WOMAN <= day <= 31 + _WOMAN):
        yield Finding("nik", "day 01-31 or 41-71")
    if not 1 <= month <= 12:
        yield Finding("nik", "month 01-12")
    if serial == "0000":
        yield Finding("nik", "serial must not be 0000")


def nik_warnings(klien: Klien, areas: Areas) -> tuple[Finding, ...]:
    """Warnings only: a NIK never changes when one moves or when the birth date is corrected."""
    nik = klien.nik
    if nik is None:
        return ()
    day, found = int(nik[6:8]), []
    if not areas.knows_nik_area(nik[:6]):
        found.append("area unknown")
    elif klien.home.kecamatan is not None and kecamatan_of_nik_area(nik[:6]) != klien.home.kecamatan:
        found.append("area differs from home")
    if (day % _WOMAN, nik[8:12]) != (klien.birth_date.day, klien.birth_date.strftime("%m%y")):
        found.append("birth date differs")
    if (day > _WOMAN) != (klien.sex == Sex.F):
        found.append("sex differs")
    return tuple(Finding("nik", rule) for rule in found)


def _home(klien: Klien, areas: Areas) -> Iterator[Finding]:
    if klien.home.kecamatan is not None and not areas.knows(klien.home.kecamatan):
        yield Finding("home.kecamatan", "a code of the table of kecamatan")
    if klien.home.village_kind is not None and klien.home.village is None:
        yield Finding("home.village", "village_kind needs it")
    if klien.home.address is not None and not 1 <= len(klien.home.address.strip()) <= 300:
        yield Finding("home.address", "1 to 300 characters")


def _lists(klien: Klien) -> Iterator[Finding]:
    held: dict[str, Iterable[str]] = {
        "disability": klien.disability,
        "accommodation": klien.accommodation,
        "interest": klien.interest,
    }
    for field, codes in held.items():
        listed = tuple(codes)
        if len(set(listed)) < len(listed):
            yield Finding(field, "a code at most once")
    if Accommodation.NONE in klien.accommodation and len(klien.accommodation) > 1:
        yield Finding("accommodation", "NONE stands alone")


def _guardian(klien: Klien, day: date, rules: Rules) -> Iterator[Finding]:
    minor = is_minor(klien.birth_date, day, rules)
    if minor and klien.guardian is None:
        yield Finding("guardian", "a minor needs one")
    if not minor and klien.guardian is not None:
        yield Finding("guardian", "only a minor has one")
