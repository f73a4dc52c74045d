"""The data dictionary of the domain handbook, section 4, on what officers type of a person."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from intake_people import AREAS, AUNT, BOOK, DENI, RULES, SALMA, TODAY, somebody

from intake.adapters.data_files import load_areas
from intake.domain.ages import age_group, birthday, is_minor, months_after
from intake.domain.checks import BadKlien, Finding, examine, normal_phone, settled
from intake.domain.klien import Home, Klien

SALMAS_NIK = "8171025703929001"  # Sirimau, day 17 + 40, March 1992


def problems(klien: Klien) -> set[str]:
    with pytest.raises(BadKlien) as bad:
        examine(settled(klien), TODAY, RULES, AREAS)
    return {finding.field for finding in bad.value.findings}


def warnings(klien: Klien) -> set[str]:
    return {finding.rule for finding in examine(settled(klien), TODAY, RULES, AREAS)}


def test_salma_and_deni_are_registered_without_a_word() -> None:
    assert warnings(SALMA) == warnings(DENI) == set()


# -- NIK ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nik", [SALMAS_NIK, "8171023112921234", "8171027112921234"])
def test_a_nik_of_the_right_form_is_taken(nik: str) -> None:
    assert {finding.field for finding in examine(somebody(nik=nik), TODAY, RULES, AREAS)} <= {"nik"}  # warnings only


@pytest.mark.parametrize(
    "nik",
    [
        "817102570392900",
        "81710257039290011",
        "8171020003929001",
        "8171023203929001",
        "8171024003929001",
        "8171027203929001",
        "8171025700929001",
        "8171025713929001",
        "8171025703920000",
        "8.171025703929E+15",
        "817102570392900١",
        SALMAS_NIK + "\n",
        "",
    ],
    ids=[
        "15 digits", "17 digits", "day 00", "day 32", "day 40", "day 72", "month 00", "month 13", "serial 0000",
        "a spreadsheet's number", "an Arabic digit", "a line break", "empty",
    ],
)  # fmt: skip
def test_a_nik_that_can_not_be_one_is_refused(nik: str) -> None:
    assert problems(somebody(nik=nik)) == {"nik"}


@pytest.mark.parametrize(
    ("nik", "rule"),
    [
        ("8171995703929001", "area unknown"),
        ("8171035703929001", "area differs from home"),
        ("8171025603929001", "birth date differs"),
        ("8171025704929001", "birth date differs"),
        ("8171025703939001", "birth date differs"),
        ("8171021703929001", "sex differs"),
    ],
)
def test_a_nik_that_does_not_fit_the_person_is_stored_with_a_warning(nik: str, rule: str) -> None:
    assert warnings(somebody(nik=nik)) == {rule}


def test_a_nik_never_says_where_somebody_lives() -> None:
    examine(homeless := somebody(nik=SALMAS_NIK, home=Home()), TODAY, RULES, AREAS)
    assert homeless.home.kecamatan is None


def test_a_mans_nik_on_the_seventeenth_is_not_a_womans_on_the_same_day() -> None:
    assert warnings(somebody(nik=SALMAS_NIK, sex="M")) == {"sex differs"}


# -- phone -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["081000000021", "6281000000021", "+6281000000021", "0810-0000-0021", " 0810 0000 0021 "]
)
def test_a_phone_number_is_kept_in_one_form(typed: str) -> None:
    assert normal_phone(typed) == "+6281000000021"
    assert settled(somebody(phone=typed)).phone == "+6281000000021"
    guardian = settled(replace(DENI, guardian=replace(AUNT, phone=typed))).guardian
    assert guardian is not None
    assert guardian.phone == "+6281000000021"


@pytest.mark.parametrize("phone", ["+6281" + "0" * 7, "+6285" + "0" * 10, "+6289" + "0" * 8])
def test_short_and_long_numbers_of_every_operator_are_taken(phone: str) -> None:
    assert warnings(somebody(phone=phone)) == set()


@pytest.mark.parametrize(
    "phone",
    [
        "+6281" + "0" * 6,
        "+6281" + "0" * 11,
        "+6284" + "0" * 8,
        "+6280" + "0" * 8,
        "+6221" + "0" * 7,
        "+1202" + "0" * 7,
        "+62081000000021",
        "+6281000000٠21",
        "+6281000000021\n1",
        "ponsel",
    ],
)
def test_what_is_no_indonesian_mobile_number_is_refused(phone: str) -> None:
    assert problems(somebody(phone=phone)) == {"phone"}


def test_messages_by_whatsapp_need_a_number() -> None:
    assert problems(somebody(phone=None)) == {"whatsapp_optin"}
    assert warnings(somebody(phone=None, whatsapp_optin=False)) == set()


# -- home --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kecamatan", ["81.71.01", "81.71.02", "81.71.03", "81.71.04", "81.71.05"])
def test_every_kecamatan_of_ambon_is_known(kecamatan: str) -> None:
    assert warnings(somebody(home=Home(kecamatan=kecamatan))) == set()


def test_an_unknown_kecamatan_is_refused_until_its_region_brings_its_table(tmp_path: Path) -> None:
    elsewhere = somebody(home=Home(kecamatan="81.06.01"))
    assert problems(elsewhere) == {"home.kecamatan"}
    table = tmp_path / "81.06.json"
    table.write_text('{"area": "81.06", "name": "Contoh", "source": "uji", "kecamatan": {"81.06.01": "Contoh"}}')
    assert examine(elsewhere, TODAY, RULES, load_areas([table])) == ()


def test_a_table_can_not_bring_the_kecamatan_of_another_region(tmp_path: Path) -> None:
    table = tmp_path / "81.06.json"
    table.write_text('{"area": "81.06", "name": "Contoh", "source": "uji", "kecamatan": {"81.71.02": "Contoh"}}')
    with pytest.raises(ValueError, match=r"81\.71\.02"):
        load_areas([table])


def test_a_person_without_a_known_home_is_registered() -> None:
    assert warnings(somebody(home=Home())) == set()


# -- age and guardian --------------------------------------------------------------------------------------------------


def test_a_minor_needs_a_guardian_and_an_adult_has_none() -> None:
    assert problems(replace(DENI, guardian=None)) == {"guardian"}
    assert problems(somebody(guardian=AUNT)) == {"guardian"}


def test_adulthood_begins_on_the_eighteenth_birthday() -> None:
    born_on = date(2009, 3, 5)
    assert is_minor(born_on, date(2027, 3, 4), RULES)
    assert not is_minor(born_on, date(2027, 3, 5), RULES)


def test_who_is_born_on_a_leap_day_comes_of_age_on_the_first_of_march() -> None:
    assert birthday(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert birthday(date(2008, 2, 29), 20) == date(2028, 2, 29)


def test_who_is_born_at_the_end_of_the_calendar_is_not_of_age() -> None:
    """So that the check gets to refuse him: he lies in the future."""
    assert birthday(date.max, 18) == date.max
    assert is_minor(date(9999, 12, 31), date(2027, 3, 4), RULES)
    assert age_group(date(9990, 2, 28), date(2027, 3, 4), RULES).code == RULES.age_groups[0][1]


@pytest.mark.parametrize(
    ("born_on", "code", "until"),
    [
        (date(2015, 3, 4), "CHILD_12_13", date(2029, 3, 4)),
        (date(2013, 3, 5), "CHILD_12_13", date(2027, 3, 5)),
        (date(2013, 3, 4), "CHILD_14_15", date(2029, 3, 4)),
        (date(2011, 3, 4), "CHILD_16_17", date(2029, 3, 4)),
        (date(2009, 3, 5), "CHILD_16_17", date(2027, 3, 5)),
        (date(2009, 3, 4), "ADULT", None),
    ],
)
def test_age_groups_change_on_birthdays(born_on: date, code: str, until: date | None) -> None:
    group = age_group(born_on, TODAY, RULES)
    assert (group.code, group.until) == (code, until)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"birth_date": TODAY + timedelta(days=1)}, "birth_date"),
        ({"birth_date": date(2015, 3, 5)}, "birth_date"),
        ({"birth_date": date(1900, 1, 1)}, "birth_date"),
        ({"handed_over_on": TODAY + timedelta(days=1)}, "handed_over_on"),
        ({"handed_over_on": date(1992, 3, 16)}, "handed_over_on"),
        ({"supervision_until": date(2027, 1, 10)}, "supervision_until"),
    ],
)
def test_impossible_dates_are_refused(changed: dict[str, date], field: str) -> None:
    found = problems(replace(DENI, **changed) if field == "birth_date" else somebody(**changed))
    assert field in found


def test_twelve_months_after_a_leap_day_is_the_last_of_february() -> None:
    assert months_after(date(2028, 2, 29), 12) == date(2029, 2, 28)
    assert months_after(date(2027, 12, 31), 2) == date(2028, 2, 29)
    assert months_after(date(2027, 3, 4), 12) == date(2028, 3, 4)


# -- texts and lists ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["register_no", "sdp_ref", "basis_document", "full_name", "alias"])
@pytest.mark.parametrize("text", ["", "   ", "x" * 121, "dua\nbaris"])
def test_texts_are_one_line_of_1_to_120_characters(field: str, text: str) -> None:
    assert problems(somebody(**{field: text})) == {field}


def test_a_single_name_is_a_name() -> None:
    assert warnings(somebody(full_name="Ona")) == set()


def test_a_code_stands_in_a_list_once_and_none_stands_alone() -> None:
    assert problems(somebody(disability=("SENSORY", "SENSORY"))) == {"disability"}
    assert problems(somebody(accommodation=("NONE", "CHILDCARE"))) == {"accommodation"}
    assert warnings(somebody(accommodation=("CHILDCARE", "FEMALE_INSTRUCTOR"))) == set()


def test_every_problem_is_told_at_once_and_no_value_is() -> None:
    with pytest.raises(BadKlien) as bad:
        examine(somebody(nik="123", phone="ponsel", full_name=""), TODAY, RULES, AREAS)
    assert {finding.field for finding in bad.value.findings} == {"nik", "phone", "full_name"}
    assert "ponsel" not in str(bad.value.facts)
    assert "123" not in str(bad.value.findings)
    assert Finding("nik", "16 digits") in bad.value.findings


def test_rules_hold_from_their_day_and_not_before() -> None:
    assert BOOK.on(date(2026, 1, 2)).stop_hours == 72
    with pytest.raises(Exception, match="unavailable"):
        BOOK.on(date(2026, 1, 1))
