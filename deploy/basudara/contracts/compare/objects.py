"""An object for facts about its members and names, or the proof that there is none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from deploy.basudara.contracts.compare.formulas import Fact, Literal
from deploy.basudara.contracts.compare.holding import concerns, rest_of
from deploy.basudara.contracts.compare.outcomes import Found, Nothing, Outcome, Unknown
from deploy.basudara.contracts.compare.schemas import canonical, made

if TYPE_CHECKING:
    from deploy.basudara.contracts.compare.search import Search, State

PATTERNS = 6  # their combinations are walked one by one
FURTHER = 60  # members added to reach a number of members


@dataclass
class Members:
    """What is demanded of an object, gathered from facts."""

    has: dict[str, bool] = field(default_factory=dict)
    each: dict[str, list[Literal]] = field(default_factory=dict)  # what must hold for a member, by its name
    every: list[Fact] = field(default_factory=list)  # about whichever members it concerns
    some: list[Fact] = field(default_factory=list)  # one such member breaks it
    breaking: dict[str, list[Literal]] = field(default_factory=dict)  # member that must be there, and what it breaks
    names: list[Literal] = field(default_factory=list)
    least: int = 0
    most: int | None = None

    def take(self, is_so: bool, fact: Fact) -> bool:
        """False: it contradicts what was taken before."""
        if fact.rule == "length":
            bound = int(str(fact.about))
            if is_so:
                self.least = max(self.least, bound)
            else:
                self.most = bound - 1 if self.most is None else min(self.most, bound - 1)
        elif fact.rule == "has" or (fact.rule == "member" and not is_so):
            there = is_so or fact.rule == "member"
            if fact.rule == "member":
                self.breaking.setdefault(str(fact.about), []).extend(Literal(False, node) for node in fact.of)
            return self.has.setdefault(str(fact.about), there) is there
        elif fact.rule == "member":
            self.each.setdefault(str(fact.about), []).append(Literal(True, fact.of[0]))
        elif is_so and fact.rule == "names":
            self.names.extend(Literal(True, node) for node in fact.of)
        else:
            (self.every if is_so else self.some).append(fact)
        return True

    def demands(self, name: str) -> "State":
        every = [Literal(True, fact.of[0]) for fact in self.every if concerns(fact, name)]
        return frozenset((*every, *self.each.get(name, ()), *self.breaking.get(name, ())))

    def told(self) -> list[str]:
        """Every name that is spoken of."""
        spoken: dict[str, None] = dict.fromkeys([*self.has, *self.each])
        for fact in self.every + self.some:
            if fact.rule == "rest":
                spoken |= dict.fromkeys(sorted(rest_of(fact)[0]))
        return list(spoken)


@dataclass(frozen=True)
class Draft:
    """An object in the making: a state for each member."""

    members: Mapping[str, "State"]

    def with_member(self, name: str, state: "State") -> "Draft":
        return Draft({**self.members, name: self.members.get(name, frozenset()) | state})


def an_object(search: "Search", facts: list[Literal], without: list[Any]) -> Outcome:
    asked = Members()
    for is_so, fact in facts:
        if isinstance(fact, Fact) and not asked.take(is_so, fact):
            return Nothing()
    return _Making(search, asked, {canonical(value) for value in without}).outcome()


class _Making:
    def __init__(self, search: "Search", asked: Members, without: set[str]) -> None:
        self.search = search
        self.asked = asked
        self.without = without
        self.patterns = sorted({name for fact in asked.every + asked.some for name in _patterns(fact)})
        self.open: Unknown | None = None

    @cached_property
    def told(self) -> list[str]:
        return self.asked.told()

    def outcome(self) -> Outcome:
        must = [name for name, there in self.asked.has.items() if there]
        must.sort(key=lambda name: name not in self.asked.breaking)  # what must break fails soonest
        if self.asked.most is not None and len(must) > self.asked.most:
            return Nothing()
        for name in must:
            if self._cannot(self.asked.demands(name)) or (self.asked.names and self._cannot(self._named(name))):
                return Nothing()
        if self.open:
            return self.open
        if len(self.patterns) > PATTERNS:
            return Unknown(f"more than {PATTERNS} patterns of names")
        start = Draft({name: self.asked.demands(name) for name in must})
        for draft in self._placed(start, self.asked.some):
            full = self._filled(draft)
            if full is not None:
                return full
        return self.open or Nothing()

    def _can_hold(self, state: Iterable[Literal]) -> bool:
        """Whether a value is found."""
        return isinstance(self._value(state), Found)

    def _value(self, state: Iterable[Literal]) -> Outcome:
        """What a member can be; what stays open is remembered."""
        self.search.count()
        found = self.search.state(state)
        if isinstance(found, Unknown):
            self.open = found
        return found

    def _cannot(self, state: Iterable[Literal]) -> bool:
        """Whether there is proof that no value is so."""
        return isinstance(self._value(state), Nothing)

    def _named(self, name: str) -> "State":
        """That this name is as names must be."""
        return frozenset({*self.asked.names, Literal(True, made({"const": name}))})

    def _can_be_named(self, name: str) -> bool:
        return not self.asked.names or self._can_hold(self._named(name))

    def _placed(self, draft: Draft, some: list[Fact]) -> Iterator[Draft]:
        """Each way to give every fact of `some` a member that breaks it."""
        if not some:
            yield draft
            return
        first, rest = some[0], some[1:]
        broken = frozenset(Literal(False, node) for node in first.of)
        for name, state in self._candidates(draft, first if first.rule == "names" else None):
            if first.rule != "names" and not concerns(first, name):
                continue
            after = draft.with_member(name, state if first.rule == "names" else state | broken)
            if not self._room(after) or not self._can_hold(after.members[name]):
                continue
            yield from self._placed(after, rest)

    def _room(self, draft: Draft) -> bool:
        return self.asked.most is None or len(draft.members) <= self.asked.most

    def _candidates(self, draft: Draft, misnamed: Fact | None) -> Iterator[tuple[str, "State"]]:
        """Names that a member may bear, with what is demanded of it: told ones, those in the draft, new ones.

        `misnamed`: the name itself must break this fact.
        """
        extra = [Literal(False, node) for node in misnamed.of] if misnamed else []
        for name in dict.fromkeys([*self.told, *draft.members]):
            fits = not extra or self._can_hold({*extra, Literal(True, made({"const": name}))})
            if fits and self.asked.has.get(name, True) and self._can_be_named(name):
                yield name, self.asked.demands(name)
        for name in self._new_names(draft, extra):
            yield name, self.asked.demands(name)

    def _new_names(self, draft: Draft, extra: list[Literal]) -> Iterator[str]:
        """One name for each combination of patterns that some name has."""
        used = made({"enum": [*self.told, *draft.members]}) if self.told or draft.members else made(False)
        base = [*self.asked.names, *extra, Literal(True, made({"type": "string"})), Literal(False, used)]
        for marks in product((False, True), repeat=len(self.patterns)):
            shaped = [Literal(is_so, made({"pattern": name})) for name, is_so in zip(self.patterns, marks, strict=True)]
            found = self.search.state([*base, *shaped])
            if isinstance(found, Unknown):
                self.open = found
            elif isinstance(found, Found):
                yield found.value

    def _filled(self, draft: Draft) -> Found | None:
        """The draft with values, and with members enough."""
        if self.asked.least > FURTHER:
            self.open = Unknown(f"more than {FURTHER} members")
            return None
        while len(draft.members) < self.asked.least:
            more = self._with_one_more(draft)
            if more is None:
                return None
            draft = more
        return self._told_apart(draft)

    def _with_one_more(self, draft: Draft) -> Draft | None:
        if self.asked.most is not None and len(draft.members) >= self.asked.most:
            return None
        for name, state in self._candidates(draft, None):
            if name not in draft.members and self._can_hold(state):
                return draft.with_member(name, state)
        return None

    def _told_apart(self, draft: Draft) -> Found | None:
        """The draft with values, as none of the excluded objects: another value somewhere, or a member more."""
        built = self._built(draft)
        if canonical(built) not in self.without:
            return Found(built)
        for name, value in built.items():
            other = frozenset({Literal(False, made({"const": value}))})
            if self._can_hold(draft.members[name] | other):
                found = self._told_apart(draft.with_member(name, other))
                if found is not None:
                    return found
        more = self._with_one_more(draft)
        found = self._told_apart(more) if more is not None else None
        self.open = self.open or Unknown("values that are excluded one by one")
        return found

    def _built(self, draft: Draft) -> dict[str, Any]:
        found = {name: self.search.state(state) for name, state in draft.members.items()}
        return {name: one.value for name, one in found.items() if isinstance(one, Found)}


def _patterns(fact: Fact) -> tuple[str, ...]:
    if fact.rule == "matching":
        return (str(fact.about),)
    return rest_of(fact)[1] if fact.rule == "rest" else ()
