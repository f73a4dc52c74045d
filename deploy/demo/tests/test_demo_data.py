"""The demo's people are invented, and its script fits its data."""

import csv
import re
from datetime import date

from deploy.demo.classes import class_days
from deploy.demo.town import DATA, load

NOBODYS_AREA = "817199"
NOBODYS_PHONE = re.compile(r"(62|0)?810000\d{5}")


def rows() -> list[dict[str, str]]:
    with (DATA / "persons.csv").open(newline="") as table:
        return list(csv.DictReader(table))


def test_sixty_persons_stand_in_the_table() -> None:
    assert len(rows()) == 60


def test_every_nik_is_of_an_area_that_does_not_exist() -> None:
    assert {row["nik"][:6] for row in rows() if row["nik"]} == {NOBODYS_AREA}


def test_every_phone_is_an_invented_one() -> None:
    phones = [row[name] for row in rows() for name in ("phone", "guardian_phone") if row[name]]
    real = [phone for phone in phones if not NOBODYS_PHONE.fullmatch(re.sub(r"\D", "", phone))]
    assert real == ["0911 300 056"]  # the landline that is wrong on purpose


def test_the_wrong_rows_are_those_that_the_script_names() -> None:
    lines = load("journeys.yaml")["wrong_rows"]
    numbers = {rows()[one["line"] - 2]["register_no"] for one in lines}
    assert len(lines) == 7
    assert numbers == {f"REG/2027/{number:04d}/X" for number in (23, 54, 55, 56, 57, 58, 60)}


def test_everybody_in_a_journey_stands_in_the_table_once_in_one_group() -> None:
    groups = load("journeys.yaml")["groups"]
    numbers = [number for group in groups for number in group["persons"]]
    known = {int(row["register_no"].split("/")[2]) for row in rows()}
    assert len(numbers) == len(set(numbers))
    assert set(numbers) <= known


def test_no_class_on_cuti_bersama_and_all_hours_are_held() -> None:
    hours = {one["programme_code"]: one["hours"] for one in load("programmes.yaml")}
    for cohort in load("cohorts.yaml"):
        days = class_days(cohort)
        assert date(2027, 2, 5) not in days
        if cohort["sessions"] is not None:
            assert len(days) * cohort["sessions"]["hours"] == hours[cohort["programme_code"]]
