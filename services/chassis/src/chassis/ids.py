"""Identifiers: random where a person stands behind them, ordered by time for events."""

import base64
import secrets

from uuid_utils import uuid7


def new_id(prefix: str) -> str:
    """`prefix_` and 26 characters of [a-z2-7]: 130 random bits, so no id tells of another or can be guessed."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]}"


def event_id() -> str:
    """A UUIDv7 that is larger than every earlier one of this process: rows sorted by it keep their order."""
    return str(uuid7())


def traceparent() -> str:
    """A new W3C trace context, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_of(parent: str) -> str:
    """The same trace, a new span."""
    version, trace, _, flags = parent.split("-")
    return f"{version}-{trace}-{secrets.token_hex(8)}-{flags}"
