"""Who is asking: bearer tokens (JWT) of the token issuer, checked against its published keys; and how often."""

import base64
import binascii
import math
import re
import time
from collections.abc import Callable
from typing import Any

import jwt

from chassis import strict_json
from chassis.catalogue import CODE
from chassis.errors import Invalid, NotAuthenticated, TooMany
from chassis.issuer import ALGORITHMS, IssuerKeys, Key, KeyFile, Keys
from chassis.settings import ChassisSettings
from chassis.work import Actor

AUDIENCE = "basudara"
REQUIRED = ["iss", "aud", "exp", "nbf", "sub"]
LEEWAY_SECONDS = 30  # by so much an issuer's clock may differ from ours
TOKEN_CHARACTERS = 8192
BURST_SECONDS = 10  # what a credential may ask in so many seconds, it may ask at once
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_KINDS = (None, "JWT", "at+jwt")
LONGEST = 80  # of what a claim tells us
_ROLE, _SUBJECT = re.compile(r"[a-z][a-z_]*"), re.compile(r"[A-Za-z0-9][A-Za-z0-9._|:-]*")
_RULES: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "not valid yet",
    jwt.InvalidAudienceError: "for another audience",
    jwt.InvalidIssuerError: "of another issuer",
    jwt.InvalidSignatureError: "the signature does not fit",
}


class Gate:
    """Turns a token into an `Actor`."""

    def __init__(self, keys: Keys, issuer: str, lifetime_seconds: int) -> None:
        self._keys, self._issuer, self._lifetime = keys, issuer, lifetime_seconds

    async def actor(self, token: str) -> Actor:
        """Raises NotAuthenticated (401) with the rule that failed; Unavailable (503) when the keys can't be read."""
        if len(token) > TOKEN_CHARACTERS:
            raise NotAuthenticated(rule="longer than a token")
        if not _FORM.fullmatch(token):
            raise NotAuthenticated(rule="not in the form of a token")
        told, claimed, _ = token.split(".")
        header, claims = _opened(told, "header"), _opened(claimed, "payload")
        key = await self._keys.key(_kid_of(header))
        if header["alg"] != key.algorithm:
            raise NotAuthenticated(rule="not the algorithm of its key")
        self._verify(token, key)
        self._check_times(claims)
        return Actor(
            agency=_text(claims, "agency", CODE),
            role=_text(claims, "role", _ROLE),
            subject=_text(claims, "sub", _SUBJECT),
            service=_text(claims, "service", CODE) if "service" in claims else None,
        )

    def _verify(self, token: str, key: Key) -> None:
        try:
            jwt.decode(
                token,
                key=key.public,
                algorithms=[key.algorithm],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
        except jwt.MissingRequiredClaimError as error:
            raise NotAuthenticated(rule=f"claim {error.claim} is missing") from None
        except jwt.PyJWTError as error:
            raise NotAuthenticated(rule=_RULES.get(type(error), "not a valid token")) from None

    def _check_times(self, claims: dict[str, Any]) -> None:
        """Numbers, which the library does not insist on; and no token lives for longer than ours may."""
        times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
        for name, value in times.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise NotAuthenticated(rule=f"claim {name} is no time")
        if times["exp"] - min(times["nbf"], times.get("iat", times["nbf"])) > self._lifetime:
            raise NotAuthenticated(rule="valid for longer than allowed")


def gate_of(settings: ChassisSettings) -> Gate:
    by_file = settings.issuer_keys
    keys = KeyFile(by_file) if by_file is not None else IssuerKeys(settings.issuer, settings.issuer_jwks_url)
    return Gate(keys, settings.issuer, settings.token_seconds)


def _opened(part: str, name: str) -> dict[str, Any]:
    """A part of a token, read as strictly as any body; where a key is to be found (`jku`, `x5u`, …) is never asked."""
    try:
        found = strict_json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except binascii.Error:
        raise NotAuthenticated(rule=f"{name}: not base64url") from None
    except Invalid as error:
        raise NotAuthenticated(rule=f"{name}: {error.facts['rule']}") from None
    if not isinstance(found, dict):
        raise NotAuthenticated(rule=f"{name}: not an object")
    return found


def _kid_of(header: dict[str, Any]) -> str:
    if header.get("alg") not in ALGORITHMS.values():
        raise NotAuthenticated(rule="algorithm not allowed")
    if header.get("typ") not in _KINDS or "crit" in header:
        raise NotAuthenticated(rule="header: of another kind")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise NotAuthenticated(rule="names no key")
    return kid


def _text(claims: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = claims.get(name)
    if value is None:
        raise NotAuthenticated(rule=f"claim {name} is missing")
    if not isinstance(value, str) or len(value) > LONGEST or not form.fullmatch(value):
        raise NotAuthenticated(rule=f"claim {name} has another form")
    return value


class Pace:
    """So many requests a second of one credential, counted in this process: for each the moment when all that it asked
    would have been asked at that pace (GCRA)."""

    def __init__(self, per_second: int, now: Callable[[], float] = time.monotonic) -> None:
        self._each, self._now = 1 / per_second, now
        self._until: dict[Actor, float] = {}
        self._clean_at = now() + BURST_SECONDS

    def take(self, who: Actor) -> None:
        """Raises TooMany (429)."""
        now = self._now()
        until = max(self._until.get(who, now), now) + self._each
        if until > now + BURST_SECONDS:
            raise TooMany(wait_seconds=max(1, math.ceil(until - now - BURST_SECONDS)))
        self._until[who] = until
        if now > self._clean_at:
            self._until = {one: then for one, then in self._until.items() if then > now}
            self._clean_at = now + BURST_SECONDS
