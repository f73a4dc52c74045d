"""What opens: every sealed text that lies anywhere in a stack, tried with every key that lies anywhere in it.

The tag that binds a text to its person and place is not looked at, so one that was copied elsewhere opens too.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson import json_util
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deploy.basudara.stack import Stack
from tests.system.seeing import logs, records
from tests.system.told import whole

OF_THE_STORE_ITSELF = ("admin", "config", "local")
TOKEN = re.compile(rb"[A-Za-z0-9+/]{38,}")
KEY, NONCE, TAG = 32, 12, 16
LEAST_SEALED = 100  # bytes; a person or a card is longer, a key shorter
WRAPPED_BY = (b"basudara.intake.wrap",)  # what intake derives its wrapping key for; training uses the agency's as it is


@dataclass(frozen=True)
class Opened:
    place: str
    text: str


def everything(stack: Stack, *files: Path) -> dict[str, bytes]:
    """Each document of every store, each record of every topic, all logs, and these files, by where they lie."""
    places = {name: text.encode() if isinstance(text, str) else text for name, text in whole(records(stack)).items()}
    places |= {name: text.encode() for name, text in logs(stack).items()}
    places |= {str(file): file.read_bytes() for file in files}
    with stack.reach.store() as mongo:
        for name in mongo.list_database_names():
            if name in OF_THE_STORE_ITSELF:
                continue
            for collection in mongo[name].list_collection_names():
                for row in mongo[name][collection].find():
                    places[f"{name}:{collection}:{row['_id']}"] = json_util.dumps(_readable(row)).encode()
    return places


def _readable(value: Any) -> Any:
    """With bytes that are text, such as a record waiting to be sent, as text."""
    if isinstance(value, dict):
        return {name: _readable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_readable(member) for member in value]
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def sealed_in(places: Mapping[str, bytes]) -> dict[bytes, str]:
    """What may be a sealed text, and where one copy of it lies."""
    return {raw: name for name, place in places.items() for raw in _tokens(place) if len(raw) >= LEAST_SEALED}


def keys_in(places: Mapping[str, bytes], secrets: Path) -> frozenset[bytes]:
    """What may be the key of a person, unwrapped with whatever key of an agency its files hold."""
    files = [raw for file in sorted(secrets.glob("*.key*")) for raw in _tokens(file.read_bytes()) if len(raw) == KEY]
    assert files, "no agency has a key"
    agencies = [*files, *(_derived(key, use) for key in files for use in WRAPPED_BY)]
    wrapped = {raw for place in places.values() for raw in _tokens(place) if len(raw) == NONCE + KEY + TAG}
    return frozenset(_unsealed(key, raw) for key in agencies for raw in wrapped) | frozenset(agencies)


def opened(sealed: Mapping[bytes, str], keys: Iterable[bytes]) -> list[Opened]:
    """The texts that any of these keys opens."""
    found = []
    for key in keys:
        for raw, place in sealed.items():
            if _unsealed(key, raw, first=2) == b'{"' and _is_json(text := _unsealed(key, raw)):
                found.append(Opened(place, text.decode()))
    return found


def _tokens(place: bytes) -> Iterable[bytes]:
    for token in TOKEN.findall(place):
        if len(token) % 4 != 1:  # no length of base64
            yield base64.b64decode(token + b"=" * (-len(token) % 4))


def _unsealed(key: bytes, raw: bytes, first: int | None = None) -> bytes:
    """AES-GCM without its tag is counter mode, which counts from 2."""
    counter = raw[:NONCE] + (2).to_bytes(4, "big")
    return Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor().update(raw[NONCE:-TAG][:first])


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _derived(agency_key: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), length=KEY, salt=None, info=use).derive(agency_key)
