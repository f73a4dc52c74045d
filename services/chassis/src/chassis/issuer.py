"""The token issuer's public keys: from a file, or from the issuer itself (JWKS, by OpenID discovery or by address).

PyJWT's own client is not used: it blocks the loop, asks again at once after each failure, and forgets what it knew
when the issuer is away (decision 0012).
"""

import asyncio
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jwt
import structlog

from chassis import strict_json
from chassis.errors import Expected, NotAuthenticated, Unavailable

log = structlog.get_logger()

LOCAL_ISSUER, LOCAL_KID = "basudara-local", "local-"  # of the example: refused in production
# one for each kind of key, chosen by us: neither the token nor the issuer's document can choose another
ALGORITHMS = {("EC", "P-256"): "ES256", ("EC", "P-384"): "ES384", ("RSA", None): "RS256", ("OKP", "Ed25519"): "EdDSA"}
RSA_BITS = 2048
SOON_SECONDS = 60.0  # keys older than this are asked for again, while the request goes on with those at hand
FRESH_SECONDS = 300.0  # and older than this, before it goes on: a key that the issuer took back counts no longer
KEPT_SECONDS = 3600.0  # while the issuer is away, its last keys count for so long; then 503
PAUSE_SECONDS = 10.0  # between two looks, whoever asks: forged names of keys can't make us flood the issuer
TIMEOUT_SECONDS = 3.0  # of one call to the issuer
LARGEST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Key:
    algorithm: str
    public: Any


class Keys(Protocol):
    async def key(self, kid: str) -> Key:
        """Raises NotAuthenticated (401) for a name that is not the issuer's, Unavailable (503) if nobody can tell."""


def keys_of(document: Any) -> dict[str, Key]:
    """What we take of a JWKS, by its name. Raises ValueError if it is none.

    Left out: what is not for signing, shared secrets, published private keys, weak or unknown kinds, keys without a
    name, and all keys of a name that is there twice.
    """
    rows = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("not a JWKS")
    names = Counter(str(row.get("kid", "")) for row in rows)
    found = {str(row["kid"]): _usable(row) for row in rows if row.get("kid") and names[str(row["kid"])] == 1}
    return {kid: key for kid, key in found.items() if key is not None}


def _usable(row: dict[str, Any]) -> Key | None:
    algorithm = ALGORITHMS.get((str(row.get("kty")), row.get("crv") if isinstance(row.get("crv"), str) else None))
    if algorithm is None or row.get("alg", algorithm) != algorithm or row.get("use", "sig") != "sig" or "d" in row:
        return None
    try:
        public = jwt.PyJWK(row, algorithm=algorithm).key
    except jwt.PyJWTError:
        return None
    return None if algorithm == "RS256" and public.key_size < RSA_BITS else Key(algorithm, public)


class KeyFile:
    """A JWKS file, read again when it changes, so that keys can rotate."""

    def __init__(self, file: Path) -> None:
        self._file, self._read_at = file, -1
        self._keys: dict[str, Key] = {}

    async def key(self, kid: str) -> Key:
        try:
            changed = self._file.stat().st_mtime_ns
            if changed != self._read_at:
                self._keys, self._read_at = keys_of(strict_json.loads(self._file.read_bytes())), changed
        except (OSError, ValueError, Expected) as cause:
            raise Unavailable(issuer_keys="unreadable") from cause
        if kid not in self._keys:
            raise NotAuthenticated(rule="unknown key")
        return self._keys[kid]


class IssuerKeys:
    """Keys by HTTP. One look at a time, shared by all who wait for it."""

    def __init__(
        self,
        issuer: str,
        jwks_url: str | None,
        get: Callable[[str], Any] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer, self._jwks_url = issuer, jwks_url
        self._get, self._now = get or get_json, now
        self._keys: dict[str, Key] = {}
        self._read_at, self._next_at = float("-inf"), float("-inf")
        self._away = False  # the last look found nobody
        self._look: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> Key:
        age = self._now() - self._read_at
        known = self._keys.get(kid) if age < KEPT_SECONDS else None
        if known is None or age >= SOON_SECONDS:
            look = self._begin_look()
            if look is not None and (known is None or (age >= FRESH_SECONDS and not self._away)):
                await asyncio.shield(look)
                known = self._keys.get(kid) if self._now() - self._read_at < KEPT_SECONDS else None
        if known is not None:
            return known
        if self._away:
            raise Unavailable(issuer_keys="issuer not reached")
        raise NotAuthenticated(rule="unknown key")

    def _begin_look(self) -> "asyncio.Task[None] | None":
        """The look that is under way, or a new one; None in the pause after one."""
        if self._look is None or self._look.done():
            if self._now() < self._next_at:
                return None
            self._look = asyncio.create_task(self._ask())
        return self._look

    async def _ask(self) -> None:
        try:
            self._keys = await asyncio.to_thread(self._fetch)
            self._read_at, self._away = self._now(), False
        except (OSError, ValueError, Expected) as error:
            self._away = True
            log.warning("issuer.not_reached", exc_info=error)
        finally:
            self._next_at = self._now() + PAUSE_SECONDS

    def _fetch(self) -> dict[str, Key]:
        return keys_of(self._get(self._jwks_url or self._discovered()))

    def _discovered(self) -> str:
        """OpenID Connect Discovery 1.0. Raises ValueError if the document is another issuer's."""
        told = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        url = told.get("jwks_uri") if isinstance(told, dict) else None
        if not isinstance(url, str) or told.get("issuer") != self._issuer:
            raise ValueError("not this issuer's configuration")
        if self._issuer.startswith("https://") and not url.startswith("https://"):
            raise ValueError("the keys of an issuer by https lie elsewhere")
        return url


class _Stay(urllib.request.HTTPRedirectHandler):
    """Where the keys are is a setting, and not for the answer to change."""

    def redirect_request(self, *_: Any) -> None:
        return None


def get_json(url: str) -> Any:
    """For a thread. Raises OSError, ValueError, and Invalid for what is not strict JSON."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("not an address for keys")
    opener = urllib.request.build_opener(_Stay(), urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as reply:
            raw = reply.read(LARGEST_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    if len(raw) > LARGEST_BYTES:
        raise ValueError("larger than any list of keys")
    return strict_json.loads(raw)
