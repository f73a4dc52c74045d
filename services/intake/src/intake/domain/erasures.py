"""The erasure of one person: asked of every agency that knows them, proved by receipts, overdue at its deadline.

The key of the person goes when it begins; what is waited for is the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chassis.errors import NotAllowed
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states
from intake.domain.codes import ERASE_REASONS, HEAD
from intake.domain.rules import Rules

ASKED = "training"  # the service that holds cards, at every agency

MOVES: Mapping[str, Move] = {
    "begin": Move(states(NEW), "open", roles(HEAD), "erasure.begun", reasons=ERASE_REASONS),
    "ask": Move(states("open"), None, roles(SYSTEM), "erasure.asked"),
    "confirm": Move(states("open", "overdue"), None, roles(SYSTEM)),
    "pass-deadline": Move(states("open"), "overdue", roles(SYSTEM), "erasure.overdue"),
    "close": Move(states("open", "overdue"), "done", roles(SYSTEM), "erasure.closed"),
}


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """`missing` are names like `agency/training`; `receipts` when each of the others had erased. Instants are UTC."""

    id: str
    version: int
    state: str
    case_ref: str
    reason_code: str
    asked_at: datetime
    erase_by: datetime
    missing: frozenset[str] = frozenset()
    receipts: Mapping[str, datetime] = field(default_factory=dict)
    closed_at: datetime | None = None

    @property
    def is_proved(self) -> bool:
        """Nobody is waited for, and nobody has said so yet."""
        return not self.missing and self.state in MOVES["close"].starts

    def ask(self, agency: str) -> "Erasure":
        return replace(self._moved("ask"), missing=self.missing | {f"{agency}/{ASKED}"})

    def confirm(self, agency: str, erased_at: datetime) -> "Erasure":
        """Take in one receipt, also a late one; a repeated one changes nothing (the same object returns).

        Raises NotAllowed (403) for an agency that was not asked.
        """
        name = f"{agency}/{ASKED}"
        if name in self.receipts:
            return self
        if name not in self.missing:
            raise NotAllowed(erasure_id=self.id, agency=agency)
        receipts = {**self.receipts, name: erased_at}
        return replace(self._moved("confirm"), missing=self.missing - {name}, receipts=receipts)

    def pass_deadline(self) -> "Erasure":
        """A receipt is missing at the deadline; it goes on waiting."""
        return self._moved("pass-deadline")

    def close(self, at: datetime) -> "Erasure":
        return replace(self._moved("close"), closed_at=at)

    def _moved(self, name: str) -> "Erasure":
        move = choose(MOVES, name, self.state, SYSTEM)
        return replace(self, state=move.ends or self.state, version=self.version + 1)


def begin(erasure_id: str, case_ref: str, *, role: str, reason_code: str | None, at: datetime, rules: Rules) -> Erasure:
    """Raises NotAllowed (403), MissingFact and Invalid (422). Source: UU 27/2022 art. 43, 44; domain handbook, 6."""
    move = choose(MOVES, "begin", NEW, role, reason_code)
    return Erasure(
        id=erasure_id,
        version=1,
        state=move.ends or NEW,
        case_ref=case_ref,
        reason_code=reason_code or "",
        asked_at=at,
        erase_by=at + timedelta(days=rules.erase_days),
    )
