"""A referral and its moves: ten of the twelve FHIR Task codes. Source: domain handbook, section 5 (Referral)."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from chassis.calendar import day_of
from chassis.errors import Conflict, Invalid, MissingFact, Refused
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states
from referral.domain.rules import Rules

PK, FACILITY_OFFICER = "probation_officer", "facility_officer"

DRAFT, REQUESTED, ACCEPTED, IN_PROGRESS, ON_HOLD = "draft", "requested", "accepted", "in-progress", "on-hold"
REJECTED, COMPLETED, FAILED, CANCELLED, VOIDED = "rejected", "completed", "failed", "cancelled", "entered-in-error"
RUNNING = states(REQUESTED, ACCEPTED, IN_PROGRESS, ON_HOLD)
ENDED = states(REJECTED, COMPLETED, FAILED, CANCELLED, VOIDED)
ANY = states(DRAFT, REJECTED, COMPLETED, FAILED, CANCELLED) | RUNNING  # what is void can't be voided again
REPLACEABLE = ENDED - {VOIDED}

REJECT_CODES = frozenset(
    {
        "CAPACITY_FULL",
        "PREREQUISITE",
        "PROGRAMME_CANCELLED",
        "NO_BUDGET",
        "NO_ACCOMMODATION",
        "AGE_RULE",
        "OUT_OF_TERRITORY",
        "DUPLICATE",
    }
)
CONSENT_WITHDRAWN, PARTICIPANT_UNAVAILABLE = "CONSENT_WITHDRAWN", "PARTICIPANT_UNAVAILABLE"
WAITLIST_LIMIT, NO_SHOW = "WAITLIST_LIMIT", "NO_SHOW"
STOP_CODES = frozenset(
    {CONSENT_WITHDRAWN, PARTICIPANT_UNAVAILABLE, "MOVED", "COHORT_CANCELLED", WAITLIST_LIMIT, NO_SHOW}
)
FAIL_CODES = STOP_CODES | {"OUT_OF_REACH", "HOLD_LIMIT"}
VOID_CODES = frozenset({"WRONG_PERSON", "DUPLICATE"})

MOVES: Mapping[str, Move] = {  # one row per move of the handbook's table
    "draft": Move(states(NEW), DRAFT, roles(PK, FACILITY_OFFICER)),
    "request": Move(states(DRAFT), REQUESTED, roles(PK, FACILITY_OFFICER), "referral.requested"),
    "accept": Move(states(REQUESTED), ACCEPTED, roles(SYSTEM), "referral.accepted"),
    "reject": Move(states(REQUESTED), REJECTED, roles(SYSTEM), "referral.rejected", REJECT_CODES),
    "progress": Move(states(ACCEPTED), ACCEPTED, roles(SYSTEM), "referral.progressed"),
    "start": Move(states(ACCEPTED), IN_PROGRESS, roles(SYSTEM), "referral.started"),
    "pause": Move(states(IN_PROGRESS), ON_HOLD, roles(PK, SYSTEM), "referral.paused", STOP_CODES),
    "resume": Move(states(ON_HOLD), IN_PROGRESS, roles(PK, SYSTEM), "referral.resumed"),
    "complete": Move(states(IN_PROGRESS), COMPLETED, roles(SYSTEM), "referral.completed"),
    "fail": Move(states(IN_PROGRESS, ON_HOLD), FAILED, roles(PK, SYSTEM), "referral.failed", FAIL_CODES),
    "cancel": Move(RUNNING, CANCELLED, roles(PK, SYSTEM), "referral.cancelled", STOP_CODES),
    "void": Move(ANY, VOIDED, roles(PK), "referral.voided", VOID_CODES),
}

KEPT_ECHOES = 8  # holds and returns of ours whose echo from training may still be under way


class TooEarly(Conflict):
    """The limit that would allow this move is not over. Facts: `limit`, `allowed_from` (WIT day)."""

    code, title = "too_early", "Batas waktu belum lewat"


class NotReplaceable(Conflict):
    """`replaces` names a referral that has not ended, or of another person. Facts: `referral_id`."""

    code, title = "not_replaceable", "Rujukan yang digantikan belum berakhir atau milik orang lain"


class NotItsReferral(Refused):
    """An agency speaks of a referral that was not made to it, or under another pseudonym. Facts: `referral_id`."""

    status, code, title = 403, "not_its_referral", "Rujukan ini bukan untuk instansi tersebut"


class Told(NamedTuple):
    """What one move tells: the event's short name and its facts beside referral_id and case_ref."""

    name: str
    facts: Mapping[str, object]


