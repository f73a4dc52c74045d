"""Searches a value for which some schemas hold and others do not; finds one, or proves that there is none.

A state is what must hold and what must not. It is taken apart by JSON type, then by cases, until only facts about the
value are left; those are solved type by type, and the members and items of a value are states again. A state that
returns below itself is given up there: the least value has no such repetition, so nothing is lost and it always ends.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.basudara.contracts.compare import arrays, objects
from deploy.basudara.contracts.compare.formulas import (
    KINDS,
    UNEVALUATED,
    All,
    Fact,
    Formula,
    Literal,
    OneOf,
    demand,
    kind_of,
    left_over,
    negated,
)
from deploy.basudara.contracts.compare.holding import Unclear, holds, values_of
from deploy.basudara.contracts.compare.numbers import a_number
from deploy.basudara.contracts.compare.outcomes import Found, Nothing, Outcome, Unknown
from deploy.basudara.contracts.compare.schemas import Node, NoSuchPlace
from deploy.basudara.contracts.compare.texts import text

State = frozenset[Literal]
Facts = dict[Fact | Node, bool]
STEPS = 15_000  # cases looked at; about a second
ENDLESS = 10**9


class TooLarge(Exception):
    """More cases than are looked at."""


class _Open(Exception):
    """A case that must be decided first."""

    def __init__(self, literal: Literal) -> None:
        super().__init__("open")
        self.literal = literal


@dataclass
class Search:
    """Remembers what it found, so one search serves many states. Raises TooLarge past `steps` cases."""

    steps: int = STEPS
    known: dict[State, Outcome] = field(default_factory=dict)
    path: dict[State, int] = field(default_factory=dict)
    reached: int = ENDLESS  # the highest place on the path that the last answer relied on

    def state(self, state: Iterable[Literal]) -> Outcome:
        """One value for the state."""
        asked = frozenset(state)
        if asked in self.known:
            return self.known[asked]
        if asked in self.path:
            self.reached = min(self.reached, self.path[asked])
            return Nothing()
        place = len(self.path)
        self.path[asked] = place
        outside, self.reached = self.reached, ENDLESS
        found = _best(self.values(asked))
        del self.path[asked]
        if not isinstance(found, Nothing) or self.reached >= place:  # else it holds only below the state it relied on
            self.known[asked] = found
            self.reached = outside
        else:
            self.reached = min(self.reached, outside)
        return found

    def values(self, state: State) -> Iterator[Outcome]:
        """An outcome for each case of the state."""
        if any(Literal(not literal.holds, literal.what) in state for literal in state):
            return
        for kind in reversed(KINDS):
            for facts in self._cases(kind, {}, list(state), []):
                yield self._solved(kind, facts, state)

    def count(self) -> None:
        """One more case. Raises TooLarge."""
        self.steps -= 1
        if self.steps < 0:
            raise TooLarge

    def _cases(self, kind: str, facts: Facts, ahead: list[Formula], choices: list[OneOf]) -> Iterator[Facts]:
        """Every way to make the formulas true, as facts."""
        self.count()
        while True:
            if not _settle(kind, facts, ahead, choices):
                return
            settled = _narrowed(choices, facts)
            if settled is None:
                return
            choices = settled
            ahead = [choice.parts[0] for choice in choices if len(choice.parts) == 1]
            if not ahead:
                break
            choices = [choice for choice in choices if len(choice.parts) > 1]
        if not choices:
            yield from self._evaluated(kind, facts)
            return
        first = min(choices, key=lambda choice: len(choice.parts))
        rest = [choice for choice in choices if choice is not first]
        for part in self._possible(first.parts, facts):
            yield from self._cases(kind, dict(facts), [part], list(rest))

    def _possible(self, parts: tuple[Formula, ...], facts: Facts) -> Iterator[Formula]:
        """The parts whose broken members can be broken at all: one look at a member instead of at the whole object."""
        demanded: dict[object, list[Literal]] = {}
        for fact, is_so in facts.items():
            if is_so and isinstance(fact, Fact) and fact.rule == "member":
                demanded.setdefault(fact.about, []).append(Literal(True, fact.of[0]))
        for part in parts:
            if (
                isinstance(part, Literal)
                and isinstance(part.what, Fact)
                and part.what.rule == "member"
                and not part.holds
            ):
                broken = Literal(False, part.what.of[0])
                if isinstance(self.state([*demanded.get(part.what.about, ()), broken]), Nothing):
                    continue
            yield part

    def _evaluated(self, kind: str, facts: Facts) -> Iterator[Facts]:
        """The same facts, once each `unevaluated…` is said as what it demands of the rest."""
        late = next((fact for fact in facts if isinstance(fact, Fact) and fact.rule in UNEVALUATED), None)
        if late is None:
            yield facts
            return
        node, rule = late.of[0], late.rule

        def decide(literal: Literal) -> bool:
            if literal.what not in facts:
                raise _Open(literal)
            return facts[literal.what] is literal.holds

        try:
            formula = left_over(node, rule, decide)
        except _Open as case:
            for one in (case.literal, negated(case.literal)):
                yield from self._cases(kind, dict(facts), [one], [])
            return
        except NoSuchPlace:
            formula = Literal(True, Fact("opaque", f"{rule} beside a reference that leads nowhere"))
        settled = {fact: is_so for fact, is_so in facts.items() if fact != late}
        yield from self._cases(kind, settled, [formula if facts[late] else negated(formula)], [])

    def _solved(self, kind: str, facts: Facts, state: State) -> Outcome:
        self.count()
        told = [Literal(is_so, fact) for fact, is_so in facts.items() if isinstance(fact, Fact)]
        listed = [fact for is_so, fact in told if is_so and isinstance(fact, Fact) and fact.rule == "among"]
        if listed or kind in ("null", "boolean"):
            values = values_of(listed[0]) if listed else [None] if kind == "null" else [True, False]
            return _first_that_holds([value for value in values if kind_of(value) == kind], state)
        without = [one for literal, one in _among(told) if not literal]
        plain = [
            literal
            for literal in told
            if isinstance(literal.what, Fact) and literal.what.rule not in ("among", "opaque")
        ]
        found = self._solve(kind, plain, [value for fact in without for value in values_of(fact)])
        strange = next((fact.about for _, fact in told if isinstance(fact, Fact) and fact.rule == "opaque"), None)
        if strange is not None and isinstance(found, Found):
            return Unknown(f"a keyword that is not understood: {strange}")
        return found

    def _solve(self, kind: str, facts: list[Literal], without: list[Any]) -> Outcome:
        if kind == "string":
            return text(facts, frozenset(without))
        if kind == "number":
            return a_number(facts, frozenset(without))
        solve: Callable[..., Outcome] = objects.an_object if kind == "object" else arrays.an_array
        return solve(self, facts, without)


def _among(told: list[Literal]) -> Iterator[tuple[bool, Fact]]:
    return ((is_so, fact) for is_so, fact in told if isinstance(fact, Fact) and fact.rule == "among")


def _best(outcomes: Iterator[Outcome]) -> Outcome:
    """The first value found; nothing only where no case was open."""
    open_case: Outcome = Nothing()
    for one in outcomes:
        if isinstance(one, Found):
            return one
        if isinstance(one, Unknown):
            open_case = one
    return open_case


def _first_that_holds(values: list[Any], state: State) -> Outcome:
    try:
        for value in values:
            if all(holds(what, value) is is_so for is_so, what in state if isinstance(what, Node)):
                return Found(value)
    except Unclear as unclear:
        return Unknown(str(unclear))
    return Nothing()


def _settle(kind: str, facts: Facts, ahead: list[Formula], choices: list[OneOf]) -> bool:
    """Take apart what has no choice. False: it contradicts itself."""
    while ahead:
        formula = ahead.pop()
        if isinstance(formula, All):
            ahead.extend(formula.parts)
        elif isinstance(formula, OneOf):
            choices.append(formula)
        elif formula.what in facts:
            if facts[formula.what] is not formula.holds:
                return False
        else:
            facts[formula.what] = formula.holds
            if isinstance(formula.what, Node):
                ahead.append(demand(formula.what, kind, formula.holds))
    return True


def _narrowed(choices: list[OneOf], facts: Facts) -> list[OneOf] | None:
    """The choices that are still open, without the parts that can no longer be. None: one has no part left."""
    left = []
    for choice in choices:
        told = [(part, _known(part, facts)) for part in choice.parts]
        if any(is_so for _, is_so in told):
            continue
        parts = tuple(part for part, is_so in told if is_so is None)
        if not parts:
            return None
        left.append(OneOf(parts) if len(parts) < len(choice.parts) else choice)
    return left


def _known(formula: Formula, facts: Facts) -> bool | None:
    if isinstance(formula, Literal):
        is_so = facts.get(formula.what)
        return None if is_so is None else is_so is formula.holds
    decisive = isinstance(formula, OneOf)
    told = [_known(part, facts) for part in formula.parts]
    if any(is_so is decisive for is_so in told):
        return decisive
    return None if None in told else not decisive
