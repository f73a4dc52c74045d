"""Attendance in training hours, and the 80 % rule. Append-only: a correction is a later entry of the same session."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

PRESENT = frozenset({"PRESENT", "LATE"})
COUNTS = PRESENT | {"MADE_UP"}
STATES = COUNTS | {"EXCUSED", "ABSENT"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the class list. `hours` are training hours (JP), counted only if present or made up."""

    session_id: str
    cohort_code: str
    held_on: date
    state: str
    hours: int
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One assessment of one unit."""

    unit: str
    number: int
    result: str  # PASS, FAIL
    at: datetime
    by: str


def latest(entries: Iterable[Entry], cohort_code: str | None) -> list[Entry]:
    """The entry that stands for each session of this cohort, in order of the days."""
    standing = {entry.session_id: entry for entry in entries if entry.cohort_code == cohort_code}
    return sorted(standing.values(), key=lambda entry: (entry.held_on, entry.session_id))


def hours_present(entries: Iterable[Entry], cohort_code: str | None) -> int:
    return sum(entry.hours for entry in latest(entries, cohort_code) if entry.state in COUNTS)


def percent(hours: int, scheduled: int) -> float:
    """One decimal, cut and not rounded: 79.96 must not show as the 80 that it is not. At most 100."""
    return min(100.0, hours * 1000 // scheduled / 10) if scheduled else 0.0


def enough(hours: int, scheduled: int, pass_percent: int) -> bool:
    """Source: Permenaker 6/2025 art. 26."""
    return hours * 100 >= pass_percent * scheduled


def absent_in_a_row(entries: Iterable[Entry], cohort_code: str | None) -> int:
    """Sessions ABSENT without a break until the last one recorded."""
    count = 0
    for entry in reversed(latest(entries, cohort_code)):
        if entry.state != "ABSENT":
            break
        count += 1
    return count


def results(attempts: Sequence[Attempt]) -> dict[str, Attempt]:
    """The last attempt of each unit that was assessed."""
    return {attempt.unit: attempt for attempt in attempts}


def all_passed(attempts: Sequence[Attempt], units: Collection[str]) -> bool:
    last = results(attempts)
    return all(unit in last and last[unit].result == "PASS" for unit in units)


def certificate_kinds(enough_hours: bool, critical_passed: bool) -> tuple[str, ...]:
    """Which statements a completed enrolment earns. Source: handbook, data dictionary, certificate.kind."""
    if enough_hours and critical_passed:
        return ("TRAINING_PASS", "COMPLETION_STATEMENT")
    return ("COMPLETION_STATEMENT",) if enough_hours else ("PARTICIPATION_STATEMENT",)
