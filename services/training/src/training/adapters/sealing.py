"""Personal content sealed with AES-GCM under a key per person, which the agency's key wraps (design, section 5)."""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.errors import Expected
from chassis.keyring import KEY_BYTES, Keyring

NONCE_BYTES = 12


class Unreadable(Expected):
    """A defect: what was sealed does not open under the key it names."""

    code = "unreadable_seal"


class AesSeals:
    """`about` and `key_id` are bound in: a sealed text can't be moved to another person or enrolment."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring

    def new_key(self, key_id: str) -> str:
        return self._wrapped(secrets.token_bytes(KEY_BYTES), key_id)

    def seal(self, content: bytes, key_id: str, wrapped_key: str, about: str) -> str:
        return _lock(self._unwrapped(wrapped_key, key_id), content, about)

    def open(self, sealed: str, key_id: str, wrapped_key: str, about: str) -> bytes:
        """Raises KeyMissing (503) for a person under a key that is not in the ring, and Unreadable."""
        return _unlock(self._unwrapped(wrapped_key, key_id), sealed, about)

    def is_former(self, wrapped_key: str) -> bool:
        """Whether it is wrapped by a key of the agency's that is to be dropped."""
        return self._ring.is_former(wrapped_key)

    def wrapped_anew(self, wrapped_key: str, key_id: str) -> str:
        """The same person's key, under the agency's key in use."""
        return self._wrapped(self._unwrapped(wrapped_key, key_id), key_id)

    def _wrapped(self, key: bytes, key_id: str) -> str:
        current = self._ring.current
        return current.signed(_lock(current.secret, key, key_id))

    def _unwrapped(self, wrapped_key: str, key_id: str) -> bytes:
        maker, text = self._ring.maker_of(wrapped_key)
        return _unlock(maker.secret, text, key_id)


def _lock(key: bytes, content: bytes, about: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, content, about.encode())).decode()


def _unlock(key: bytes, sealed: str, about: str) -> bytes:
    raw = base64.b64decode(sealed)
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode())
    except InvalidTag:
        raise Unreadable(seal="wrong key or changed") from None
