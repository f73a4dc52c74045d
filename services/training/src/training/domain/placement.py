"""Placements: the agency's own file of one received referral, and where its officer answers."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from chassis.errors import Conflict, Invalid
from chassis.machine import NEW, SYSTEM, Move, choose, roles, states
from training.domain.told import Told

REJECT_REASONS = frozenset({
    "CAPACITY_FULL", "PREREQUISITE", "PROGRAMME_CANCELLED", "NO_BUDGET", "NO_ACCOMMODATION", "AGE_RULE",
    "OUT_OF_TERRITORY", "DUPLICATE",
})  # fmt: skip
NO_NEED = frozenset({"NONE"})

MOVES = {
    "receive": Move(states(NEW), "received", roles(SYSTEM)),
    "accept": Move(states("received"), "accepted", roles("programme_officer"), "placement.accepted"),
    "decline": Move(states("received"), "declined", roles("programme_officer"), "placement.declined", REJECT_REASONS),
    "stop": Move(states("received", "accepted"), "stopped", roles(SYSTEM)),
}


class NotMet(Conflict):
    """A needed accommodation is not there: an answer is to decline with NO_ACCOMMODATION. Facts: `need`."""

    code, title = "accommodation_not_met", "Kebutuhan akomodasi belum terpenuhi"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """`id` is the referral's id: one referral, one placement."""

    id: str
    version: int = 1
    state: str = "received"
    case_ref: str
    from_agency: str
    field: str
    age_group: str
    accommodations: tuple[str, ...]
    availability: tuple[str, ...]
    agreement_number: str
    eligible_until: date
    due_on: date
    requested_at: datetime
    enrolment_id: str | None = None
    reason_code: str | None = None
    heard_version: int = 0  # of the referral, when it last paused or resumed

    @property
    def is_open(self) -> bool:
        return self.state in MOVES["stop"].starts

    def accept(self, role: str, enrolment_id: str, accommodations_met: bool, at: datetime) -> tuple["Placement", Told]:
        """Say yes, to a seat or to a place in line. Raises what `choose` raises, NotMet (409)."""
        move = choose(MOVES, "accept", self.state, role)
        needs = set(self.accommodations) - NO_NEED
        if needs and not accommodations_met:
            raise NotMet(need=",".join(sorted(needs)))
        return self._after(move, enrolment_id=enrolment_id), Told(move.told, {"accepted_at": at})

    def decline(self, role: str, reason_code: str | None) -> tuple["Placement", Told]:
        move = choose(MOVES, "decline", self.state, role, reason_code)
        return self._after(move, reason_code=reason_code), Told(move.told, {"reason_code": reason_code})

    def stop(self, reason_code: str) -> "Placement":
        """The referral or the consent behind it ended. What told of the person's health goes with it."""
        move = choose(MOVES, "stop", self.state, SYSTEM)
        return self._after(move, reason_code=reason_code, accommodations=(), availability=())

    def hears(self, referral_version: int) -> "Placement | None":
        """None for a pause or a resuming that was heard before, or that a newer one has overtaken."""
        if referral_version <= self.heard_version:
            return None
        return replace(self, heard_version=referral_version, version=self.version + 1)

    def _after(self, move: Move, **changes: object) -> "Placement":
        return replace(self, state=move.ends or self.state, version=self.version + 1, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class StoppedReferral:
    """A referral that ended before it was received here: a late `referral.requested` must not bring it back."""

    id: str
    version: int = 1


def receive(age_group: str, known_groups: frozenset[str]) -> None:
    """Raises Invalid (422) for an age group that training may not take."""
    choose(MOVES, "receive", NEW, SYSTEM)
    if age_group not in known_groups:
        raise Invalid(field="age_group", rule="training from 14")
