"""Seats of one (field, place): the one aggregate in which all that give or take a seat meet.

Whoever asks joins the end of the line, then free seats are dealt from its head. So nobody passes anybody who could have
taken the same seat, and two officers at the last seat give one seat and one place in line: the loser of the
version guard asks again on what the winner left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from training.domain.people import is_minor, may_be_old_enough


def pool_id(field: str, place_code: str) -> str:
    return f"{field}@{place_code}"


class Grant(NamedTuple):
    """A seat given to the first in line whom it suits."""

    enrolment_id: str
    cohort_code: str
    programme_code: str
    starts_on: date
    hours_total: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A place in line. The accommodation need is the officer's to judge when accepting; the order holds within each."""

    enrolment_id: str
    age_group: str
    accommodations: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, kw_only=True)
class OpenCohort:
    """A cohort that people may join. `taken` holds enrolment ids; hours are training hours (JP)."""

    cohort_code: str
    programme_code: str
    capacity: int
    minors_only: bool
    min_age: int
    starts_on: date
    hours_total: int
    hours_held: int = 0
    taken: tuple[str, ...] = ()

    def suits(self, waiting: Waiting, pass_percent: int) -> bool:
        """No child among adults, no adult among children, old enough, and 80 % of the hours still in reach."""
        in_reach = (self.hours_total - self.hours_held) * 100 >= pass_percent * self.hours_total
        right_class = self.minors_only == is_minor(waiting.age_group)
        return right_class and in_reach and may_be_old_enough(waiting.age_group, self.min_age)

    @property
    def free(self) -> int:
        return self.capacity - len(self.taken)


@dataclass(frozen=True, kw_only=True)
class SeatPool:
    """`id` is FIELD@place_code. `line` is in order: first come, first served."""

    id: str
    version: int = 0
    cohorts: tuple[OpenCohort, ...] = ()
    line: tuple[Waiting, ...] = ()

    def queue(self, waiting: Waiting) -> "SeatPool":
        return replace(self, line=(*self.line, waiting))

    def put_back(self, people: Sequence[Waiting]) -> "SeatPool":
        """Back to the head of the line, in the order in which they had come. Source: handbook, Cohort cancel."""
        ordered = sorted(people, key=lambda one: (one.since, one.enrolment_id))
        return replace(self, line=(*ordered, *self.line))

    def deal(self, pass_percent: int) -> tuple["SeatPool", tuple[Grant, ...]]:
        """Give every free seat to the first in line whom it suits; earlier cohorts first."""
        pool, grants = self, list[Grant]()
        for waiting in self.line:
            cohort = next((one for one in pool._by_start() if one.free > 0 and one.suits(waiting, pass_percent)), None)
            if cohort is not None:
                pool = pool._seat(waiting, cohort)
                grants.append(_grant(waiting, cohort))
        return pool, tuple(grants)

    def release(self, enrolment_id: str) -> "SeatPool":
        """Free the seat or the place in line of this enrolment; nothing if it holds none."""
        cohorts = tuple(
            replace(one, taken=tuple(id for id in one.taken if id != enrolment_id))
            if enrolment_id in one.taken
            else one
            for one in self.cohorts
        )
        return replace(self, cohorts=cohorts, line=tuple(one for one in self.line if one.enrolment_id != enrolment_id))

    def with_cohort(self, cohort: OpenCohort) -> "SeatPool":
        return replace(self, cohorts=(*self.without_cohort(cohort.cohort_code).cohorts, cohort))

    def without_cohort(self, cohort_code: str) -> "SeatPool":
        return replace(self, cohorts=tuple(one for one in self.cohorts if one.cohort_code != cohort_code))

    def rescheduled(self, cohort_code: str, starts_on: date) -> "SeatPool":
        return self._change(cohort_code, starts_on=starts_on)

    def held(self, cohort_code: str, hours_held: int) -> "SeatPool":
        return self._change(cohort_code, hours_held=hours_held)

    def cohort(self, cohort_code: str) -> OpenCohort | None:
        return next((one for one in self.cohorts if one.cohort_code == cohort_code), None)

    def seated(self, enrolment_id: str) -> bool:
        return any(enrolment_id in one.taken for one in self.cohorts)

    def place_in_line(self, enrolment_id: str) -> int | None:
        """1 is next. Counted among those who wait for the same kind of class: children's or adults'."""
        mine = next((one for one in self.line if one.enrolment_id == enrolment_id), None)
        if mine is None:
            return None
        rivals = [one.enrolment_id for one in self.line if is_minor(one.age_group) == is_minor(mine.age_group)]
        return rivals.index(enrolment_id) + 1

    def _by_start(self) -> list[OpenCohort]:
        return sorted(self.cohorts, key=lambda one: (one.starts_on, one.cohort_code))

    def _seat(self, waiting: Waiting, cohort: OpenCohort) -> "SeatPool":
        seated = replace(self, line=tuple(one for one in self.line if one.enrolment_id != waiting.enrolment_id))
        return seated._change(cohort.cohort_code, taken=(*cohort.taken, waiting.enrolment_id))

    def _change(self, cohort_code: str, **changes: object) -> "SeatPool":
        return replace(
            self,
            cohorts=tuple(
                replace(one, **changes) if one.cohort_code == cohort_code else one  # type: ignore[arg-type]
                for one in self.cohorts
            ),
        )


def _grant(waiting: Waiting, cohort: OpenCohort) -> Grant:
    return Grant(waiting.enrolment_id, cohort.cohort_code, cohort.programme_code, cohort.starts_on, cohort.hours_total)
