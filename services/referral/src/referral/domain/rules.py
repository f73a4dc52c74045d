"""The numbers and the calendar that decisions need, handed in from outside: laws change, so none is a constant."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.calendar import WorkingDays, start_of

AGE_GROUPS = ("CHILD_12_13", "CHILD_14_15", "CHILD_16_17", "ADULT")  # youngest first
ADULT = AGE_GROUPS[-1]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`sender` is the agency that runs this service. Days are calendar days unless the name says working days."""

    sender: str
    calendar: WorkingDays
    adult_answer_working_days: int
    minor_answer_working_days: int
    neared_before_working_days: int
    hold_limit_days: int
    waitlist_limit_days: int
    coming_of_age_days: int
    youngest_age_group: str

    def answer_due_on(self, asked_on: date, age_group: str) -> date:
        """Last WIT day for the answer; day 1 is the first working day after. Raises Unavailable."""
        days = self.adult_answer_working_days if age_group == ADULT else self.minor_answer_working_days
        return self.calendar.after(asked_on, days)

    def neared_on(self, due_on: date) -> date:
        """The WIT day at whose start both sides are reminded."""
        return self.calendar.before(due_on, self.neared_before_working_days)

    def old_enough(self, age_group: str) -> bool:
        return AGE_GROUPS.index(age_group) >= AGE_GROUPS.index(self.youngest_age_group)


def over_at(last_day: date) -> datetime:
    """The first instant after a term whose last WIT day this is."""
    return start_of(last_day + timedelta(days=1))
