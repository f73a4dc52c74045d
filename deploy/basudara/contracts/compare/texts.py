"""A text that keeps to patterns, lengths and formats, or the proof that there is none."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from random import Random

from deploy.basudara.contracts.compare import formats
from deploy.basudara.contracts.compare.formulas import Literal
from deploy.basudara.contracts.compare.outcomes import Found, Nothing, Outcome, Unknown
from deploy.basudara.contracts.compare.patterns import LAST, Config, Machine, NotRegular, exactly, machine

TEXTS, STATES = 300, 20_000  # tried before it is called undecided
LIKED = "21034567890abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ -_.:/@"
State = tuple[Config, ...]
Step = tuple[State, str]


class Text:
    """What is demanded of one text, gathered from facts."""

    def __init__(self, facts: Iterable[Literal]) -> None:
        self.least, self.most = 0, -1
        self.empty = False  # not even the empty text is short enough
        self.wanted: list[Machine] = []
        self.unwanted: list[Machine] = []
        self.formats: list[tuple[str, bool]] = []
        self.vague: list[tuple[str, bool]] = []
        for holds, fact in facts:
            rule, about = fact.rule, fact.about  # type: ignore[union-attr]
            if rule == "length":
                self._bound(holds, int(str(about)))
            elif rule == "pattern":
                self._pattern(holds, str(about))
            elif rule == "format":
                self._format(holds, str(about))

    def _bound(self, holds: bool, length: int) -> None:
        if holds:
            self.least = max(self.least, length)
        else:
            self.most = length - 1 if self.most < 0 else min(self.most, length - 1)
            self.empty = self.empty or length <= 0

    def _pattern(self, holds: bool, pattern: str) -> None:
        try:
            (self.wanted if holds else self.unwanted).append(machine(pattern))
        except NotRegular:
            self.vague.append((pattern, holds))

    def _format(self, holds: bool, name: str) -> None:
        self.formats.append((name, holds))
        shape = formats.SHAPES.get(name)
        if shape is not None and (holds or name in formats.EXACT):
            (self.wanted if holds else self.unwanted).append(machine(shape))


def text(facts: Iterable[Literal], excluded: frozenset[str]) -> Outcome:
    """A text for these facts that is none of `excluded`."""
    asked = Text(facts)
    if excluded:
        asked.unwanted.append(exactly(excluded))
    if asked.empty or 0 <= asked.most < asked.least:
        return Nothing()
    walk = _Walk(asked)
    tried = 0
    for one in walk.texts():
        tried += 1
        if all(formats.keeps(name, one) is holds for name, holds in asked.formats) and all(
            formats.found(pattern, one) is holds for pattern, holds in asked.vague
        ):
            return Found(one)
    if tried == 0 and not walk.gave_up:
        return Nothing()
    open_rules = [f"format {name}" for name, _ in asked.formats] + [f"pattern {name}" for name, _ in asked.vague]
    return Unknown(f"no text was found for {', '.join(open_rules) or 'these patterns'}")


class _Walk:
    """All automata of one text walked together, shortest texts first."""

    def __init__(self, asked: Text) -> None:
        self.asked = asked
        self.machines = asked.wanted + asked.unwanted
        self.letters = _letters(self.machines)
        self.gave_up = False
        self.came: list[dict[State, Step]] = []

    def texts(self) -> Iterator[str]:
        """One for each way to end; then others at random where a format or a vague pattern may want them."""
        ends: list[tuple[int, State]] = []
        for length, state in self._ends():
            ends.append((length, state))
            yield self._back(length, state)
        if self.asked.formats or self.asked.vague:
            samples = [one for name, _ in self.asked.formats for one in formats.SAMPLES.get(name, ())]
            yield from (one for one in samples if self._fits(one))
            chance = Random(1)  # noqa: S311 - the same every time
            for length, state in islice(ends * TEXTS, TEXTS if ends else 0):
                varied = "".join(self._vary(letter, chance) for letter in self._back(length, state))
                if self._fits(varied):
                    yield varied

    def _ends(self) -> Iterator[tuple[int, State]]:
        layer: dict[State, Step] = {tuple(one.start for one in self.machines): ((), "")}
        seen: set[State] = set()
        length = 0
        while layer:
            self.came.append(layer)
            for state in layer:
                if length >= self.asked.least and self._accepted(state):
                    yield length, state
            if length == self.asked.most:
                return
            after: dict[State, Step] = {}
            for state in layer:
                for letter in self.letters:
                    moved = tuple(one.step(at, ord(letter)) for one, at in zip(self.machines, state, strict=True))
                    if moved not in after and moved not in seen:
                        after[moved] = (state, letter)
            length += 1
            if length >= self.asked.least:  # from here on only new states can lead further
                seen.update(after)
            if len(seen) + len(after) > STATES or length > STATES:
                self.gave_up = True
                return
            layer = after

    def _accepted(self, state: State) -> bool:
        wanted = len(self.asked.wanted)
        ends = (one.accepts(at) for one, at in zip(self.machines, state, strict=True))
        return all(end is (place < wanted) for place, end in enumerate(ends))

    def _back(self, length: int, state: State) -> str:
        letters = []
        for layer in reversed(self.came[1 : length + 1]):
            state, letter = layer[state]
            letters.append(letter)
        return "".join(reversed(letters))

    def _vary(self, letter: str, chance: Random) -> str:
        return letter if chance.random() < 0.7 else chance.choice(self.letters)

    def _fits(self, text: str) -> bool:
        if len(text) < self.asked.least or 0 <= self.asked.most < len(text):
            return False
        return all(one.matches(text) for one in self.asked.wanted) and not any(
            one.matches(text) for one in self.asked.unwanted
        )


def _letters(machines: Sequence[Machine]) -> list[str]:
    """One letter for each set of letters that no pattern tells apart."""
    sets = sorted({chars for one in machines for chars in one.alphabet()})
    edges = sorted(
        {0, 0xE000} | {edge for chars in sets for low, high in chars for edge in (low, high + 1)} | set(map(ord, LIKED))
    )
    found: dict[tuple[bool, ...], str] = {}
    starts = [ord(letter) for letter in LIKED] + [
        edge for edge in edges if edge <= LAST and not 0xD800 <= edge < 0xE000
    ]
    for code in starts:
        mark = tuple(any(low <= code <= high for low, high in chars) for chars in sets)
        found.setdefault(mark, chr(code))
    return list(found.values())
