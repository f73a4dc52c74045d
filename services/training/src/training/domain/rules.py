"""The numbers of the domain that an agency may have to change: given by settings, never written in a decision."""

from dataclasses import dataclass
from typing import NamedTuple

from chassis.calendar import WorkingDays


class FollowUpDay(NamedTuple):
    """`day` after completion; the window is `day` ± `margin`, in calendar days."""

    day: int
    margin: int


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Sources: domain handbook, sections 4 to 6."""

    working_days: WorkingDays
    pass_percent: int
    attempts_per_unit: int
    absences_in_a_row: int
    programme_hours_min: int
    programme_hours_max: int
    min_age: int
    adult_age: int
    capacity_max: int
    enrolled_to_start: int
    not_a_place: frozenset[str]  # words of a place code that name a prison
    minor_hours_a_day: int
    minor_from: str  # "HH:MM" WIT: after school
    minor_until: str  # "HH:MM" WIT: daytime
    training_hour_minutes: int
    confirm_working_days: int
    waitlist_days: int
    followups: tuple[FollowUpDay, ...]
    followup_attempts: int
    card_days_after_followup: int
    bnsp_years_max: int
