"""What the handlers need from outside a unit of work: values and pure functions only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.errors import StaleVersion
from training.domain.rules import Rules


class Seals(Protocol):
    """Seals what is personal with the person's own key, which is itself wrapped with the agency's."""

    def new_key(self, key_id: str) -> str: ...
    def seal(self, content: bytes, key_id: str, wrapped_key: str, about: str) -> str: ...
    def open(self, sealed: str, key_id: str, wrapped_key: str, about: str) -> bytes: ...
    def is_former(self, wrapped_key: str) -> bool: ...
    def wrapped_anew(self, wrapped_key: str, key_id: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where commands are decided: the agency, its rules and its seals."""

    agency: str
    rules: Rules
    seals: Seals


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Base of commands that a person gives: in which role, who (staff code), and when it was decided (UTC)."""

    role: str
    by: str
    at: datetime


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


def must_be_as_seen(aggregate: Versioned, seen: int | None) -> None:
    """`seen`: the version the asker looked at; None where a door asks for none. Raises StaleVersion (409)."""
    if seen is not None and aggregate.version != seen:
        raise StaleVersion(seen=seen, now=aggregate.version)
