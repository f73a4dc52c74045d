"""The ports of one home: those of the last time while they are free, so that noted addresses stay good."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local import loopback


@dataclass(frozen=True, kw_only=True)
class Ports:
    """`kafka` and `controllers`: one for each broker."""

    kafka: list[int]
    controllers: list[int]
    mongo: int

    @property
    def all(self) -> list[int]:
        return [*self.kafka, *self.controllers, self.mongo]


def choose(home: Path, *, brokers: int, anew: bool) -> Ports:
    known = None if anew else last(home)
    if known and len(known.kafka) == brokers and all(loopback.is_free(port) for port in known.all):
        return known
    found = loopback.free_ports()
    ports = Ports(
        kafka=[next(found) for _ in range(brokers)],
        controllers=[next(found) for _ in range(brokers)],
        mongo=next(found),
    )
    file = _file(home)
    file.with_suffix(".new").write_text(json.dumps(asdict(ports)))
    file.with_suffix(".new").replace(file)
    return ports


def last(home: Path) -> Ports | None:
    """None: it never ran, or nobody can tell."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Ports(**json.loads(_file(home).read_text()))
    return None


def _file(home: Path) -> Path:
    return home / "run" / "ports.json"
