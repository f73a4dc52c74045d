"""Agreements (PKS) as this agency has heard of them: the access policy for new referrals."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.errors import Refused


class NotCovered(Refused):
    """No technical agreement in force covers sender, trainer and field. Facts: `agreement`, `rule`."""

    status, code, title = 403, "not_covered", "Tidak ada PKS berlaku yang mencakup rujukan ini"


@dataclass(frozen=True, kw_only=True)
class Word:
    """What one register last said of an agreement; `heard_version` orders its words."""

    register: str  # the agency that keeps the register
    heard_version: int
    kind: str
    senders: frozenset[str]
    trainers: frozenset[str]
    scope: frozenset[str]
    valid_from: date
    valid_until: date
    state: str

    def broken_rule(self, sender: str, trainer: str, field: str, day: date) -> str | None:
        """The first rule that keeps this word from covering a request, None if it covers it."""
        rules = {
            "technical": self.kind == "TECHNICAL",
            "in_force": self.state == "ACTIVE" and self.valid_from <= day <= self.valid_until,
            "sender": sender in self.senders,
            "trainer": trainer in self.trainers,
            "field": field in self.scope,
        }
        return next((rule for rule, holds in rules.items() if not holds), None)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """`id` is the number. Two regions' registers may use the same one: each keeps its own word here."""

    id: str
    version: int = 0
    words: tuple[Word, ...] = ()

    def hear(self, word: Word) -> "Agreement":
        """Itself when the word is old."""
        known = next((one for one in self.words if one.register == word.register), None)
        if known is not None and word.heard_version <= known.heard_version:
            return self
        others = tuple(one for one in self.words if one.register != word.register)
        return replace(self, version=self.version + 1, words=(*others, word))

    def must_cover(self, sender: str, trainer: str, field: str, day: date) -> None:
        """Raises NotCovered (403). `day` is the WIT day of the request. Source: handbook, workflow 4."""
        broken = [word.broken_rule(sender, trainer, field, day) for word in self.words]
        if all(rule is not None for rule in broken):
            raise NotCovered(agreement=self.id[:60], rule=broken[-1] if broken and broken[-1] else "unknown")
