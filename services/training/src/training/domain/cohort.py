"""Cohorts (angkatan): one run of a programme at one place. Transitions are data."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.errors import Conflict, Invalid, MissingFact
from chassis.machine import NEW, Move, choose, roles, states
from training.domain.programme import Programme
from training.domain.rules import Rules
from training.domain.told import Told

REASONS = frozenset({"INSTRUCTOR", "PLACE", "BUDGET", "TOO_FEW", "HOLIDAY"})
OFFICER = roles("programme_officer")

MOVES = {
    "plan": Move(states(NEW), "planned", OFFICER, "cohort.planned"),
    "open": Move(states("planned"), "open", OFFICER, "cohort.opened"),
    "start": Move(states("open"), "running", OFFICER, "cohort.started"),
    "reschedule": Move(states("open", "running"), None, OFFICER, "cohort.rescheduled", REASONS),
    "finish": Move(states("running"), "finished", OFFICER, "cohort.finished"),
    "cancel": Move(
        states("planned", "open", "running"), "cancelled", roles("head_of_opd"), "cohort.cancelled", REASONS
    ),
    "schedule-session": Move(states("open", "running"), None, roles("programme_officer", "instructor")),
}


class AgeRule(Conflict):
    """Children learn off the job, in daytime, with a safety plan. Source: Kep. 235/MEN/2003; UU 13/2003 art. 69-74."""

    code, title = "age_rule", "Tidak sesuai aturan usia anak"


class TooFew(Conflict):
    """Facts: `enrolled`, `needed`."""

    code, title = "too_few", "Peserta terdaftar belum cukup"


class TooMany(Conflict):
    """Facts: `enrolled`, `capacity`."""

    code, title = "too_many", "Peserta melebihi kapasitas"


class StillInUse(Conflict):
    """Facts: `open_sessions`, `people`."""

    code, title = "still_in_use", "Masih ada sesi terbuka atau peserta berjalan"


class NotAWorkingDay(Conflict):
    """Facts: `day`."""

    code, title = "not_a_working_day", "Bukan hari kerja"


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """`id` is the cohort code. Hours are training hours (JP); `hours_total` is the programme's.

    `hours_by_day` counts the hours of all sessions set on a WIT day (ISO text); `hours_held` those of closed sessions.
    """

    id: str
    version: int = 1
    state: str = "planned"
    programme_code: str
    field: str
    place_code: str
    capacity: int
    starts_on: date
    ends_on: date
    minors_only: bool
    min_age: int
    hours_total: int
    budget_line: str
    instructor_id: str | None = None
    assessor_ids: frozenset[str] = frozenset()
    hazard_plan: str | None = None
    hours_by_day: dict[str, int]
    hours_held: int = 0
    reason_code: str | None = None

    @property
    def hours_scheduled(self) -> int:
        """The programme's hours, or more where more sessions were set: extra hours do not make a pass easier."""
        return max(self.hours_total, sum(self.hours_by_day.values()))

    @property
    def hours_left(self) -> int:
        """Training hours that can still be attended."""
        return max(0, self.hours_total - self.hours_held)

    def plan(self, role: str, programme: Programme, rules: Rules) -> Told:
        """Judge a new cohort. Raises NotAllowed (403), Invalid (422), AgeRule (409)."""
        move = choose(MOVES, "plan", NEW, role)
        if not self.budget_line.strip():
            raise MissingFact(fact="budget_line")
        if not 1 <= self.capacity <= rules.capacity_max:
            raise Invalid(field="capacity", rule=f"1 to {rules.capacity_max}")
        if self.ends_on < self.starts_on:
            raise Invalid(field="ends_on", rule="not before starts_on")
        if set(self.place_code.split("-")) & rules.not_a_place:
            raise Invalid(field="place_code", rule="never the name of a prison")
        if self.minors_only and programme.mode != "OFF_JOB":
            raise AgeRule(cohort_code=self.id, rule="off_job_only")
        if self.minors_only and programme.min_age >= rules.adult_age:
            raise AgeRule(cohort_code=self.id, rule="programme_for_adults")
        return Told(move.told)

    def open(
        self, role: str, instructor_id: str | None, assessor_ids: frozenset[str], hazard_plan: str | None
    ) -> tuple["Cohort", Told]:
        """Let people in. Raises what `choose` raises, MissingFact (422)."""
        move = choose(MOVES, "open", self.state, role)
        if not instructor_id:
            raise MissingFact(fact="instructor_id")
        if not assessor_ids:
            raise MissingFact(fact="assessor_ids")
        if self.minors_only and not (hazard_plan or "").strip():
            raise MissingFact(fact="hazard_plan")
        opened = self._after(move, instructor_id=instructor_id, assessor_ids=assessor_ids, hazard_plan=hazard_plan)
        return opened, Told(move.told)

    def start(self, role: str, enrolled: int, rules: Rules) -> tuple["Cohort", Told]:
        """Raises what `choose` raises, TooFew and TooMany (409). Source: handbook, section 5."""
        move = choose(MOVES, "start", self.state, role)
        if enrolled < rules.enrolled_to_start:
            raise TooFew(enrolled=enrolled, needed=rules.enrolled_to_start)
        if enrolled > self.capacity:
            raise TooMany(enrolled=enrolled, capacity=self.capacity)
        return self._after(move), Told(move.told)

    def reschedule(
        self, role: str, starts_on: date, ends_on: date, reason_code: str | None, rules: Rules
    ) -> tuple["Cohort", Told]:
        """Raises what `choose` raises, Invalid (422), NotAWorkingDay (409)."""
        move = choose(MOVES, "reschedule", self.state, role, reason_code)
        if ends_on < starts_on:
            raise Invalid(field="ends_on", rule="not before starts_on")
        for day in (starts_on, ends_on):
            if not rules.working_days.is_working(day):
                raise NotAWorkingDay(day=day.isoformat())
        return self._after(move, starts_on=starts_on, ends_on=ends_on, reason_code=reason_code), Told(move.told)

    def finish(self, role: str, open_sessions: int, people: int) -> tuple["Cohort", Told]:
        """`people` still enrolled, active or suspended. Raises what `choose` raises, StillInUse (409)."""
        move = choose(MOVES, "finish", self.state, role)
        if open_sessions or people:
            raise StillInUse(open_sessions=open_sessions, people=people)
        return self._after(move, reason_code=None), Told(move.told)

    def cancel(self, role: str, reason_code: str | None) -> tuple["Cohort", Told]:
        move = choose(MOVES, "cancel", self.state, role, reason_code)
        return self._after(move, reason_code=reason_code), Told(move.told)

    def schedule_session(self, role: str, held_on: date, hours: int, starts_at: str, rules: Rules) -> "Cohort":
        """Put hours on a day. `starts_at` "HH:MM" WIT. Raises Invalid, NotAWorkingDay, AgeRule, as `choose`."""
        choose(MOVES, "schedule-session", self.state, role)
        if not self.starts_on <= held_on <= self.ends_on:
            raise Invalid(field="held_on", rule="inside the cohort's dates")
        if not rules.working_days.is_working(held_on):
            raise NotAWorkingDay(day=held_on.isoformat())
        day = held_on.isoformat()
        hours_that_day = self.hours_by_day.get(day, 0) + hours
        if self.minors_only:
            self._check_childs_day(hours_that_day, hours, starts_at, rules)
        return replace(self, version=self.version + 1, hours_by_day={**self.hours_by_day, day: hours_that_day})

    def hold_session(self, hours: int) -> "Cohort":
        """A session was closed: its hours can't be attended any more."""
        return replace(self, version=self.version + 1, hours_held=self.hours_held + hours)

    def _check_childs_day(self, hours_that_day: int, hours: int, starts_at: str, rules: Rules) -> None:
        if hours_that_day > rules.minor_hours_a_day:
            raise AgeRule(cohort_code=self.id, rule=f"{rules.minor_hours_a_day}_hours_a_day")
        ends_at = _minutes(starts_at) + hours * rules.training_hour_minutes
        if _minutes(starts_at) < _minutes(rules.minor_from) or ends_at > _minutes(rules.minor_until):
            raise AgeRule(cohort_code=self.id, rule="after_school_in_daytime")

    def _after(self, move: Move, **changes: object) -> "Cohort":
        return replace(self, state=move.ends or self.state, version=self.version + 1, **changes)  # type: ignore[arg-type]


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
