"""Sessions: one meeting of a cohort. Open for the class list until closed; then attendance is locked."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.errors import Conflict
from chassis.machine import NEW, Move, choose, roles, states

MOVES = {
    "schedule": Move(states(NEW), "open", roles("programme_officer", "instructor")),
    "record": Move(states("open"), None, roles("instructor")),
    "make-up": Move(states("open", "closed"), None, roles("instructor")),  # made up later, by those excused
    "close": Move(states("open"), "closed", roles("instructor")),
}


class SessionAhead(Conflict):
    """Attendance is evidence: nobody was present at a session that is still to come. Facts: `held_on`."""

    code, title = "session_ahead", "Sesi belum berlangsung"


@dataclass(frozen=True, kw_only=True)
class Session:
    """`hours` are training hours (JP); `starts_at` is "HH:MM" WIT. Each list recorded raises the version."""

    id: str
    version: int = 1
    state: str = "open"
    cohort_code: str
    held_on: date
    hours: int
    starts_at: str

    def record(self, role: str, states_given: frozenset[str], today: date) -> "Session":
        """Raises what `choose` raises, SessionAhead (409)."""
        choose(MOVES, "make-up" if states_given == {"MADE_UP"} else "record", self.state, role)
        self._must_have_begun(today)
        return replace(self, version=self.version + 1)

    def close(self, role: str, today: date) -> "Session":
        move = choose(MOVES, "close", self.state, role)
        self._must_have_begun(today)
        return replace(self, state=move.ends or self.state, version=self.version + 1)

    def _must_have_begun(self, today: date) -> None:
        if today < self.held_on:
            raise SessionAhead(held_on=self.held_on.isoformat())
