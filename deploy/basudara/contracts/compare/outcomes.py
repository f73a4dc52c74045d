"""What a search for a value can end with."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Found:
    value: Any


@dataclass(frozen=True)
class Nothing:
    """There is no such value: proved."""


@dataclass(frozen=True)
class Unknown:
    """Neither found nor excluded."""

    why: str


Outcome = Found | Nothing | Unknown
