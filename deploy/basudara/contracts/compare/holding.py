"""Whether a schema holds for one value at hand, by the same formulas that the search uses."""

import json
from collections.abc import Callable
from typing import Any

from deploy.basudara.contracts.compare import formats
from deploy.basudara.contracts.compare.formulas import (
    UNEVALUATED,
    All,
    Fact,
    Formula,
    Literal,
    demand,
    kind_of,
    left_over,
)
from deploy.basudara.contracts.compare.numbers import Range
from deploy.basudara.contracts.compare.patterns import NotRegular, machine
from deploy.basudara.contracts.compare.schemas import Node, canonical, number


class Unclear(Exception):
    """A keyword that we cannot judge stands in the way."""


def holds(node: Node, value: Any) -> bool:
    """Raises Unclear."""
    return _Holding().schema(node, value)


def matches(pattern: str, text: str) -> bool:
    try:
        return machine(pattern).matches(text)
    except NotRegular:
        return formats.found(pattern, text)


class _Holding:
    def __init__(self) -> None:
        self.asked: set[tuple[Node, int]] = set()

    def schema(self, node: Node, value: Any) -> bool:
        place = (node, id(value))
        if place in self.asked:  # it refers to itself for the same value, which demands nothing more
            return True
        self.asked.add(place)
        try:
            return self.formula(demand(node, kind_of(value), True), value)
        finally:
            self.asked.discard(place)

    def formula(self, formula: Formula, value: Any) -> bool:
        if isinstance(formula, Literal):
            what = formula.what
            found = self.schema(what, value) if isinstance(what, Node) else self.fact(what, value)
            return found is formula.holds
        return (all if isinstance(formula, All) else any)(self.formula(part, value) for part in formula.parts)

    def fact(self, fact: Fact, value: Any) -> bool:
        if fact.rule == "opaque":
            raise Unclear(f"keyword {fact.about}")
        if fact.rule == "among":
            return canonical(value) in fact.about  # type: ignore[operator]
        if fact.rule in UNEVALUATED:
            rest = left_over(fact.of[0], fact.rule, lambda literal: self.formula(literal, value))
            return self.formula(rest, value)
        rules: dict[type, Callable[[Fact, Any], bool]] = {dict: self._object, list: self._array, str: _text}
        return rules.get(type(value), _number)(fact, value)

    def _any(self, nodes: tuple[Node, ...], value: Any) -> bool:
        return any(self.schema(node, value) for node in nodes)

    def _array(self, fact: Fact, value: list[Any]) -> bool:
        place = fact.about if isinstance(fact.about, int) else 0
        if fact.rule == "length":
            return len(value) >= place
        if fact.rule == "unique":
            return len({canonical(one) for one in value}) == len(value)
        if fact.rule == "item":
            return len(value) <= place or self._any(fact.of, value[place])
        if fact.rule == "items":
            return all(self._any(fact.of, one) for one in value[place:])
        return sum(self._any(fact.of, one) for one in value) >= place  # contains

    def _object(self, fact: Fact, value: dict[str, Any]) -> bool:
        if fact.rule == "length":
            return len(value) >= int(str(fact.about))
        if fact.rule == "has":
            return fact.about in value
        if fact.rule == "names":
            return all(self._any(fact.of, name) for name in value)
        return all(self._any(fact.of, one) for name, one in value.items() if concerns(fact, name))


def concerns(fact: Fact, name: str) -> bool:
    """Whether a fact about members (member, matching, rest) is about the member of this name."""
    if fact.rule == "member":
        return fact.about == name
    if fact.rule == "matching":
        return matches(str(fact.about), name)
    names, patterns = rest_of(fact)
    return name not in names and not any(matches(pattern, name) for pattern in patterns)


def rest_of(fact: Fact) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names and patterns of names that a fact `rest` is not about."""
    found: tuple[frozenset[str], tuple[str, ...]] = fact.about  # type: ignore[assignment]
    return found


def _text(fact: Fact, value: str) -> bool:
    if fact.rule == "length":
        return len(value) >= int(str(fact.about))
    return matches(str(fact.about), value) if fact.rule == "pattern" else formats.keeps(str(fact.about), value)


def _number(fact: Fact, value: float) -> bool:
    return Range([Literal(True, fact)]).holds(number(value))


def values_of(fact: Fact) -> list[Any]:
    """The values that a fact `among` lists."""
    return [json.loads(text) for text in fact.about]  # type: ignore[attr-defined]
