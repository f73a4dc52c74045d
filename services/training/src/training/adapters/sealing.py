"""Personal content sealed with AES-GCM under a key per person, which the agency's key wraps (design, section 5)."""

import base64
import binascii
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.errors import Expected

KEY_BYTES, NONCE_BYTES = 32, 12


class Unreadable(Expected):
    """A defect: what was sealed does not open under the key it names."""

    code = "unreadable_seal"


class AesSeals:
    """`about` and `key_id` are bound in: a sealed text can't be moved to another person or enrolment."""

    def __init__(self, agency_key: bytes) -> None:
        self._agency_key = agency_key

    @classmethod
    def from_file(cls, path: Path) -> "AesSeals":
        """32 bytes in base64. Raises ValueError."""
        try:
            key = base64.b64decode(path.read_text().strip(), validate=True)
        except binascii.Error:
            raise ValueError("agency key file: not base64") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"agency key file: {KEY_BYTES} bytes are needed")
        return cls(key)

    def new_key(self, key_id: str) -> str:
        return _lock(self._agency_key, secrets.token_bytes(KEY_BYTES), key_id)

    def seal(self, content: bytes, key_id: str, wrapped_key: str, about: str) -> str:
        return _lock(_unlock(self._agency_key, wrapped_key, key_id), content, about)

    def open(self, sealed: str, key_id: str, wrapped_key: str, about: str) -> bytes:
        return _unlock(_unlock(self._agency_key, wrapped_key, key_id), sealed, about)


def _lock(key: bytes, content: bytes, about: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, content, about.encode())).decode()


def _unlock(key: bytes, sealed: str, about: str) -> bytes:
    raw = base64.b64decode(sealed)
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode())
    except InvalidTag:
        raise Unreadable(seal="wrong key or changed") from None
