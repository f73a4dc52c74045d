"""The numbers and lists that a law or an agency can change, each set with the day from which it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chassis.errors import Unavailable


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Units are in the names. `age_groups` are (from this age in years, code), youngest first."""

    valid_from: date
    source: str
    age_groups: tuple[tuple[int, str], ...]
    adult_from_years: int
    oldest_years: int
    eligibility_days: int
    consent_months: int
    stop_hours: int
    erase_days: int
    not_voluntary: frozenset[str]  # supervision bases that allow no voluntary referral
    not_eligible_reasons: frozenset[str]
    receipts: Mapping[str, frozenset[str]]  # purpose: services that must confirm a stop


@dataclass(frozen=True)
class RuleBook:
    versions: tuple[Rules, ...]

    def on(self, day: date) -> Rules:
        """The set that holds on a WIT day. Raises Unavailable (503) for a day before the first set."""
        held = [rules for rules in self.versions if rules.valid_from <= day]
        if not held:
            raise Unavailable(missing="rules")
        return max(held, key=lambda rules: rules.valid_from)
