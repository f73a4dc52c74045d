"""Ages are counted for a day in WIT; who calls gives the day."""

from dataclasses import dataclass
from datetime import MAXYEAR, date

from intake.domain.rules import Rules


@dataclass(frozen=True)
class AgeGroup:
    code: str
    until: date | None  # first day on which it no longer holds; None for the last group


def birthday(born_on: date, years: int) -> date:
    """The day on which that many years are completed; 29 February is completed on 1 March of a common year."""
    year = born_on.year + years
    if year > MAXYEAR:
        return date.max  # of somebody who is not born yet, which a check refuses
    try:
        return born_on.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def reached(born_on: date, years: int, day: date) -> bool:
    return birthday(born_on, years) <= day


def is_minor(born_on: date, day: date, rules: Rules) -> bool:
    """Under 18, never judged from the institution. Source: UU 11/2012 art. 1; domain handbook, section 4."""
    return not reached(born_on, rules.adult_from_years, day)


def age_group(born_on: date, day: date, rules: Rules) -> AgeGroup:
    """The band of a person of at least the youngest age (`checks.examine` has refused younger ones)."""
    code, until = rules.age_groups[0][1], None
    for years, group in rules.age_groups:
        if reached(born_on, years, day):
            code, until = group, None
        elif until is None:
            until = birthday(born_on, years)
    return AgeGroup(code, until)


def months_after(day: date, months: int) -> date:
    """The same day that many months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for day_of_month in range(day.day, 27, -1):
        try:
            return date(year, month + 1, day_of_month)
        except ValueError:
            continue
    return date(year, month + 1, day.day)
