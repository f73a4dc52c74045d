"""Days in WIT (Asia/Jayapura) and working days of government offices. Source: domain handbook, section 6."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

from chassis import strict_yaml
from chassis.errors import Unavailable

WIT = timezone(timedelta(hours=9), "WIT")  # UTC+9, no summer time
SHIPPED = Path(__file__).with_name("calendars")
_ONE_DAY = timedelta(days=1)


def day_of(instant: datetime) -> date:
    """The WIT day in which an aware instant lies: it begins at 15:00 UTC of the day before."""
    return instant.astimezone(WIT).date()


def start_of(day: date) -> datetime:
    """00:00:00 WIT of that day, in UTC."""
    return datetime.combine(day, time(), WIT).astimezone(UTC)


def end_of(day: date) -> datetime:
    """23:59:59 WIT of that day, in UTC: the last second of a term that ends on it."""
    return datetime.combine(day, time(23, 59, 59), WIT).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Year:
    """One year's decision. `working_week`: ISO weekdays, Monday is 1. `off`: holidays and cuti bersama."""

    version: int
    working_week: frozenset[int]
    off: frozenset[date]


@dataclass(frozen=True)
class WorkingDays:
    """Working weekdays, less national holidays, less cuti bersama."""

    years: Mapping[int, Year]

    @classmethod
    def load(cls, folder: Path | None = None) -> "WorkingDays":
        """All years of a folder, one YAML file a year; without a folder the years that ship with the chassis.

        Raises Unavailable when the folder holds no year: a guessed calendar would make wrong deadlines.
        """
        years = dict(_read(path) for path in sorted((folder or SHIPPED).glob("*.yaml")))
        if not years:
            raise Unavailable(calendar="no year")
        return cls(years)

    def is_working(self, day: date) -> bool:
        """Raises Unavailable for a year that was not decided yet."""
        year = self.years.get(day.year)
        if year is None:
            raise Unavailable(calendar_year=day.year)
        return day.isoweekday() in year.working_week and day not in year.off

    def after(self, day: date, count: int) -> date:
        """The count-th working day after `day`, which itself never counts. Raises ValueError below 1, Unavailable."""
        return self._step(day, count, _ONE_DAY)

    def before(self, day: date, count: int) -> date:
        """The count-th working day before `day`, which itself never counts. Raises ValueError below 1, Unavailable."""
        return self._step(day, count, -_ONE_DAY)

    def _step(self, day: date, count: int, step: timedelta) -> date:
        if count < 1:
            raise ValueError("count of working days is 1 or more")
        for _ in range(count):
            day += step
            while not self.is_working(day):
                day += step
        return day


def _read(path: Path) -> tuple[int, Year]:
    written: dict[str, Any] = strict_yaml.loads(path.read_text())
    number = int(written["year"])
    if path.stem != str(number):
        raise ValueError(f"{path.name} holds the year {number}")
    off = frozenset(_days(written["holidays"], number)) | frozenset(_days(written["cuti_bersama"], number))
    return number, Year(version=int(written["version"]), working_week=frozenset(written["working_week"]), off=off)


def _days(rows: list[dict[str, Any]], year: int) -> Iterator[date]:
    for row in rows:
        day = row["day"]
        if not isinstance(day, date) or day.year != year:
            raise ValueError(f"not a day of {year}: {day}")
        yield day
