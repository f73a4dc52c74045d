"""One language of the site: says each English sentence in it, and knows which it could not say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from deploy.basudara.contracts.docs.html import Html, joined, tag

_BETWEEN_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z])")


def sentences(text: str) -> list[str]:
    return _BETWEEN_SENTENCES.split(text) if text else []


@dataclass(frozen=True)
class Language:
    """`words`: English sentence to its own; None for English itself. `unsaid` gathers what `words` lacks."""

    code: str
    name: str
    words: Mapping[str, str] | None
    unsaid: set[str] = field(default_factory=set)

    def say(self, text: str) -> Html:
        """A text as markup: `…` in backticks as code, a sentence that has no translation marked as English."""
        return joined(self._said(text), " ")

    def plain(self, text: str) -> str:
        """The same without markup, for attributes, titles and the search index."""
        return " ".join(self._word(one) or one for one in sentences(text)).replace("`", "")

    def _said(self, text: str) -> Iterator[Html]:
        for sentence in sentences(text):
            word = self._word(sentence)
            yield _coded(word) if word is not None else tag("span", _coded(sentence), lang="en")

    def _word(self, sentence: str) -> str | None:
        if self.words is None:
            return sentence
        if sentence not in self.words:
            self.unsaid.add(sentence)
        return self.words.get(sentence)


def _coded(text: str) -> Html:
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a lone backtick is a backtick
        return joined([text])
    return joined(tag("code", piece) if place % 2 else piece for place, piece in enumerate(pieces))
