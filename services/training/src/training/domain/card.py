"""Participant cards: identity fetched once, kept sealed, gone when its purpose ends."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class CardSeen:
    """What the enrolment may know of the card: no identity, only what the rules ask, judged on the fetch day."""

    fetched_at: datetime
    minor: bool
    guardian: bool
    old_enough: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    """`id` is the enrolment's id. `sealed` is readable only with the person's key; None once erased."""

    id: str
    version: int = 1
    key_id: str
    sealed: str | None
    fetched_at: datetime
    erased_at: datetime | None = None

    def renew(self, sealed: str, at: datetime) -> "Card":
        return replace(self, version=self.version + 1, sealed=sealed, fetched_at=at, erased_at=None)

    def erase(self, at: datetime) -> "Card":
        return replace(self, version=self.version + 1, sealed=None, erased_at=at)


@dataclass(frozen=True, kw_only=True)
class PersonKey:
    """`id` is the case's pseudonym. `wrapped` is opened only by the agency's key; None is erasure, in backups too."""

    id: str
    version: int = 1
    wrapped: str | None
    is_shut: bool = False  # the person was erased: no key is made for them any more

    def renew(self, wrapped: str) -> "PersonKey":
        return replace(self, version=self.version + 1, wrapped=wrapped)

    def erase(self) -> "PersonKey":
        return replace(self, version=self.version + 1, wrapped=None)

    def shut(self) -> "PersonKey":
        return replace(self.erase(), is_shut=True)
