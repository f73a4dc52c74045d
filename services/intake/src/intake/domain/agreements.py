"""What intake knows of the register of agreements: who may work with whom today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from chassis.errors import Conflict


class NoAgreement(Conflict):
    code, title = "no_agreement", "Tidak ada perjanjian kerja sama yang berlaku dengan instansi itu"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """`id` is `register/number`, since two registers may give one number.

    `seen_version` is the aggregateversion of the last event taken in; days are WIT.
    """

    id: str
    version: int
    seen_version: int
    kind: str
    state: str
    parties: tuple[str, ...]
    valid_from: date
    valid_until: date

    def joins(self, agencies: Iterable[str], day: date, states: frozenset[str]) -> bool:
        return (
            self.kind == "TECHNICAL"
            and self.state in states
            and self.valid_from <= day <= self.valid_until
            and set(agencies) <= set(self.parties)
        )


NEW_REQUESTS = frozenset({"ACTIVE"})
RUNNING_REFERRALS = frozenset({"ACTIVE", "SUSPENDED"})  # a suspended PKS stops new requests, running ones finish


def joined(
    agreements: Iterable[Agreement], one: str, other: str, day: date, states: frozenset[str] = NEW_REQUESTS
) -> bool:
    return any(agreement.joins((one, other), day, states) for agreement in agreements)
