"""Enrolments: one person's way from the line to the end of training. Transitions are data."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from chassis.errors import IllegalMove, Invalid, NotAllowed
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states
from training.domain import attendance
from training.domain.attendance import Attempt, Entry
from training.domain.card import CardSeen
from training.domain.enrolment_refusals import (
    AttendanceOpen,
    CardMissing,
    GuardianMissing,
    InReach,
    NoMoreAttempts,
    NoRightToMakeUp,
    NotAsked,
    NotAssessed,
    NotFinishedByAssessor,
    OutOfReach,
    TooYoung,
    WaitlistLimitAhead,
)
from training.domain.programme import Programme
from training.domain.rules import Rules
from training.domain.told import Told

STOP_REASONS = frozenset({
    "CONSENT_WITHDRAWN", "PARTICIPANT_UNAVAILABLE", "MOVED", "COHORT_CANCELLED", "WAITLIST_LIMIT", "NO_SHOW",
})  # fmt: skip
RELEASE_REASONS = frozenset({"NOT_CONFIRMED", "REFERRAL_STOPPED", "WITHDRAWN", "DROPPED"})
DROP_REASONS = frozenset({"NO_SHOW", "OUT_OF_REACH"})
OFFICER, ANY_CLOCK = roles("programme_officer"), roles(SYSTEM)
OFFICER_OR_SYSTEM = roles("programme_officer", SYSTEM)

MOVES = {
    "queue": Move(states(NEW), "waitlisted", ANY_CLOCK, "seat.waitlisted"),
    "reserve": Move(states(NEW, "waitlisted"), "reserved", ANY_CLOCK, "seat.reserved"),
    "put-back": Move(
        states("reserved", "enrolled", "active", "suspended"), "waitlisted", ANY_CLOCK, "seat.waitlisted",
        frozenset({"COHORT_CANCELLED"}),
    ),
    "release": Move(states("waitlisted", "reserved"), "released", ANY_CLOCK, "seat.released", RELEASE_REASONS),
    "free-seat": Move(states("withdrawn", "dropped"), None, ANY_CLOCK, "seat.released", RELEASE_REASONS),
    "fetch-card": Move(states("reserved", "enrolled", "active", "suspended"), None, OFFICER),
    "confirm": Move(states("reserved"), "enrolled", OFFICER, "enrolment.confirmed"),
    "record-first-attendance": Move(states("enrolled"), "active", roles("instructor"), "enrolment.started"),
    "record-attendance": Move(states("enrolled", "active", "suspended"), None, roles("instructor")),
    "assess": Move(states("active"), None, roles("assessor")),
    "hold": Move(states("active"), "suspended", OFFICER_OR_SYSTEM, "enrolment.suspended", STOP_REASONS),
    "return": Move(states("suspended"), "active", OFFICER_OR_SYSTEM, "enrolment.resumed"),
    "mark-finished": Move(states("active"), None, roles("assessor")),
    "finish": Move(states("active"), "completed", OFFICER, "enrolment.completed"),
    "withdraw": Move(
        states("enrolled", "active", "suspended"), "withdrawn", OFFICER_OR_SYSTEM, "enrolment.withdrawn", STOP_REASONS
    ),
    "leave-line": Move(
        states("waitlisted"), "withdrawn", OFFICER, "enrolment.withdrawn", frozenset({"WAITLIST_LIMIT"})
    ),
    "drop": Move(states("active"), "dropped", OFFICER, "enrolment.dropped", DROP_REASONS),
}  # fmt: skip

WAITLIST_LIMIT, OUT_OF_REACH, CONSENT_LAPSED = "WAITLIST_LIMIT", "OUT_OF_REACH", "CONSENT_LAPSED"
RUNNING = states("enrolled", "active", "suspended")
SEATED = RUNNING | {"reserved"}
REMEMBERED_MOVES = 16


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """Hours are training hours (JP). `flags` are what an officer is asked to decide; no clock decides it.

    `shared_moves` are the correlations of holds and returns already made here: the echo that comes back from the
    referral must not be taken for a new one, or the two would answer each other for ever.
    """

    id: str
    version: int = 1
    state: str = NEW
    referral_id: str
    case_ref: str
    from_agency: str
    field: str
    place_code: str
    age_group: str
    accommodations: tuple[str, ...]
    queued_at: datetime
    cohort_code: str | None = None
    programme_code: str | None = None
    hours_scheduled: int = 0
    card: CardSeen | None = None
    entries: tuple[Entry, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    finished_by: str | None = None  # the assessor's staff code
    make_up_hours: int = 0
    passed: bool | None = None
    percent_at_end: float | None = None
    completed_on: date | None = None
    reason_code: str | None = None
    case_closed: bool = False
    flags: frozenset[str] = frozenset()
    shared_moves: tuple[str, ...] = ()

    # -- seats -----------------------------------------------------------------------------------------------------

    def queue(self, place_in_line: int) -> tuple["Enrolment", Told]:
        move = choose(MOVES, "queue", self.state, SYSTEM)
        facts = {"place_in_line": place_in_line, "reason_code": None}
        return replace(self, state="waitlisted"), Told(move.told, facts)  # its first version

    def reserve(
        self, cohort_code: str, programme_code: str, starts_on: date, hours_total: int
    ) -> tuple["Enrolment", Told]:
        move = choose(MOVES, "reserve", self.state, SYSTEM)
        seat = {"cohort_code": cohort_code, "programme_code": programme_code, "hours_scheduled": hours_total}
        facts = {"cohort_code": cohort_code, "starts_on": starts_on}
        flags = self.flags - {WAITLIST_LIMIT}
        if self.state == NEW:
            return replace(self, state="reserved", flags=flags, **seat), Told(move.told, facts)  # type: ignore[arg-type]
        return self._after(move, flags=flags, **seat), Told(move.told, facts)

    def put_back(self, place_in_line: int) -> tuple["Enrolment", Told]:
        """Its cohort will not be held: back to the head of the line. What was attended stays on record."""
        move = choose(MOVES, "put-back", self.state, SYSTEM, "COHORT_CANCELLED")
        after = self._after(
            move, cohort_code=None, programme_code=None, hours_scheduled=0, finished_by=None, make_up_hours=0
        )
        return after, Told(move.told, {"place_in_line": place_in_line, "reason_code": "COHORT_CANCELLED"})

    def release(self, reason_code: str) -> tuple["Enrolment", Told]:
        """Give back the seat or the place in line; of an ended enrolment only the seat is left to give back."""
        name = "free-seat" if self.state in MOVES["free-seat"].starts else "release"
        move = choose(MOVES, name, self.state, SYSTEM, reason_code)
        facts = {"cohort_code": self.cohort_code, "reason_code": reason_code}
        reason = self.reason_code if name == "free-seat" else reason_code
        return self._after(move, reason_code=reason, flags=frozenset()), Told(move.told, facts)

    # -- in training -----------------------------------------------------------------------------------------------

    def see_card(self, role: str, card: CardSeen) -> "Enrolment":
        return self._after(choose(MOVES, "fetch-card", self.state, role), card=card)

    def confirm(self, role: str) -> tuple["Enrolment", Told]:
        """Raises what `choose` raises; CardMissing, GuardianMissing, TooYoung (409)."""
        move = choose(MOVES, "confirm", self.state, role)
        if self.card is None:
            raise CardMissing(enrolment_id=self.id)
        if self.card.minor and not self.card.guardian:
            raise GuardianMissing(enrolment_id=self.id)
        if not self.card.old_enough:
            raise TooYoung(enrolment_id=self.id)
        return self._after(move), Told(move.told, {"cohort_code": self.cohort_code})

    def record(self, role: str, entry: Entry, cohort_running: bool) -> tuple["Enrolment", Told]:
        """Add a line of the class list; the first presence starts the training.

        Raises what `choose` raises, Invalid (422) for a cohort that is not its own, NoRightToMakeUp (409).
        """
        starts = self.state == "enrolled" and entry.state in attendance.PRESENT
        move = choose(MOVES, "record-first-attendance" if starts else "record-attendance", self.state, role)
        if entry.cohort_code != self.cohort_code:
            raise Invalid(field="enrolment_id", rule="of this cohort")
        if not cohort_running or (self.state == "suspended" and entry.state != "EXCUSED"):
            raise IllegalMove(state=self.state, move="record-attendance")
        if entry.state == "MADE_UP":
            self._must_have_the_right_to_make_up(entry)
        after = self._after(move, entries=(*self.entries, entry), finished_by=None)
        return after, Told(move.told, {"cohort_code": self.cohort_code, "started_on": entry.held_on} if starts else {})

    def assess(
        self, role: str, unit: str, result: str, programme: Programme, by: str, at: datetime, rules: Rules
    ) -> "Enrolment":
        """Raises what `choose` raises, Invalid (422), NoMoreAttempts (409). Source: Permenaker 6/2025 art. 26."""
        move = choose(MOVES, "assess", self.state, role)
        if unit not in {one.unit for one in programme.units}:
            raise Invalid(field="unit", rule="a unit of the programme")
        before = [attempt for attempt in self.attempts if attempt.unit == unit]
        if len(before) >= rules.attempts_per_unit or any(attempt.result == "PASS" for attempt in before):
            raise NoMoreAttempts(attempts=len(before))
        attempt = Attempt(unit=unit, number=len(before) + 1, result=result, at=at, by=by)
        return self._after(move, attempts=(*self.attempts, attempt), finished_by=None)

    def hold(self, role: str, reason_code: str | None, correlation: str) -> tuple["Enrolment", Told]:
        move = choose(MOVES, "hold", self.state, role, reason_code)
        after = self._after(move, reason_code=reason_code, shared_moves=self._remember("hold", correlation))
        return after, Told(move.told, {"reason_code": reason_code})

    def return_(
        self, role: str, hours_left: int, make_up_hours: int, correlation: str, rules: Rules
    ) -> tuple["Enrolment", Told]:
        """Back to class. Raises what `choose` raises, OutOfReach (409) if neither time nor the make-up plan suffice."""
        move = choose(MOVES, "return", self.state, role)
        if not self.in_reach(hours_left + make_up_hours, rules):
            raise OutOfReach(enrolment_id=self.id)
        after = self._after(
            move, reason_code=None, make_up_hours=make_up_hours, flags=self.flags - {OUT_OF_REACH},
            shared_moves=self._remember("return", correlation),
        )  # fmt: skip
        return after, Told(move.told, {"make_up_hours": make_up_hours})

    def is_echo(self, name: str, correlation: str) -> bool:
        """Whether this hold or return was made here already and has only come back from the referral."""
        return f"{name}:{correlation}" in self.shared_moves

    # -- ends ------------------------------------------------------------------------------------------------------

    def mark_finished(self, role: str, by: str, programme: Programme, attendance_locked: bool) -> "Enrolment":
        """The assessor's half of finishing. Raises as `finish`."""
        move = choose(MOVES, "mark-finished", self.state, role)
        self._must_be_ready_to_finish(programme, attendance_locked)
        return self._after(move, finished_by=by)

    def finish(
        self,
        role: str,
        by: str,
        programme: Programme,
        scheduled: int,
        attendance_locked: bool,
        today: date,
        rules: Rules,
    ) -> tuple["Enrolment", Told]:
        """The officer's half. `scheduled` hours of the cohort.

        Raises what `choose` raises; NotAssessed, AttendanceOpen, NotFinishedByAssessor (409), NotAllowed (403).
        """
        move = choose(MOVES, "finish", self.state, role)
        self._must_be_ready_to_finish(programme, attendance_locked)
        if self.finished_by is None:
            raise NotFinishedByAssessor(enrolment_id=self.id)
        if self.finished_by == by:
            raise NotAllowed(move="finish", rule="another person than the assessor")
        hours = self.hours_present
        passed = attendance.enough(hours, scheduled, rules.pass_percent) and self.critical_passed(programme)
        end = {"passed": passed, "percent_at_end": attendance.percent(hours, scheduled), "completed_on": today}
        facts = {"passed": passed, "percent": end["percent_at_end"], "completed_on": today}
        return self._after(move, hours_scheduled=scheduled, flags=frozenset(), **end), Told(move.told, facts)

    def withdraw(self, role: str, reason_code: str | None) -> tuple["Enrolment", Told]:
        """Leave; from the line only after its limit, by the officer. Raises as `choose`, WaitlistLimitAhead."""
        leaves_line = self.state == "waitlisted" and role != SYSTEM
        move = choose(MOVES, "leave-line" if leaves_line else "withdraw", self.state, role, reason_code)
        if leaves_line and WAITLIST_LIMIT not in self.flags:
            raise WaitlistLimitAhead(enrolment_id=self.id)
        return self._after(move, reason_code=reason_code), Told(move.told, {"reason_code": reason_code})

    def drop(
        self, role: str, reason_code: str | None, asked: bool, hours_left: int, rules: Rules
    ) -> tuple["Enrolment", Told]:
        """Raises what `choose` raises; NotAsked, InReach (409). Never automatic. Source: handbook, section 6."""
        move = choose(MOVES, "drop", self.state, role, reason_code)
        if reason_code == "NO_SHOW":
            row = attendance.absent_in_a_row(self.entries, self.cohort_code)
            if not asked or row < rules.absences_in_a_row:
                raise NotAsked(absent_in_a_row=row, needed=rules.absences_in_a_row)
        elif self.in_reach(hours_left + self.make_up_hours, rules):
            raise InReach(enrolment_id=self.id)
        return self._after(move, reason_code=reason_code), Told(move.told, {"reason_code": reason_code})

    # -- notes that are no moves -------------------------------------------------------------------------------------

    def flag(self, name: str) -> "Enrolment":
        return replace(self, version=self.version + 1, flags=self.flags | {name})

    def unflag(self, name: str) -> "Enrolment":
        return replace(self, version=self.version + 1, flags=self.flags - {name})

    def note_certificate(self) -> "Enrolment":
        """One more certificate was registered for it: whoever registers another has to look again."""
        return replace(self, version=self.version + 1)

    def close_case(self) -> "Enrolment":
        """The case behind it is closed: from now on only counts leave the agency."""
        return replace(self, version=self.version + 1, case_closed=True)

    def must_allow(self, name: str, role: str) -> None:
        """Raises what `choose` raises: for what must be judged before anything of the cohort is looked at."""
        choose(MOVES, name, self.state, role)

    # -- questions ---------------------------------------------------------------------------------------------------

    @property
    def hours_present(self) -> int:
        return attendance.hours_present(self.entries, self.cohort_code)

    @property
    def percent(self) -> float:
        if self.percent_at_end is not None:
            return self.percent_at_end
        return attendance.percent(self.hours_present, self.hours_scheduled)

    @property
    def assessors(self) -> frozenset[str]:
        """Who judged this person; they may not sign the certificate."""
        marked = {self.finished_by} if self.finished_by else set()
        return frozenset(attempt.by for attempt in self.attempts) | marked

    def critical_passed(self, programme: Programme) -> bool:
        return attendance.all_passed(self.attempts, programme.critical_units)

    def in_reach(self, hours_to_come: int, rules: Rules) -> bool:
        """Whether 80 % can still be reached with `hours_to_come`."""
        return attendance.enough(self.hours_present + hours_to_come, self.hours_scheduled, rules.pass_percent)

    def _must_have_the_right_to_make_up(self, entry: Entry) -> None:
        standing = {one.session_id: one for one in self.entries}.get(entry.session_id)
        excused = standing is not None and standing.state == "EXCUSED"
        made_up = sum(one.hours for one in attendance.latest(self.entries, self.cohort_code) if one.state == "MADE_UP")
        if not excused and made_up + entry.hours > self.make_up_hours:
            raise NoRightToMakeUp(session_id=entry.session_id)

    def _must_be_ready_to_finish(self, programme: Programme, attendance_locked: bool) -> None:
        missing = {unit.unit for unit in programme.units} - set(attendance.results(self.attempts))
        if missing:
            raise NotAssessed(units=len(missing))
        if not attendance_locked:
            raise AttendanceOpen(cohort_code=self.cohort_code or "")

    def _remember(self, name: str, correlation: str) -> tuple[str, ...]:
        return (*self.shared_moves, f"{name}:{correlation}")[-REMEMBERED_MOVES:]

    def _after(self, move: Move, **changes: object) -> "Enrolment":
        return replace(self, state=move.ends or self.state, version=self.version + 1, **changes)  # type: ignore[arg-type]
