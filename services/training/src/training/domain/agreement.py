"""Agreements (PKS) as this agency has heard of them: the access policy for new referrals."""

from dataclasses import dataclass
from datetime import date

from chassis.errors import Refused


class NotCovered(Refused):
    """No technical agreement in force covers sender, trainer and field. Facts: `agreement`, `rule`."""

    status, code, title = 403, "not_covered", "Tidak ada PKS berlaku yang mencakup rujukan ini"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """`id` is the agreement's number; `heard_version` the version of the register's event it was read from."""

    id: str
    version: int = 1
    heard_version: int
    kind: str
    senders: frozenset[str]
    trainers: frozenset[str]
    scope: frozenset[str]
    valid_from: date
    valid_until: date
    state: str

    def must_cover(self, sender: str, trainer: str, field: str, day: date) -> None:
        """Raises NotCovered (403). `day` is the WIT day of the request. Source: handbook, workflow 4."""
        rules = {
            "technical": self.kind == "TECHNICAL",
            "in_force": self.state == "ACTIVE" and self.valid_from <= day <= self.valid_until,
            "sender": sender in self.senders,
            "trainer": trainer in self.trainers,
            "field": field in self.scope,
        }
        for rule, holds in rules.items():
            if not holds:
                raise NotCovered(agreement=self.id[:60], rule=rule)
