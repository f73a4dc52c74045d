"""What the handlers need from outside a unit of work: values and pure functions only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from intake.domain.areas import Areas
from intake.domain.klien import Klien
from intake.domain.rules import RuleBook


@dataclass(frozen=True)
class Prints:
    """A text's fingerprints: under the keys it is entered by (the one in use and the next), and under former ones."""

    entered: tuple[str, ...]
    former: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """Under all keys: what it is looked for by."""
        return (*self.entered, *self.former)


class Vault(Protocol):
    """Seals a person with the person's own key, which is itself wrapped with the agency's."""

    def new_key(self, case_ref: str) -> str: ...
    def seal(self, klien: Klien, case_ref: str, wrapped_key: str) -> str: ...
    def open(self, sealed: str, case_ref: str, wrapped_key: str) -> Klien: ...
    def is_former(self, made: str) -> bool: ...
    def wrapped_anew(self, wrapped_key: str, case_ref: str) -> str: ...
    def fingerprint(self, kind: str, text: str) -> Prints: ...
    def printed_anew(self, print_: str) -> str: ...
    def content(self, klien: Klien, in_custody: bool) -> Prints: ...


class StaffMember(Protocol):
    @property
    def phone(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def whatsapp_optin(self) -> bool: ...


class Staff(Protocol):
    def officers(self) -> Mapping[str, StaffMember]: ...


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where commands are decided: the agency, its rules and tables, and its vault."""

    agency: str
    rules: RuleBook
    areas: Areas
    vault: Vault
    staff: Staff
