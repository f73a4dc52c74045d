"""State machines as data: one row per move, and the one function that judges a row."""

from collections.abc import Mapping
from typing import NamedTuple

from chassis.errors import IllegalMove, Invalid, MissingFact, NotAllowed, UnknownMove

NEW = "-"  # the state before the first
SYSTEM = "system"  # acts on an event or a due duty, never on a judgement


class Move(NamedTuple):
    starts: frozenset[str]
    ends: str | None  # None: the state stays
    who: frozenset[str]
    told: str | None = None  # short event name, e.g. "referral.requested"; None: private
    reasons: frozenset[str] | None = None  # published codes, of which one must be given


def roles(*names: str) -> frozenset[str]:
    return frozenset(names)


def states(*names: str) -> frozenset[str]:
    return frozenset(names)


def choose(moves: Mapping[str, Move], name: str, state: str, role: str, reason_code: str | None = None) -> Move:
    """The row of the table that allows this move.

    Rights are judged before states, so that nobody learns a state by being refused.
    Raises UnknownMove (404), NotAllowed (403), IllegalMove (409), MissingFact and Invalid (422).
    """
    move = moves.get(name)
    if move is None:
        raise UnknownMove(move=name)
    if role not in move.who:
        raise NotAllowed(move=name, role=role)
    if state not in move.starts:
        raise IllegalMove(state=state, move=name)
    if move.reasons is not None:
        if not reason_code:
            raise MissingFact(fact="reason_code")
        if reason_code not in move.reasons:
            raise Invalid(field="reason_code", rule="not a published code for this move")
    return move
