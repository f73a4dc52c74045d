"""The case: one person in the register of one Bapas, from hand-over to closing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chassis.calendar import day_of
from chassis.errors import Conflict, Invalid, MissingFact
from chassis.machine import NEW, Move, choose, roles, states
from intake.domain.ages import age_group
from intake.domain.areas import regency_of
from intake.domain.codes import (
    ASSISTANT,
    CLOSE_REASONS,
    ERASE_REASONS,
    FACILITY,
    HEAD,
    OFFICER,
    SUSPEND_REASONS,
    Outcome,
)
from intake.domain.klien import Klien
from intake.domain.rules import Rules

# One row per row of the table "Case" (domain handbook, section 5); a move with two ends has two rows.
MOVES: Mapping[str, Move] = {
    "register": Move(states(NEW), "registered", roles(OFFICER, ASSISTANT, FACILITY), "case.registered"),
    "assign": Move(states("registered"), "in-assessment", roles(HEAD), "case.assigned"),
    "decide-eligibility": Move(states("in-assessment"), "assessed", roles(HEAD), "eligibility.decided"),
    "open": Move(states("assessed"), "ready", roles(OFFICER), "case.opened"),
    "re-decide": Move(states("ready", "suspended"), None, roles(HEAD), "eligibility.decided"),
    "re-decide-against": Move(states("ready", "suspended"), "assessed", roles(HEAD), "eligibility.decided"),
    "suspend": Move(
        states("ready", "assessed"), "suspended", roles(OFFICER, HEAD), "case.suspended", reasons=SUSPEND_REASONS
    ),
    "resume": Move(states("suspended"), "ready", roles(HEAD), "case.resumed"),
    "close": Move(
        states("registered", "in-assessment", "assessed", "ready", "suspended"),
        "closed",
        roles(HEAD),
        "case.closed",
        reasons=CLOSE_REASONS,
    ),
    "erase": Move(states("closed"), "erased", roles(HEAD), "erasure.begun", reasons=ERASE_REASONS),
}
ENDED = frozenset({"closed", "erased"})


class NotEligible(Conflict):
    code, title = "not_eligible", "Belum ada keputusan layak yang berlaku"


class NoConsent(Conflict):
    code, title = "no_consent", "Belum ada persetujuan yang berlaku"


class AftercareRuns(Conflict):
    code, title = "aftercare_runs", "Bimbingan lanjutan masih berjalan; data orang ini masih diperlukan"


class StillInForce(Conflict):
    code, title = "still_in_force", "Keputusan lama masih berlaku dan keadaan tidak berubah"


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """`valid_until` is the last WIT day; None for NOT_ELIGIBLE."""

    outcome: str
    fields: tuple[str, ...]
    valid_until: date | None
    reason_code: str | None

    def holds(self, day: date) -> bool:
        return self.outcome == Outcome.ELIGIBLE and self.valid_until is not None and day <= self.valid_until


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that a case tells of its person to the agency's own services."""

    age_group: str
    age_group_until: date | None
    home_area: str | None
    voluntary: bool
    referable_until: date | None


@dataclass(frozen=True, kw_only=True)
class Groundwork:
    """Days (WIT) on which the work before a decision was done."""

    social_inquiry_on: date
    risk_assessed_on: date
    needs_assessed_on: date
    review_board_heard_on: date


