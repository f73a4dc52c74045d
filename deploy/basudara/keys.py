"""An agency's key is replaced: `basudara agency rekey`, and for rings that lie elsewhere `agency keyring`.

Every replica knows a key before any uses it, and a key is dropped only when nothing is left under it.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from chassis.keyring import KEY_BYTES, AgencyKey, Keyring, UnusableKey
from deploy.basudara.console import UP, AsJson, Home, Refusal, busy, known, one_line
from deploy.basudara.provisions import write
from deploy.basudara.stack import Stack

MADE_UNDER_IT = {  # service -> collections and members that bear the key's name
    "intake": (("person_keys", "wrapped"), ("register", "_id")),
    "training": (("person_keys", "wrapped"),),
}
WAIT_SECONDS = 3600.0
LOOK_SECONDS = 0.5


def rekey(
    code: str,
    drop_former: Annotated[
        bool, typer.Option("--drop-former", help="forget the former key, if nothing is left under it")
    ] = False,
    home: Home = UP,
    as_json: AsJson = False,
) -> None:
    """A new key of the agency's, under which all persons' keys are wrapped anew; a second call drops the former one.

    Cut short, it goes on where it stopped. Exit code 1: something is left under the former key, which stays.
    """
    with one_line():
        replacing = Replacing(Stack.load(home), code)
        lines, left = replacing.drop() if drop_former else replacing.replace()
    print(json.dumps(lines) if as_json else "\n".join(lines))
    if left:
        raise typer.Exit(1)


def keyring(
    file: Path, step: Annotated[str, typer.Argument(help="next, use or drop, in this order, one for each roll-out")]
) -> None:
    """One step of the same, on a ring that services elsewhere read: it is written anew in its place."""
    with one_line():
        steps: dict[str, Callable[[Keyring], Keyring]] = {"next": with_next, "use": in_use, "drop": without_former}
        if step not in steps:
            raise Refusal(f"{step}: not one of {', '.join(steps)}")
        write(file, text_of(steps[step](_read(file))))
        ring = _read(file)
    print(f"{file.name}: {', '.join(f'{key.state} {key.name}'.strip() for key in ring.keys)}")


class Replacing:
    """One agency's, in a running installation. Raises Refusal."""

    def __init__(self, stack: Stack, code: str) -> None:
        self._stack, self._code = stack, code
        self._services = [one for one in known(stack, code).services if one in MADE_UNDER_IT]
        if not self._services:
            raise Refusal(f"{code}: none of its services keeps persons")
        if stack.external:
            raise Refusal("others run its services: `basudara agency keyring` changes the ring that they read")
        self._file = Path(stack.secrets.settings(code, self._services[0])["AGENCY_KEY_FILE"])

    def replace(self) -> tuple[list[str], int]:
        """What was done, and how much is left under a former key: nothing, unless it takes too long."""
        running = self._stack.running_of(self._code)
        if idle := [one for one in self._services if f"{self._code}/{one}" not in running]:
            raise Refusal(f"{self._code}: {', '.join(idle)} must run, to wrap persons' keys anew")
        with busy(f"{self._code} gets a new key"):
            ring = _read(self._file)
            if not ring.in_state("former"):
                if not ring.in_state("next"):
                    self._write(with_next(ring))
                self._restart()
                self._write(in_use(_read(self._file)))
            self._restart()
            until = time.monotonic() + WAIT_SECONDS
            while (left := self.left()) and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
        told = [f"new key {_read(self._file).current.name} of {self._code}", _left(left)]
        if not left:
            told.append(f"it can go: basudara agency rekey {self._code} --drop-former")
        return told, left

    def drop(self) -> tuple[list[str], int]:
        ring = _read(self._file)
        if not ring.in_state("former"):
            raise Refusal(f"{self._code}: there is no former key")
        with busy(f"{self._code} forgets its former key"):
            self._restart()  # cut short, `replace` may have left one that still uses it
            left = self.left()
            if left:
                return [_left(left), "nothing was dropped"], left
            self._write(without_former(ring))
            self._restart()
        return [_left(0), f"former key of {self._code} dropped: backups from before open no longer"], 0

    def left(self) -> int:
        """So many wrapped keys and fingerprints that do not bear the name of the key in use."""
        name = _read(self._file).current.name
        wanted: dict[str, Any] = {"$type": "string", "$not": {"$regex": f"^{name}:"}}
        with self._stack.reach.store() as client:
            return sum(
                client[self._stack.databases[f"{self._code}/{service}"]][collection].count_documents({member: wanted})
                for service in self._services
                for collection, member in MADE_UNDER_IT[service]
            )

    def _write(self, ring: Keyring) -> None:
        write(self._file, text_of(ring))

    def _restart(self) -> None:
        for service in self._services:
            self._stack.restart(f"{self._code}/{service}")


# -- rings -------------------------------------------------------------------------------------------------------------


def with_next(ring: Keyring) -> Keyring:
    """A fresh key that every replica is to know before one uses it. Raises Refusal."""
    if ring.in_state("former") or ring.in_state("next"):
        raise Refusal("a key is being replaced already: that comes to its end first")
    fresh = f"next {base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"
    return Keyring.of(text_of(ring) + fresh)


def in_use(ring: Keyring) -> Keyring:
    """Raises Refusal."""
    if not ring.in_state("next"):
        raise Refusal("there is no next key to use")
    after = {"current": "former", "next": "current"}
    return Keyring(tuple(replace(key, state=after.get(key.state, key.state)) for key in ring.keys))


def without_former(ring: Keyring) -> Keyring:
    """Only what fingerprints go on from is kept of them. Raises Refusal."""
    if not ring.in_state("former"):
        raise Refusal("there is no former key to drop")
    return Keyring(tuple(replace(key, state="dropped") if key.state == "former" else key for key in ring.keys))


def text_of(ring: Keyring) -> str:
    return "".join(f"{key.state} {base64.b64encode(_kept_of(key)).decode()}\n" for key in ring.keys)


def _kept_of(key: AgencyKey) -> bytes:
    return key.trace if key.state == "dropped" else key.secret


def _read(file: Path) -> Keyring:
    """Raises Refusal."""
    try:
        return Keyring.load(file)
    except UnusableKey as error:
        raise Refusal(f"{error.facts['file']}: {error.facts['rule']}") from None


def _left(count: int) -> str:
    return f"left under a former key: {count or 'nothing'}"