class Step(NamedTuple):
    """One move done. `told` is None where nobody outside may learn of it."""

    referral: "Referral"
    told: Told | None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What training said of one enrolment. `version` orders the facts of one enrolment."""

    happened: str  # seat.reserved, enrolment.started, …
    enrolment_id: str
    version: int
    correlation_id: str
    reason_code: str | None = None
    passed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Referral:
    """`case_ref` is the own agency's, `agency_case_ref` what the other agency calls the case. `holds`: who keeps it
    on hold (case, training, officer). `hold_due_on`: last WIT day of the hold. `early`: facts of training that
    arrived before its answer. `echoes`: correlation ids of holds and returns that we told ourselves. `heard`: newest
    version per enrolment."""

    id: str
    version: int
    state: str
    case_ref: str
    to_agency: str
    field: str
    accommodations: tuple[str, ...]
    availability: tuple[str, ...]
    replaces: str | None
    drafted_by: str
    last_moved_by: str | None = None
    second_person: str | None = None
    agency_case_ref: str | None = None
    age_group: str | None = None
    agreement_number: str | None = None
    requested_at: datetime | None = None
    due_on: date | None = None
    neared: bool = False
    missed: bool = False
    business_status: str | None = None
    waitlisted_on: date | None = None
    reason_code: str | None = None
    holds: frozenset[str] = frozenset()
    hold_due_on: date | None = None
    hold_missed: bool = False
    early: tuple[Fact, ...] = ()
    echoes: tuple[str, ...] = ()
    heard: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    # -- moves -----------------------------------------------------------------------------------------------------

    def request(self, role: str, asked: "Asked") -> Step:
        """Guards of person and agreement were judged by their own aggregates."""
        after = self._moved(
            "request",
            role,
            agency_case_ref=asked.agency_case_ref,
            age_group=asked.age_group,
            agreement_number=asked.agreement_number,
            requested_at=asked.at,
            due_on=asked.due_on,
        )
        facts = {
            "field": self.field,
            "age_group": asked.age_group,
            "accommodations": self.accommodations,
            "availability": self.availability,
            "agreement_number": asked.agreement_number,
            "eligible_until": asked.eligible_until,
            "due_on": asked.due_on,
            "requested_at": asked.at,
        }
        return Step(after, Told("referral.requested", facts))

    def accept(self, accepted_at: datetime) -> Step:
        return Step(self._moved("accept", SYSTEM), Told("referral.accepted", {"accepted_at": accepted_at}))

    def reject(self, reason_code: str) -> Step:
        return self._stopped("reject", SYSTEM, reason_code)

    def progress(self, business_status: str, reason_code: str | None, on: date) -> Step:
        """The same status again, e.g. a seat in another cohort, tells nothing new."""
        after = self._moved(
            "progress",
            SYSTEM,
            business_status=business_status,
            waitlisted_on=(self.waitlisted_on or on) if business_status == "waitlisted" else None,
            reason_code=reason_code,
        )
        if business_status == self.business_status and reason_code is None:
            return Step(after, None)
        return Step(
            after, Told("referral.progressed", {"business_status": business_status, "reason_code": reason_code})
        )

    def start(self, started_at: datetime) -> Step:
        return Step(self._moved("start", SYSTEM), Told("referral.started", {"started_at": started_at}))

    def pause(self, role: str, hold: str, reason_code: str | None, at: datetime, rules: Rules) -> Step:
        after = self._moved(
            "pause",
            role,
            reason_code,
            holds=frozenset({hold}),
            hold_due_on=day_of(at) + timedelta(days=rules.hold_limit_days),
            hold_missed=False,
        )
        return Step(after, Told("referral.paused", {"reason_code": reason_code}))

    def resume(self, role: str, at: datetime) -> Step:
        after = self._moved("resume", role, reason_code=None, holds=frozenset(), hold_due_on=None, hold_missed=False)
        return Step(after, Told("referral.resumed", {"resumed_at": at}))

    def complete(self, passed: bool) -> Step:
        return Step(self._moved("complete", SYSTEM), Told("referral.completed", {"passed": passed}))

    def fail(self, role: str, reason_code: str | None, at: datetime) -> Step:
        """Training's word ends it at once; a PK may end it only after the limit of a hold. Raises TooEarly (409)."""
        step = self._stopped("fail", role, reason_code)
        if role != SYSTEM:
            if self.hold_due_on is None:
                raise TooEarly(limit="hold")
            if day_of(at) <= self.hold_due_on:
                raise TooEarly(limit="hold", allowed_from=(self.hold_due_on + timedelta(days=1)).isoformat())
        return step

    def cancel(self, role: str, reason_code: str | None, at: datetime, rules: Rules) -> Step:
        """Raises TooEarly (409) for an officer's WAITLIST_LIMIT while that limit runs."""
        step = self._stopped("cancel", role, reason_code)
        if reason_code == WAITLIST_LIMIT and role != SYSTEM:
            if self.waitlisted_on is None:
                raise TooEarly(limit="waitlist")
            last = self.waitlisted_on + timedelta(days=rules.waitlist_limit_days)
            if day_of(at) <= last:
                raise TooEarly(limit="waitlist", allowed_from=(last + timedelta(days=1)).isoformat())
        return step

    def void(self, role: str, reason_code: str | None, by: str, second_person: str | None) -> Step:
        """Two persons; what no agency ever heard of is voided in silence. Raises MissingFact, Invalid (422)."""
        after, told = self._stopped("void", role, reason_code)
        if not second_person:
            raise MissingFact(fact="second_person")
        if second_person == by:
            raise Invalid(field="second_person", rule="must be another person")
        after = replace(after, second_person=second_person, last_moved_by=by)
        return Step(after, None if self.state == DRAFT else told)

    # -- bookkeeping without a move --------------------------------------------------------------------------------

    def noted(self, **changes: object) -> "Referral":
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]

    def by(self, subject: str | None) -> "Referral":
        return replace(self, last_moved_by=subject)

    def expects_echo(self, correlation_id: str) -> "Referral":
        """Training will say of this hold or return of ours what we said to it."""
        return replace(self, echoes=(*self.echoes, correlation_id)[-KEPT_ECHOES:])

    def near(self) -> Step | None:
        """The reminder before the answer is due, once."""
        if self.state != REQUESTED or self.neared or self.missed:
            return None
        return Step(self.noted(neared=True), Told("deadline.neared", {"kind": "ANSWER", "due_on": self.due_on}))

    def miss_answer(self, late_seconds: int) -> Step | None:
        """The answer is overdue: said to both sides, decided by nobody."""
        if self.state != REQUESTED or self.missed:
            return None
        facts = {"kind": "ANSWER", "due_on": self.due_on, "late_seconds": late_seconds}
        return Step(self.noted(missed=True), Told("deadline.missed", facts))

    def miss_hold(self, late_seconds: int) -> Step | None:
        """The hold outlasted its limit: said to both sides; a person decides."""
        if self.state != ON_HOLD or self.hold_missed:
            return None
        facts = {"kind": "HOLD", "due_on": self.hold_due_on, "late_seconds": late_seconds}
        return Step(self.noted(hold_missed=True), Told("deadline.missed", facts))

    def _stopped(self, move: str, role: str, reason_code: str | None) -> Step:
        after = self._moved(move, role, reason_code, holds=frozenset(), early=())
        return Step(after, Told(MOVES[move].told or "", {"reason_code": reason_code}))

    def _moved(self, move: str, role: str, reason_code: str | None = None, **changes: object) -> "Referral":
        row = choose(MOVES, move, self.state, role, reason_code)
        told: dict[str, object] = {"reason_code": reason_code, **changes}
        return self.noted(state=row.ends or self.state, **told)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What `request` settles."""

    at: datetime
    agency_case_ref: str
    age_group: str
    agreement_number: str
    eligible_until: date
    due_on: date
