"""Personal data at rest: AES-256-GCM with one key per person, each wrapped with the agency's key.

Deleting a person's key is erasure, in backups too. Source: design, section 5. The agency's key can be replaced
(decision 0009): what is made under it bears its name, so that former ones still open what they made.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from itertools import accumulate

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter

from chassis.keyring import KEY_BYTES, AgencyKey, Keyring, derived
from intake.application.ports import Prints
from intake.domain.klien import Klien

NONCE_BYTES = 12
_WRAPPING = b"basudara.intake.wrap"
_KLIEN = TypeAdapter(Klien)


class AesVault:
    """Every ciphertext is bound to its case: one copied to another case does not open (cryptography's InvalidTag)."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._wrapping = {key.name: derived(key.secret, _WRAPPING) for key in ring.keys if key.secret}

    def new_key(self, case_ref: str) -> str:
        return self._wrapped(secrets.token_bytes(KEY_BYTES), case_ref)

    def seal(self, klien: Klien, case_ref: str, wrapped_key: str) -> str:
        return _sealed(self._unwrapped(wrapped_key, case_ref), _KLIEN.dump_json(klien), f"klien:{case_ref}")

    def open(self, sealed: str, case_ref: str, wrapped_key: str) -> Klien:
        """Raises KeyMissing (503) for a person under a key that is not in the ring."""
        key = self._unwrapped(wrapped_key, case_ref)
        return _KLIEN.validate_json(_opened(key, sealed, f"klien:{case_ref}"))

    def is_former(self, made: str) -> bool:
        """Whether a wrapped key or a fingerprint was made under a key that is to be dropped."""
        return self._ring.is_former(made)

    def wrapped_anew(self, wrapped_key: str, case_ref: str) -> str:
        """The same person's key, under the key in use."""
        return self._wrapped(self._unwrapped(wrapped_key, case_ref), case_ref)

    def fingerprint(self, kind: str, text: str) -> Prints:
        """The same for the same text, and of no use without the agency's key: numbers are short enough to be tried.

        Each key prints what the one before it printed: so an old print is made anew without the text.
        """
        keys = self._ring.keys
        made = [(key.state, key.signed(one)) for key, one in zip(keys, _prints(keys, f"{kind}:{text}"), strict=True)]
        return Prints(
            entered=tuple(print_ for state, print_ in made if state in ("current", "next")),
            former=tuple(print_ for state, print_ in made if state == "former"),
        )

    def printed_anew(self, print_: str) -> str:
        """A former key's fingerprint as the key in use makes it. Raises KeyMissing (503)."""
        maker, text = self._ring.maker_of(print_)
        keys = self._ring.keys
        later = keys[keys.index(maker) + 1 : keys.index(self._ring.current) + 1]
        return self._ring.current.signed([text, *_prints(later, text)][-1])

    def content(self, klien: Klien, in_custody: bool) -> Prints:
        """Of a whole registration. Unknown members are left out, so that a release that adds one changes no print."""
        return self.fingerprint("content", f"{in_custody}:{_KLIEN.dump_json(klien, exclude_none=True).decode()}")

    def _wrapped(self, key: bytes, case_ref: str) -> str:
        current = self._ring.current
        return current.signed(_sealed(self._wrapping[current.name], key, f"key:{case_ref}"))

    def _unwrapped(self, wrapped_key: str, case_ref: str) -> bytes:
        maker, text = self._ring.maker_of(wrapped_key)
        return _opened(self._wrapping[maker.name], text, f"key:{case_ref}")


def _prints(keys: Sequence[AgencyKey], text: str) -> list[str]:
    """One for each key, of what the key before it printed."""
    return list(accumulate(keys, _printed, initial=text))[1:]


def _printed(text: str, key: AgencyKey) -> str:
    return hmac.new(key.trace, text.encode(), hashlib.sha256).hexdigest()


def _sealed(key: bytes, plain: bytes, bound_to: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())).decode()


def _opened(key: bytes, sealed: str, bound_to: str) -> bytes:
    raw = base64.b64decode(sealed)
    return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode())
