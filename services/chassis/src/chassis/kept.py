"""How aggregates are kept, and the shapes that their documents had over time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis.errors import Expected, Unavailable

SHAPE = "shape"  # a document's member; one without it is of shape 1

Document = dict[str, Any]
Step = Callable[[Document], Document]


class NewerShape(Unavailable):
    """A newer release wrote this, and this one can't read it. Facts: `store`, since a poll waits for it whole."""

    code = "newer_shape"


class BadStep(Expected):
    """A defect: a step changed what an older release finds a document by. Facts: `collection`, `member`."""

    code = "bad_step"


@dataclass(frozen=True)
class Kept:
    """How one kind of aggregate is kept. `indexes`: members that `where` and queries may search by equality.

    `shape`: the number of the form in which documents are written; `steps` lead to it, one from each number to the
    next: pure functions of the document as it is stored, with dates as texts and sets as lists.
    """

    kind: type[Any]
    collection: str
    indexes: tuple[str, ...] = ()
    shape: int = 1
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if len(self.steps) != self.shape - 1:
            raise ValueError(f"{self.collection}: shape {self.shape} needs {self.shape - 1} steps")

    @property
    def older(self) -> Document:
        """A query for documents that are not in the shape of now."""
        return {SHAPE: {"$not": {"$gte": self.shape}}}

    def as_of_now(self, document: Document) -> Document:
        """The same document in the shape of now. Raises NewerShape and, as defects, BadStep and what a step raises."""
        shape = document.get(SHAPE, 1)
        if shape == self.shape:
            return document
        if shape > self.shape:
            raise NewerShape(store=f"{self.collection} holds shape {shape}, known is {self.shape}")
        after = document
        for step in self.steps[shape - 1 :]:
            after = step(dict(after))
        for member in ("_id", "version", *self.indexes):
            if member in document and after.get(member) != document[member]:
                raise BadStep(collection=self.collection, member=member)
        return {**after, SHAPE: self.shape}
