"""Personal data at rest: AES-256-GCM with one key per person, each wrapped with the agency's key.

Deleting a person's key is erasure, in backups too. Source: design, section 5.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import TypeAdapter

from intake.domain.klien import Klien

KEY_BYTES, NONCE_BYTES = 32, 12
_KLIEN = TypeAdapter(Klien)


class UnusableKey(ValueError):
    """The agency's key file holds no key: the service must not start."""


class AesVault:
    """Every ciphertext is bound to its case: one copied to another case does not open (cryptography's InvalidTag)."""

    def __init__(self, agency_key: bytes) -> None:
        if len(agency_key) != KEY_BYTES:
            raise UnusableKey(f"the agency key has {len(agency_key)} bytes, not {KEY_BYTES}")
        self._wrapping = _derived(agency_key, b"wrap")
        self._printing = _derived(agency_key, b"fingerprint")

    @classmethod
    def load(cls, file: Path) -> "AesVault":
        """From a file of 32 random bytes in base64. Raises UnusableKey."""
        try:
            key = base64.b64decode(file.read_text().strip(), validate=True)
        except (OSError, ValueError) as cause:
            raise UnusableKey("the agency key file can't be read") from cause
        return cls(key)

    def new_key(self, case_ref: str) -> str:
        return _sealed(self._wrapping, secrets.token_bytes(KEY_BYTES), f"key:{case_ref}")

    def seal(self, klien: Klien, case_ref: str, wrapped_key: str) -> str:
        key = _opened(self._wrapping, wrapped_key, f"key:{case_ref}")
        return _sealed(key, _KLIEN.dump_json(klien), f"klien:{case_ref}")

    def open(self, sealed: str, case_ref: str, wrapped_key: str) -> Klien:
        key = _opened(self._wrapping, wrapped_key, f"key:{case_ref}")
        return _KLIEN.validate_json(_opened(key, sealed, f"klien:{case_ref}"))

    def fingerprint(self, kind: str, text: str) -> str:
        """The same for the same text, and of no use without the agency's key: numbers are short enough to be tried."""
        return hmac.new(self._printing, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()

    def content(self, klien: Klien, in_custody: bool) -> str:
        """Of a whole registration. Unknown members are left out, so that a release that adds one changes no print."""
        return self.fingerprint("content", f"{in_custody}:{_KLIEN.dump_json(klien, exclude_none=True).decode()}")


def _derived(agency_key: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=b"basudara.intake." + use).derive(agency_key)


def _sealed(key: bytes, plain: bytes, bound_to: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())).decode()


def _opened(key: bytes, sealed: str, bound_to: str) -> bytes:
    raw = base64.b64decode(sealed)
    return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode())
