"""Regular expressions of JSON Schema (ECMA 262, as far as they are regular) as automata that are walked, not built."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

LAST = 0x10FFFF
LONGEST = 4000  # states; beyond that a pattern is not taken apart
Ranges = tuple[tuple[int, int], ...]
Config = frozenset[int]
BEGIN = -1  # in a configuration: nothing was read yet


class NotRegular(Exception):
    """Look-around, a back reference, or syntax that is not understood here."""


def ranges(*parts: str | tuple[int, int]) -> Ranges:
    return tuple((ord(part), ord(part)) if isinstance(part, str) else part for part in parts)


def complement(of: Ranges) -> Ranges:
    found, start = [], 0
    for low, high in sorted(of):
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return (*found, (start, LAST)) if start <= LAST else tuple(found)


DIGIT = ranges((48, 57))
WORD = ranges((48, 57), (65, 90), "_", (97, 122))
SPACE = ranges(
    (9, 13), " ", "\xa0", "\u1680", (0x2000, 0x200A), "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"
)
ANY = complement(ranges("\n", "\r", "\u2028", "\u2029"))
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
CLASSES |= {name.upper(): complement(of) for name, of in CLASSES.items()}
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}


class Part(NamedTuple):
    """One piece of a pattern. `op`: chars, cat, alt, repeat, begin, end."""

    op: str
    chars: Ranges = ()
    parts: tuple["Part", ...] = ()
    least: int = 0
    most: int | None = None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> Part:
        found = self.alternatives()
        if self.at < len(self.text):
            raise NotRegular(f"{self.text[self.at]!r} at {self.at}")
        return found

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self) -> str:
        if self.at >= len(self.text):
            raise NotRegular("it ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def alternatives(self) -> Part:
        parts = [self.sequence()]
        while self.peek("|"):
            self.at += 1
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Part("alt", parts=tuple(parts))

    def sequence(self) -> Part:
        parts = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.one()))
        return Part("cat", parts=tuple(parts))

    def one(self) -> Part:
        letter = self.take()
        if letter == "(":
            return self.group()
        if letter in "^$":
            return Part("begin" if letter == "^" else "end")
        if letter == "[":
            return Part("chars", self.char_class())
        if letter == "\\":
            return Part("chars", self.escape())
        if letter in "*+?{}])":
            raise NotRegular(f"{letter!r} at {self.at - 1}")
        return Part("chars", ANY if letter == "." else ranges(letter))

    def group(self) -> Part:
        if self.peek("?"):
            if self.peek("?<") and not self.peek("?<=") and not self.peek("?<!"):
                self.at = self.text.index(">", self.at) + 1 if ">" in self.text[self.at :] else len(self.text)
            elif self.peek("?:"):
                self.at += 2
            else:
                raise NotRegular("it looks around")
        inner = self.alternatives()
        if self.take() != ")":
            raise NotRegular("a group without an end")
        return inner

    def repeated(self, part: Part) -> Part:
        least, most = 1, 1
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            least, most_or_none = self.quantifier()
            if part.op in ("begin", "end"):
                raise NotRegular("a repeated anchor")
            if self.peek("?"):  # lazy: finds the same texts
                self.at += 1
            return Part("repeat", parts=(part,), least=least, most=most_or_none)
        del least, most
        return part

    def quantifier(self) -> tuple[int, int | None]:
        letter = self.take()
        if letter != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[letter]
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at : end].partition(",")
        if end < 0 or not low.isdecimal() or (high and not high.isdecimal()):
            raise NotRegular("a brace that counts nothing")
        self.at = end + 1
        return int(low), (int(high) if high else None) if comma else int(low)

    def escape(self) -> Ranges:
        letter = self.take()
        if letter in CLASSES:
            return CLASSES[letter]
        if letter in CONTROLS:
            return ranges(CONTROLS[letter])
        if letter == "x" or letter == "u":
            return ranges(chr(self.code_point(2 if letter == "x" else 4)))
        if letter.isalnum():
            raise NotRegular(f"\\{letter}")
        return ranges(letter)

    def code_point(self, digits: int) -> int:
        if self.peek("{"):
            end = self.text.find("}", self.at)
            text, self.at = self.text[self.at + 1 : end], end + 1
        else:
            text, self.at = self.text[self.at : self.at + digits], self.at + digits
        try:
            return int(text, 16)
        except ValueError:
            raise NotRegular("a code point that is none") from None

    def char_class(self) -> Ranges:
        inverted = self.peek("^")
        self.at += inverted
        found: list[tuple[int, int]] = []
        while not self.peek("]"):
            low = self.class_part()
            if self.peek("-") and not self.peek("-]") and len(low) == 1 and low[0][0] == low[0][1]:
                self.at += 1
                high = self.class_part()
                found.append((low[0][0], high[-1][1]))
            else:
                found.extend(low)
        self.at += 1
        return complement(tuple(found)) if inverted else tuple(found)

    def class_part(self) -> Ranges:
        letter = self.take()
        if letter != "\\":
            return ranges(letter)
        if self.peek("b"):
            self.at += 1
            return ranges("\b")
        return self.escape()


@dataclass(frozen=True)
class _Edge:
    to: int
    chars: Ranges = ()
    mark: str = ""  # begin, end, or nothing: free


class Machine:
    """Whether a text has a match of the pattern anywhere, letter by letter. State 0 begins, state 1 is a match."""

    def __init__(self, part: Part) -> None:
        self._edges: list[list[_Edge]] = [[], []]
        self._steps: dict[tuple[Config, int], Config] = {}
        self._build(part, 0, 1)
        self.matched: Config = frozenset({1})
        self._fresh = self._closed({0})
        self.start = self._closed({0}, begin=True) | {BEGIN}
        if 1 in self.start:
            self.start = self.matched

    def _state(self) -> int:
        if len(self._edges) > LONGEST:
            raise NotRegular("it counts too far")
        self._edges.append([])
        return len(self._edges) - 1

    def _build(self, part: Part, here: int, there: int) -> None:
        if part.op == "chars":
            self._edges[here].append(_Edge(there, chars=part.chars))
        elif part.op in ("begin", "end"):
            self._edges[here].append(_Edge(there, mark=part.op))
        elif part.op == "alt":
            for one in part.parts:
                self._build(one, here, there)
        elif part.op == "cat":
            for one in part.parts:
                after = self._state()
                self._build(one, here, after)
                here = after
            self._edges[here].append(_Edge(there))
        else:
            self._repeat(part, here, there)

    def _repeat(self, part: Part, here: int, there: int) -> None:
        for _ in range(part.least):
            after = self._state()
            self._build(part.parts[0], here, after)
            here = after
        if part.most is None:
            loop = self._state()
            self._edges[here].append(_Edge(loop))
            back = self._state()
            self._build(part.parts[0], loop, back)
            self._edges[back].append(_Edge(loop))
            self._edges[loop].append(_Edge(there))
            return
        for _ in range(part.most - part.least):
            self._edges[here].append(_Edge(there))
            after = self._state()
            self._build(part.parts[0], here, after)
            here = after
        self._edges[here].append(_Edge(there))

    def _closed(self, states: Iterable[int], begin: bool = False, end: bool = False) -> Config:
        found, ahead = set(states), list(states)
        while ahead:
            state = ahead.pop()
            for edge in self._edges[state] if state >= 0 else ():
                free = not edge.chars and (
                    not edge.mark or (edge.mark == "begin" and begin) or (edge.mark == "end" and end)
                )
                if free and edge.to not in found and not (edge.chars == () and edge.mark == "" and edge.to == state):
                    found.add(edge.to)
                    ahead.append(edge.to)
        return frozenset(found)

    def step(self, at: Config, letter: int) -> Config:
        if at == self.matched:
            return at
        place = (at, letter)
        if place not in self._steps:
            edges = (edge for state in at if state >= 0 for edge in self._edges[state] if edge.chars)
            moved = {edge.to for edge in edges if any(low <= letter <= high for low, high in edge.chars)}
            found = self._closed(moved) | self._fresh
            self._steps[place] = self.matched if 1 in found else found
        return self._steps[place]

    def accepts(self, at: Config) -> bool:
        return at == self.matched or 1 in self._closed(at, begin=BEGIN in at, end=True)

    def alphabet(self) -> set[Ranges]:
        return {edge.chars for edges in self._edges for edge in edges if edge.chars}

    def matches(self, text: str) -> bool:
        at = self.start
        for letter in text:
            at = self.step(at, ord(letter))
        return self.accepts(at)


@cache
def machine(pattern: str) -> Machine:
    """Raises NotRegular."""
    return Machine(_Parser(pattern).whole())


@cache
def exactly(texts: frozenset[str]) -> Machine:
    """Finds these texts and no other."""
    words = (Part("cat", parts=tuple(Part("chars", ranges(letter)) for letter in text)) for text in sorted(texts))
    return Machine(Part("cat", parts=(Part("begin"), Part("alt", parts=tuple(words)), Part("end"))))
