"""An array for facts about its items, or the proof that there is none."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from deploy.basudara.contracts.compare.formulas import Fact, Literal
from deploy.basudara.contracts.compare.outcomes import Found, Nothing, Outcome, Unknown
from deploy.basudara.contracts.compare.schemas import canonical, made

if TYPE_CHECKING:
    from deploy.basudara.contracts.compare.search import Search, State

LONGEST = 300
COUNTED = 5


@dataclass(frozen=True)
class Count:
    """How many items from `first` on are such: any of `of` holds, or (`broken`) none does."""

    first: int
    of: tuple[Any, ...]
    broken: bool
    least: int = 0
    most: int | None = None

    def state(self, is_so: bool) -> list["State"]:
        """The states of an item that is such, or is not; one of them."""
        if self.broken is is_so:
            return [frozenset(Literal(False, node) for node in self.of)]
        return [frozenset({Literal(True, node)}) for node in self.of]


@dataclass
class Items:
    """What is demanded of an array, gathered from facts."""

    places: dict[int, set[Literal]] = field(default_factory=dict)
    every: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    least: int = 0
    most: int | None = None
    unique: bool | None = None

    def take(self, is_so: bool, fact: Fact) -> None:
        place = fact.about if isinstance(fact.about, int) else 0
        if fact.rule == "length":
            if is_so:
                self.least = max(self.least, place)
            else:
                self.most = place - 1 if self.most is None else min(self.most, place - 1)
        elif fact.rule == "unique":
            self.unique = is_so
        elif fact.rule == "item":
            self.places.setdefault(place, set()).update(Literal(is_so, node) for node in fact.of)
            self.least = self.least if is_so else max(self.least, place + 1)
        elif fact.rule == "items" and is_so:
            self.every.append((place, fact.of))
        elif fact.rule == "items":
            self.counts.append(Count(place, fact.of, broken=True, least=1))
        elif is_so:
            self.counts.append(Count(0, fact.of, broken=False, least=place))
        else:
            self.counts.append(Count(0, fact.of, broken=False, most=place - 1))

    def head(self) -> int:
        """From this place on all items are alike."""
        firsts = [first for first, _ in self.every] + [count.first for count in self.counts]
        return max([place + 1 for place in self.places] + firsts, default=0)

    def states(self, place: int) -> list["State"]:
        """What an item may be, as alternatives."""
        fixed = frozenset(self.places.get(place, ()))
        lists = [of for first, of in self.every if place >= first]
        return [fixed | {Literal(True, node) for node in picked} for picked in product(*lists)]


def an_array(search: "Search", facts: list[Literal], without: list[Any]) -> Outcome:
    asked = Items()
    for is_so, fact in facts:
        if isinstance(fact, Fact):
            asked.take(is_so, fact)
    if len(asked.counts) > COUNTED or asked.least > LONGEST:
        return Unknown("too many items or kinds of items to be counted")
    needed = sum(count.least for count in asked.counts) + 2 * (asked.unique is False)
    longest = max(asked.least, asked.head()) + needed + len(without)
    if longest > 2 * LONGEST:
        return Unknown("too many items to be counted")
    if asked.most is not None:
        longest = min(longest, asked.most)
    open_case: Outcome = Nothing()
    excluded = {canonical(value) for value in without}
    for length in range(asked.least, longest + 1):
        found = _Row(search, asked, length, excluded).outcome()
        if isinstance(found, Found):
            return found
        open_case = found if isinstance(found, Unknown) else open_case
    return open_case


class _Row:
    """Arrays of one length. A slot is one place, or two that hold the same value."""

    def __init__(self, search: "Search", asked: Items, length: int, excluded: set[str]) -> None:
        self.search = search
        self.asked = asked
        self.length = length
        self.excluded = excluded
        self.open: Unknown | None = None
        self.failed: set[tuple[Any, ...]] = set()

    def outcome(self) -> Outcome:
        if self.asked.unique is True:  # if there is none even with doubles, it need not be told why
            relaxed = _Row(self.search, replace(self.asked, unique=None), self.length, set()).outcome()
            if isinstance(relaxed, Nothing):
                return relaxed
        if any(count.least and self._never(count) for count in self.asked.counts):
            return Nothing()
        for slots in self._slots():
            self.failed.clear()
            needs = tuple(count.least for count in self.asked.counts)
            room = tuple(count.most if count.most is not None else self.length for count in self.asked.counts)
            for row in self._rows(slots, needs, room, ()):
                value: list[Any] = [None] * self.length
                for slot, one in zip(slots, row, strict=True):
                    for place in slot:
                        value[place] = one
                if canonical(value) not in self.excluded:
                    return Found(value)
                return self._told_apart(value)
        return self.open or Nothing()

    def _never(self, count: Count) -> bool:
        """Whether no item can be such, whatever the others are."""
        for place in range(count.first, min(self.length, self.asked.head() + 1)):
            for own, such in product(self.asked.states(place), count.state(True)):
                if not isinstance(self.search.state(own | such), Nothing):
                    return False
        return True

    def _told_apart(self, value: list[Any]) -> Outcome:
        """Not this array, which is excluded, but one that differs from it in some place."""
        for place, one in enumerate(value):
            other = {Literal(False, made({"const": one}))}
            asked = replace(self.asked, places={**self.asked.places})
            asked.places[place] = asked.places.get(place, set()) | other
            found = _Row(self.search, asked, self.length, self.excluded).outcome()
            if isinstance(found, Found):
                return found
        return Unknown("values that are excluded one by one")

    def _slots(self) -> Iterator[list[tuple[int, ...]]]:
        places = range(self.length)
        if self.asked.unique is not False:
            yield [(place,) for place in places]
            return
        head = min(self.asked.head(), self.length)
        alike = [
            *range(head),
            *range(head, min(head + 2, self.length)),
        ]  # behind the head one pair is as good as another
        for pair in combinations(alike, 2):
            yield [pair, *((place,) for place in places if place not in pair)]

    def _rows(
        self, slots: list[tuple[int, ...]], needs: tuple[int, ...], room: tuple[int, ...], made_up: tuple[Any, ...]
    ) -> Iterator[tuple[Any, ...]]:
        if len(made_up) == len(slots):
            if not any(need > 0 for need in needs):
                yield made_up
            return
        self.search.count()
        slot = slots[len(made_up)]
        used = frozenset(map(canonical, made_up)) if self.asked.unique else None
        mark = (len(made_up), needs, room, used)
        if mark in self.failed:
            return
        some = False
        for such in product((True, False), repeat=len(needs)):
            after = self._counted(slot, such, needs, room)
            value = self._value(slot, such, made_up) if after else None
            if after is None or value is None:
                continue
            for row in self._rows(slots, *after, (*made_up, value.value)):
                some = True
                yield row
        if not some:
            self.failed.add(mark)
            if self.asked.unique and made_up and not self._all_alike():
                self.open = Unknown("items that must differ")

    def _all_alike(self) -> bool:
        """Whether every place takes the same values, so that it does not matter which went first."""
        return not self.asked.counts and self.asked.head() == 0

    def _counted(
        self, slot: tuple[int, ...], such: tuple[bool, ...], needs: tuple[int, ...], room: tuple[int, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """What is still needed and allowed once this slot is so. None: it may not be."""
        left, free = list(needs), list(room)
        for place, (count, is_so) in enumerate(zip(self.asked.counts, such, strict=True)):
            weight = sum(one >= count.first for one in slot)
            if is_so:
                if not weight:
                    return None
                left[place] = max(0, left[place] - weight)
                free[place] -= weight
        if any(one < 0 for one in free) or any(need > self.length for need in left):
            return None
        return tuple(left), tuple(free)

    def _value(self, slot: tuple[int, ...], such: tuple[bool, ...], before: tuple[Any, ...]) -> Found | None:
        lists = [self.asked.states(place) for place in slot]
        for count, is_so in zip(self.asked.counts, such, strict=True):
            if is_so:
                lists.append(count.state(True))
            elif count.most is not None:
                lists.append(count.state(False))
        other = frozenset({Literal(False, made({"enum": list(before)}))} if self.asked.unique and before else ())
        for picked in product(*lists):
            found = self.search.state(other.union(*picked))
            if isinstance(found, Found):
                return found
            if isinstance(found, Unknown):
                self.open = found
        return None
