"""A number within bounds, of given steps and not of others, or the proof that there is none."""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from deploy.basudara.contracts.compare.formulas import Fact, Literal
from deploy.basudara.contracts.compare.outcomes import Found, Nothing, Outcome, Unknown
from deploy.basudara.contracts.compare.schemas import number

TRIED = 20_000
PARTS = (1, 2, 4, 5, 10, 3, 7, 1000)
OPPOSITE = {
    "minimum": "exclusiveMaximum",
    "maximum": "exclusiveMinimum",
    "exclusiveMinimum": "maximum",
    "exclusiveMaximum": "minimum",
}


class Range:
    """Bounds and steps gathered from facts. `None`: no bound on that side."""

    def __init__(self, facts: Iterable[Literal]) -> None:
        self.low: Fraction | None = None
        self.high: Fraction | None = None
        self.low_open = self.high_open = False
        self.step: Fraction | None = None
        self.avoided: list[Fraction] = []
        for holds, fact in facts:
            if isinstance(fact, Fact):
                self._take(holds, fact)

    def _take(self, holds: bool, fact: Fact) -> None:
        if fact.rule in ("integer", "multipleOf"):
            step = fact.about if isinstance(fact.about, Fraction) else Fraction(1)
            if holds:
                self.step = step if self.step is None else _common(self.step, step)
            else:
                self.avoided.append(step)
        elif fact.rule in OPPOSITE and isinstance(fact.about, Fraction):
            self._bound(fact.rule if holds else OPPOSITE[fact.rule], fact.about)

    def _bound(self, rule: str, bound: Fraction) -> None:
        is_open = rule.startswith("exclusive")
        if rule.lower().endswith("minimum"):
            if self.low is None or (bound, is_open) > (self.low, self.low_open):
                self.low, self.low_open = bound, is_open
        elif self.high is None or (bound, not is_open) < (self.high, not self.high_open):
            self.high, self.high_open = bound, is_open

    def holds(self, value: Fraction) -> bool:
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        if self.high is not None and (value > self.high or (self.high_open and value == self.high)):
            return False
        if self.step is not None and value % self.step:
            return False
        return all(value % step for step in self.avoided)


def _common(one: Fraction, other: Fraction) -> Fraction:
    """The least number that is a multiple of both."""
    below = one.denominator * other.denominator
    return Fraction(math.lcm(one.numerator * other.denominator, other.numerator * one.denominator), below)


def a_number(facts: Iterable[Literal], excluded: frozenset[float]) -> Outcome:
    asked = Range(facts)
    none_of = {number(value) for value in excluded}
    if asked.step is not None and any(asked.step % step == 0 for step in asked.avoided):
        return Nothing()
    complete = True
    candidates = _stepped(asked, asked.step) if asked.step is not None else _between(asked)
    for tried, value in enumerate(candidates):
        if tried >= TRIED:
            complete = False
            break
        if asked.holds(value) and value not in none_of:
            plain = _plain(value)
            if plain is not None:
                return Found(plain)
            complete = False
    single = asked.low is not None and asked.low == asked.high
    hollow = asked.low is not None and asked.high is not None and asked.low > asked.high
    if complete and (asked.step is not None or single or hollow):
        return Nothing()
    return Unknown("no number was found between its bounds")


def _stepped(asked: Range, step: Fraction) -> Iterator[Fraction]:
    """Multiples of the step from the nearest bound on, zero first where there is none; never without end."""
    low = None if asked.low is None else math.ceil(asked.low / step)
    high = None if asked.high is None else math.floor(asked.high / step)
    if low is not None:
        last = low + TRIED + 1 if high is None else high
        yield from (step * place for place in range(low, last + 1))
    elif high is not None:
        yield from (step * (high - place) for place in range(TRIED + 2))
    else:
        yield Fraction(0)
        for place in range(1, TRIED + 2):
            yield step * place
            yield -step * place


def _between(asked: Range) -> Iterator[Fraction]:
    low = asked.low if asked.low is not None else (asked.high - 10 if asked.high is not None else Fraction(0))
    high = asked.high if asked.high is not None else low + 10
    yield low
    yield high
    for part in PARTS:
        for place in range(math.floor(low * part), min(math.ceil(high * part), math.floor(low * part) + 50) + 1):
            yield Fraction(place, part)
    for power in range(1, 16):
        tenth = Fraction(1, 10**power)
        yield from (low + tenth, high - tenth, low + tenth / 2)


def _plain(value: Fraction) -> int | float | None:
    """As JSON writes it; None for what has no short form."""
    if value.denominator == 1:
        return int(value)
    short = float(value)
    return short if number(short) == value else None
