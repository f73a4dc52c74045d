"""Taking turns at sending."""

from dataclasses import dataclass

from chassis.work import Work
from notification.domain.turn import SENDING, Turn


@dataclass(frozen=True, kw_only=True)
class TakeTurn:
    holder: str


async def take_turn(command: TakeTurn, work: Work) -> Turn | None:
    """The turn, taken or kept; None while another replica holds it."""
    before = await work.find(Turn, SENDING) or Turn(id=SENDING, version=0, holder=command.holder, until=work.cause.at)
    taken = before.taken(command.holder, work.cause.at)
    if taken is not None:
        work.save(taken)
    return taken


async def give_up_turn(command: TakeTurn, work: Work) -> None:
    """At a stop, so that another replica need not wait."""
    before = await work.find(Turn, SENDING)
    after = before.given_up(command.holder, work.cause.at) if before is not None else None
    if after is not None:
        work.save(after)
