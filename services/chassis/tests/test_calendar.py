"""The numbers of the domain handbook, section 6: days in WIT and working days."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import holidays
import pytest

from chassis.calendar import WorkingDays, day_of, end_of, start_of
from chassis.errors import Unavailable

CALENDAR = WorkingDays.load()


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=n) for n in range(date(year, 12, 31).timetuple().tm_yday)]


@pytest.mark.parametrize(("year", "count"), [(2026, 240), (2027, 242)])
def test_a_year_has_the_working_days_of_the_decision(year: int, count: int) -> None:
    assert sum(CALENDAR.is_working(day) for day in days_of(year)) == count


@pytest.mark.parametrize(
    ("asked", "working_days", "due"),
    [
        (date(2027, 3, 4), 5, date(2027, 3, 19)),
        (date(2027, 3, 4), 3, date(2027, 3, 17)),
        (date(2026, 12, 21), 5, date(2026, 12, 30)),
        (date(2027, 5, 12), 5, date(2027, 5, 25)),
        (date(2027, 1, 18), 5, date(2027, 1, 25)),
        (date(2027, 1, 11), 5, date(2027, 1, 18)),
    ],
)
def test_an_answer_is_due_across_the_holiday_block(asked: date, working_days: int, due: date) -> None:
    assert CALENDAR.after(asked, working_days) == due


def test_the_block_of_8_to_15_march_2027_has_no_working_day() -> None:
    assert not any(CALENDAR.is_working(date(2027, 3, n)) for n in range(8, 16))


def test_the_working_day_before_the_due_day_skips_the_weekend() -> None:
    assert CALENDAR.before(date(2027, 3, 22), 1) == date(2027, 3, 19)
    assert CALENDAR.before(date(2027, 3, 16), 1) == date(2027, 3, 5)


def test_a_term_runs_over_new_year() -> None:
    assert CALENDAR.after(date(2026, 12, 31), 1) == date(2027, 1, 4)
    assert CALENDAR.before(date(2027, 1, 4), 1) == date(2026, 12, 31)


def test_a_term_into_a_year_that_nobody_decided_is_not_guessed() -> None:
    with pytest.raises(Unavailable) as refused:
        CALENDAR.after(date(2027, 12, 30), 3)
    assert refused.value.facts == {"calendar_year": 2028}


def test_a_count_below_one_is_a_defect() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        CALENDAR.after(date(2027, 1, 4), 0)


@pytest.mark.parametrize("year", [2026, 2027])
def test_every_day_off_is_known_to_an_independent_source(year: int) -> None:
    known = holidays.country_holidays("ID", years=year, categories=("public", "government"), observed=False)
    assert CALENDAR.years[year].off == frozenset(known)


def test_a_day_begins_at_15_utc_of_the_day_before() -> None:
    assert day_of(datetime(2027, 1, 17, 14, 59, 59, tzinfo=UTC)) == date(2027, 1, 17)
    assert day_of(datetime(2027, 1, 17, 15, 0, tzinfo=UTC)) == date(2027, 1, 18)
    assert start_of(date(2027, 1, 18)) == datetime(2027, 1, 17, 15, 0, tzinfo=UTC)
    assert end_of(date(2027, 1, 18)) == datetime(2027, 1, 18, 14, 59, 59, tzinfo=UTC)


def test_an_office_can_bring_its_own_later_version(tmp_path: Path) -> None:
    (tmp_path / "2027.yaml").write_text(
        "year: 2027\nversion: 2\nworking_week: [1, 2, 3, 4, 5]\n"
        "holidays: [{day: 2027-03-09, name: Idulfitri}]\ncuti_bersama: []\n"
    )
    assert not WorkingDays.load(tmp_path).is_working(date(2027, 3, 9))
    assert WorkingDays.load(tmp_path).is_working(date(2027, 3, 10))


def test_a_folder_without_a_year_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        WorkingDays.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "year: 2026\nversion: 1\nworking_week: [1]\nholidays: []\ncuti_bersama: []\n",
        "year: 2027\nversion: 1\nworking_week: [1]\nholidays: [{day: 2026-01-01, name: x}]\ncuti_bersama: []\n",
    ],
)
def test_a_file_about_another_year_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "2027.yaml").write_text(text)
    with pytest.raises(ValueError, match="202"):
        WorkingDays.load(tmp_path)