@dataclass(frozen=True, kw_only=True)
class Case:
    """`id` is the own agency's case_ref; `sealed_klien` is readable only with the person's key."""

    id: str
    version: int
    state: str
    sealed_klien: str
    told: Told
    dukcapil_task: bool  # no NIK yet: Dukcapil is to be asked
    in_custody: bool
    officer_id: str | None = None
    facility_officer_id: str | None = None
    eligibility: Eligibility | None = None
    suspension_code: str | None = None
    closing_code: str | None = None
    aftercare: bool = False

    @property
    def is_over(self) -> bool:
        """Closed without aftercare: nothing new may rest on this case."""
        return self.state == "closed" and not self.aftercare

    def assign(self, *, role: str, officer_id: str, conflict_free: bool) -> "Case":
        """Appoint the PK. Raises MissingFact (422) unless freedom from conflict is stated."""
        after = self._moved("assign", role)
        if not conflict_free:
            raise MissingFact(fact="conflict_free")
        return replace(after, officer_id=officer_id)

    def decide(self, decision: Eligibility, work: Groundwork, *, role: str, at: datetime, rules: Rules) -> "Case":
        """First decision, by a person only. Raises Invalid and MissingFact (422)."""
        after = self._moved("decide-eligibility", role)
        day = day_of(at)
        for field, done_on in vars(work).items():
            _not_after(field, done_on, day)
        return replace(after, eligibility=_lawful(decision, day, rules))

    def redecide(
        self, decision: Eligibility, *, heard_on: date, facts_changed: bool, role: str, at: datetime, rules: Rules
    ) -> "Case":
        """Decide anew once the old decision lapsed or the facts changed. Raises StillInForce (409) otherwise."""
        against = decision.outcome == Outcome.NOT_ELIGIBLE
        after = self._moved("re-decide-against" if against else "re-decide", role)
        day = day_of(at)
        _not_after("review_board_heard_on", heard_on, day)
        if not facts_changed and self.eligibility is not None and self.eligibility.holds(day):
            raise StillInForce(fact="facts_changed")
        return replace(after, eligibility=_lawful(decision, day, rules))

    def open(self, *, role: str, at: datetime, has_consent: bool) -> "Case":
        """Ready for referrals. Raises NotEligible and NoConsent (409)."""
        after = self._moved("open", role)
        self._must_be_eligible(day_of(at))
        if not has_consent:
            raise NoConsent(case_ref=self.id)
        return after

    def suspend(self, *, role: str, reason_code: str | None) -> "Case":
        after = self._moved("suspend", role, reason_code)
        return replace(after, suspension_code=reason_code, in_custody=self.in_custody or reason_code == "CUSTODY")

    def resume(self, *, role: str, at: datetime, heard_on: date) -> "Case":
        """Back to ready; who was suspended for custody is free again. Raises NotEligible (409)."""
        after = self._moved("resume", role)
        _not_after("review_board_heard_on", heard_on, day_of(at))
        self._must_be_eligible(day_of(at))
        free = self.suspension_code == "CUSTODY"
        return replace(after, suspension_code=None, in_custody=self.in_custody and not free)

    def close(self, *, role: str, reason_code: str | None, aftercare: bool) -> "Case":
        """The end of the legal basis; aftercare goes on only after full release. Raises Invalid (422)."""
        after = self._moved("close", role, reason_code)
        if aftercare and reason_code != "ENDED":
            raise Invalid(field="aftercare", rule="only after ENDED")
        return replace(after, closing_code=reason_code, aftercare=aftercare)

    def erase(self, *, role: str, reason_code: str | None) -> "Case":
        """Nothing is left that tells of a person: bands stay, for the counts. Raises AftercareRuns (409)."""
        after = self._moved("erase", role, reason_code)
        if not self.is_over:
            raise AftercareRuns(case_ref=self.id)
        return after._forgotten()

    def erase_again(self) -> "Case":
        """As it was before the store was put back to a time when the person was still known, in whatever state."""
        return replace(self, state=MOVES["erase"].ends or self.state, version=self.version + 1)._forgotten()

    def _forgotten(self) -> "Case":
        told = replace(self.told, age_group_until=None, home_area=None, referable_until=None)
        return replace(self, sealed_klien="", told=told, dukcapil_task=False)

    def correct(self, sealed_klien: str, told: Told, *, has_nik: bool, in_custody: bool, role: str) -> "Case":
        """The same case with corrected facts; no transition. Raises NotAllowed (403) by the rights of `register`,
        and Conflict (409) once closed."""
        choose(MOVES, "register", NEW, role)
        if self.state in ENDED:
            raise Conflict(state=self.state)
        return replace(
            self,
            version=self.version + 1,
            sealed_klien=sealed_klien,
            told=told,
            dukcapil_task=not has_nik,
            in_custody=in_custody,
        )

    def _moved(self, name: str, role: str, reason_code: str | None = None) -> "Case":
        move = choose(MOVES, name, self.state, role, reason_code)
        return replace(self, state=move.ends or self.state, version=self.version + 1)

    def _must_be_eligible(self, day: date) -> None:
        if self.eligibility is None or not self.eligibility.holds(day):
            raise NotEligible(case_ref=self.id)


def register(
    case_ref: str, sealed_klien: str, told: Told, *, role: str, by: str, has_nik: bool, in_custody: bool
) -> Case:
    """A new case. Raises NotAllowed (403)."""
    move = choose(MOVES, "register", NEW, role)
    return Case(
        id=case_ref,
        version=1,
        state=move.ends or NEW,
        sealed_klien=sealed_klien,
        told=told,
        dukcapil_task=not has_nik,
        in_custody=in_custody,
        facility_officer_id=by if role == FACILITY else None,
    )


def told_of(klien: Klien, day: date, rules: Rules) -> Told:
    """What the agency's own services may know of a person on a WIT day."""
    group = age_group(klien.birth_date, day, rules)
    return Told(
        age_group=group.code,
        age_group_until=group.until,
        home_area=None if klien.home.kecamatan is None else regency_of(klien.home.kecamatan),
        voluntary=klien.supervision_basis not in rules.not_voluntary,
        referable_until=klien.supervision_until,
    )


def _lawful(decision: Eligibility, day: date, rules: Rules) -> Eligibility:
    """The decision itself, if the rules allow it. Source: domain handbook, `eligibility`: valid at most 90 days."""
    if decision.outcome == Outcome.NOT_ELIGIBLE:
        if decision.fields:
            raise Invalid(field="fields", rule="empty for NOT_ELIGIBLE")
        if decision.valid_until is not None:
            raise Invalid(field="valid_until", rule="only for ELIGIBLE")
        if not decision.reason_code:
            raise MissingFact(fact="reason_code")
        if decision.reason_code not in rules.not_eligible_reasons:
            raise Invalid(field="reason_code", rule="not a published code for this move")
        return decision
    if not decision.fields:
        raise MissingFact(fact="fields")
    if len(set(decision.fields)) < len(decision.fields):
        raise Invalid(field="fields", rule="a code at most once")
    if decision.reason_code is not None:
        raise Invalid(field="reason_code", rule="only for NOT_ELIGIBLE")
    if decision.valid_until is None:
        raise MissingFact(fact="valid_until")
    if not day <= decision.valid_until <= day + timedelta(days=rules.eligibility_days):
        raise Invalid(field="valid_until", rule=f"from the day of the decision to {rules.eligibility_days} days after")
    return decision


def _not_after(field: str, done_on: date, day: date) -> None:
    if done_on > day:
        raise Invalid(field=field, rule="must not lie in the future")
