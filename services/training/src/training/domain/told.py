"""What a move tells the world: the short event name of its row and the facts that only the move knows."""

from collections.abc import Mapping
from typing import NamedTuple


class Told(NamedTuple):
    """`name` None: the move is private."""

    name: str | None
    facts: Mapping[str, object] = {}
