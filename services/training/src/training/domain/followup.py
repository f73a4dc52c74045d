"""Follow-ups: how a person lives 30, 90 and 180 days after training. Facts are recorded as they are."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from chassis.errors import Conflict, Invalid, MissingFact
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states
from training.domain.rules import FollowUpDay, Rules
from training.domain.told import Told

OUTCOMES = frozenset({
    "EMPLOYED_FORMAL", "EMPLOYED_INFORMAL", "SELF_EMPLOYED", "COOPERATIVE_MEMBER", "APPRENTICE", "IN_EDUCATION",
    "FURTHER_TRAINING", "JOB_SEEKING", "NOT_SEEKING", "UNREACHABLE", "DECLINED",
})  # fmt: skip
UNREACHABLE = "UNREACHABLE"

MOVES = {
    "plan": Move(states(NEW), "planned", roles(SYSTEM)),
    "open": Move(states("planned"), "due", roles(SYSTEM), "followup.due"),
    "attempt": Move(states("due"), None, roles("programme_officer")),
    "record": Move(states("due"), "recorded", roles("programme_officer"), "followup.recorded"),
    "stop": Move(states("planned", "due"), "stopped", roles(SYSTEM)),
}


class AskedToday(Conflict):
    """Three attempts are on three days. Facts: `day`."""

    code, title = "asked_today", "Sudah dicoba hari itu"


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """`attempts` are the WIT days on which nobody answered."""

    id: str
    version: int = 1
    state: str = "planned"
    enrolment_id: str
    referral_id: str
    case_ref: str
    from_agency: str
    day: int
    window_from: date
    window_until: date
    attempts: tuple[date, ...] = ()
    outcome_code: str | None = None
    recorded_on: date | None = None

    def open(self) -> tuple["FollowUp", Told]:
        move = choose(MOVES, "open", self.state, SYSTEM)
        facts = {"day": self.day, "window_from": self.window_from, "window_until": self.window_until}
        return self._after(move), Told(move.told, facts)

    def record(
        self, role: str, answered: bool, outcome_code: str | None, made_on: date, rules: Rules
    ) -> tuple["FollowUp", Told]:
        """An answer, or one more day without; after the last attempt the outcome is UNREACHABLE.

        Raises what `choose` raises, AskedToday (409), Invalid (422). Source: handbook, section 6, Follow-up.
        """
        if answered:
            if outcome_code == UNREACHABLE:
                raise Invalid(field="outcome_code", rule="whoever answered was reached")
            return self._record(role, outcome_code, made_on)
        if outcome_code not in (None, UNREACHABLE):
            raise Invalid(field="outcome_code", rule="an outcome needs an answer")
        move = choose(MOVES, "attempt", self.state, role)
        if made_on in self.attempts:
            raise AskedToday(day=made_on.isoformat())
        tried = replace(self, attempts=(*self.attempts, made_on))
        if len(tried.attempts) >= rules.followup_attempts:
            return tried._record(role, UNREACHABLE, made_on)
        return tried._after(move), Told(None)

    def stop(self) -> "FollowUp":
        return self._after(choose(MOVES, "stop", self.state, SYSTEM))

    def _record(self, role: str, outcome_code: str | None, made_on: date) -> tuple["FollowUp", Told]:
        move = choose(MOVES, "record", self.state, role)
        if outcome_code is None:
            raise MissingFact(fact="outcome_code")
        if outcome_code not in OUTCOMES:
            raise Invalid(field="outcome_code", rule="a published outcome")
        facts = {"day": self.day, "outcome_code": outcome_code, "recorded_on": made_on}
        return self._after(move, outcome_code=outcome_code, recorded_on=made_on), Told(move.told, facts)

    def _after(self, move: Move, **changes: object) -> "FollowUp":
        return replace(self, state=move.ends or self.state, version=self.version + 1, **changes)  # type: ignore[arg-type]


def window(completed_on: date, one: FollowUpDay) -> tuple[date, date]:
    """First and last WIT day of the window around `day` days after completion."""
    middle = completed_on + timedelta(days=one.day)
    return middle - timedelta(days=one.margin), middle + timedelta(days=one.margin)
