"""Who is asking: bearer tokens (JWT, ES256) of the token issuer, checked against its published keys."""

import json
from pathlib import Path
from typing import Any

import jwt

from chassis.errors import NotAuthenticated, Unavailable
from chassis.work import Actor

AUDIENCE = "basudara"
ALGORITHMS = ["ES256"]  # pinned by us: what a token says of itself decides nothing
LEEWAY_SECONDS = 30


class Gate:
    """Turns a token into an `Actor`. The key file is read again when it changes, so keys can rotate."""

    def __init__(self, keys: Path, issuer: str) -> None:
        self._file, self._issuer = keys, issuer
        self._read_at = -1
        self._keys: dict[str, Any] = {}

    def actor(self, token: str) -> Actor:
        """Raises NotAuthenticated (401) with the rule that failed; Unavailable when the keys can't be read."""
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid", ""))
            claims = jwt.decode(
                token,
                key=key,
                algorithms=ALGORITHMS,
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "nbf", "iss", "aud", "sub"]},
            )
            return Actor(
                agency=_text(claims, "agency"),
                role=_text(claims, "role"),
                subject=_text(claims, "sub"),
                service=_text(claims, "service") if "service" in claims else None,
            )
        except jwt.PyJWTError as error:
            raise NotAuthenticated(rule=type(error).__name__) from None

    def _key(self, kid: object) -> Any:
        try:
            changed = self._file.stat().st_mtime_ns
            if changed != self._read_at:
                rows = json.loads(self._file.read_text())["keys"]
                self._keys = {row["kid"]: jwt.PyJWK(row, algorithm="ES256").key for row in rows}
                self._read_at = changed
        except (OSError, ValueError, KeyError) as cause:
            raise Unavailable(issuer_keys="unreadable") from cause
        if kid not in self._keys:
            raise NotAuthenticated(rule="unknown key")
        return self._keys[kid]


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 80:
        raise NotAuthenticated(rule=f"claim {name} is missing")
    return value
