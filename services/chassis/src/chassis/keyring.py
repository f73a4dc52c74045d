"""An agency's keys: the one in use, those before it as long as anything needs them, and the next one.

One file, 0600, a line for each key, oldest first: `STATE BASE64`. A file of one bare key is a ring of that one.
"""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.errors import Expected, Unavailable

KEY_BYTES = 32
STATES = ("dropped", "former", "current", "next")  # in this order; of a dropped key only its trace is kept
_TRACE = b"basudara.intake.fingerprint"  # intake's word from before there were rings
_NAME = b"basudara.key.name"


class UnusableKey(Expected):
    """A file that holds no ring of keys: the service must not start. Facts: `file`, `rule`."""

    code = "unusable_key"


class KeyMissing(Unavailable):
    """Something was made under a key that the ring does not hold: until its operator brings it. Facts: `key`."""

    code = "agency_key_missing"


@dataclass(frozen=True)
class AgencyKey:
    """`name` stands before all that was made under it; the first one's is empty, as it was before there were rings.

    `secret` is empty once dropped. `trace` is made from it, and nothing leads back: fingerprints go on from it.
    """

    state: str
    name: str
    secret: bytes
    trace: bytes

    def signed(self, text: str) -> str:
        return f"{self.name}:{text}" if self.name else text


@dataclass(frozen=True)
class Keyring:
    keys: tuple[AgencyKey, ...]

    @classmethod
    def load(cls, file: Path) -> "Keyring":
        """Raises UnusableKey."""
        try:
            text = file.read_text("ascii")
        except (OSError, ValueError):
            raise UnusableKey(file=file.name, rule="can't be read") from None
        try:
            return cls.of(text)
        except ValueError as error:
            raise UnusableKey(file=file.name, rule=str(error)) from None

    @classmethod
    def of(cls, text: str) -> "Keyring":
        """Raises ValueError, which does not quote the text."""
        lines = text.split("\n")
        rows = [line.partition(" ") if " " in line else ("current", " ", line) for line in lines if line.strip()]
        states = [state for state, _, _ in rows]
        if not set(states) <= set(STATES) or sorted(states, key=STATES.index) != states:
            raise ValueError(f"each line is {', '.join(STATES)} and a key, in this order")
        if states.count("current") != 1 or states.count("next") > 1:
            raise ValueError("one current key is needed, and one next key at most")
        return cls(tuple(_key(state, coded, first=not number) for number, (state, _, coded) in enumerate(rows)))

    @property
    def current(self) -> AgencyKey:
        return next(key for key in self.keys if key.state == "current")

    def in_state(self, state: str) -> tuple[AgencyKey, ...]:
        return tuple(key for key in self.keys if key.state == state)

    def maker_of(self, text: str) -> tuple[AgencyKey, str]:
        """The key under which this was made, and the text without its name. Raises KeyMissing."""
        name, _, made = text.rpartition(":")
        for key in self.keys:
            if key.name == name and key.secret:
                return key, made
        raise KeyMissing(key=name or "the first")

    def is_former(self, text: str) -> bool:
        """Whether it was made under a key that is to be dropped."""
        return text.rpartition(":")[0] in {key.name for key in self.in_state("former")}


def derived(secret: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=use).derive(secret)


def _key(state: str, coded: str, *, first: bool) -> AgencyKey:
    try:
        raw = base64.b64decode(coded.strip(), validate=True)
    except binascii.Error:
        raise ValueError("a key is not base64") from None
    if len(raw) != KEY_BYTES:
        raise ValueError(f"a key has {len(raw)} bytes, not {KEY_BYTES}")
    if state == "dropped":
        return AgencyKey(state, "", b"", raw)
    return AgencyKey(state, "" if first else derived(raw, _NAME)[:4].hex(), raw, derived(raw, _TRACE))
