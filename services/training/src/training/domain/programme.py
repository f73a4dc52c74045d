"""Programmes: what is taught, for how many training hours, to whom."""

from dataclasses import dataclass

from chassis.errors import Invalid
from chassis.machine import NEW, Move, choose, roles, states
from training.domain.rules import Rules
from training.domain.told import Told

MOVES = {
    "publish": Move(states(NEW), "published", roles("programme_officer"), "programme.published"),
}


@dataclass(frozen=True, kw_only=True)
class Unit:
    """`critical`: without a PASS here nobody passes the programme."""

    unit: str
    critical: bool


@dataclass(frozen=True, kw_only=True)
class Programme:
    """`id` is the programme code; `hours` are training hours (JP)."""

    id: str
    version: int = 1
    title: str
    field: str
    units: tuple[Unit, ...]
    hours: int
    mode: str  # OFF_JOB, ON_JOB
    hazard_listed: bool
    min_age: int

    def publish(self, role: str, rules: Rules) -> Told:
        """Judge a new programme. Raises NotAllowed (403), Invalid (422). Source: handbook, section 4."""
        move = choose(MOVES, "publish", NEW, role)
        if not rules.programme_hours_min <= self.hours <= rules.programme_hours_max:
            raise Invalid(
                field="hours", rule=f"{rules.programme_hours_min} to {rules.programme_hours_max} training hours"
            )
        if self.min_age < rules.min_age:
            raise Invalid(field="min_age", rule=f"training from {rules.min_age}")
        if not self.units or len({unit.unit for unit in self.units}) != len(self.units):
            raise Invalid(field="units", rule="at least one, each named once")
        return Told(move.told)

    @property
    def critical_units(self) -> frozenset[str]:
        return frozenset(unit.unit for unit in self.units if unit.critical)
