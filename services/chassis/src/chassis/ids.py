"""Identifiers: random where a person stands behind them, ordered by time for events."""

import base64
import hashlib
import secrets
from datetime import datetime

from uuid_utils import UUID, uuid7


def new_id(prefix: str) -> str:
    """`prefix_` and 26 characters of [a-z2-7]: 130 random bits, so no id tells of another or can be guessed."""
    return _id(prefix, secrets.token_bytes(17))


def id_from(prefix: str, *told: str) -> str:
    """The same id for the same words, in the form of `new_id`: only for what its readers may trace to them."""
    return _id(prefix, _digest(told))


def _id(prefix: str, random: bytes) -> str:
    return f"{prefix}_{base64.b32encode(random[:17]).decode().lower()[:26]}"


def event_id() -> str:
    """A UUIDv7 that is larger than every earlier one of this process: rows sorted by it keep their order."""
    return str(uuid7())


def event_id_from(cause: str, *told: str, at: datetime, number: int = 0) -> str:
    """The UUIDv7 of what follows from a cause: done again, it is the same, and whoever heard it knows it.

    It sorts near its cause, by its `number` among what follows: its millisecond is the cause's, or that of `at`, where
    the cause is no UUIDv7.
    """
    raw = bytearray(_digest((cause, *told, str(number)))[:16])
    made = _uuid7(cause)
    raw[:6] = made.bytes[:6] if made else int(at.timestamp() * 1000).to_bytes(6, "big")
    raw[6:8] = (0x7000 | min(number, 0x0FFF)).to_bytes(2, "big")
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(UUID(bytes=bytes(raw)))


def _uuid7(text: str) -> UUID | None:
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if found.version == 7 else None


def _digest(told: tuple[str, ...]) -> bytes:
    """Of the words one by one: `ab`, `c` is not `a`, `bc`."""
    return hashlib.sha256("\0".join(told).encode()).digest()


def traceparent() -> str:
    """A new W3C trace context, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_of(parent: str) -> str:
    """The same trace, a new span."""
    version, trace, _, flags = parent.split("-")
    return f"{version}-{trace}-{secrets.token_hex(8)}-{flags}"
