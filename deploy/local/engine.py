"""One real Kafka and one real MongoDB as child processes on loopback, with everything they keep under one folder.

    home/kafka/  home/mongo/   data
    home/run/                  pid files, the ports last used, configuration made at each start
    home/logs/                 what both say, and what they said the time before (`.1`)
    home/secrets/              with rights: the operator's password and MongoDB's key

`python -m deploy.local.engine start|stop|status [--home DIR] [--rights] [--json]` is the same by hand.
"""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local import kafka, logins, loopback, mongo, processes
from deploy.local.logins import Login
from deploy.local.processes import CannotStart, Child, PortTaken

__all__ = ["CannotStart", "Engine", "Extras", "Login", "engine", "start", "status", "stop"]

_ROOT = Path(__file__).resolve().parents[2]
_TRIES = 4
_STOP_LIMIT_SECONDS = 15
_locks: dict[Path, int] = {}


@dataclass(frozen=True)
class Engine:
    """Where both answer; `operator`: who may do everything in both. None: everybody may."""

    kafka: str  # "127.0.0.1:PORT"
    mongo: str  # "mongodb://127.0.0.1:PORT/?replicaSet=rs0"
    operator: Login | None = None


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What only tests of faults ask for.

    `side_door`: a further port of Kafka, and the port that its clients are told in its place, where a proxy listens.
    `fail_points`: MongoDB's own may be set.
    """

    side_door: tuple[int, int] | None = None
    fail_points: bool = False


_NO_EXTRAS = Extras()


@dataclass(frozen=True, kw_only=True)
class _Ports:
    kafka: int
    controller: int
    mongo: int

    def engine(self, operator: Login | None) -> Engine:
        return Engine(f"127.0.0.1:{self.kafka}", f"mongodb://127.0.0.1:{self.mongo}/?replicaSet=rs0", operator)


def start(home: Path, *, foreground: bool = True, rights: bool = False, extras: Extras = _NO_EXTRAS) -> Engine:
    """Start both on the data in `home` and return when both answer. Raises CannotStart.

    `foreground`: they end with this process, and no other may use `home` until `stop`. Otherwise they live on, and
    starting what already runs returns it. Whatever a killed run left in `home` is healed first.
    `rights`: nobody gets in without a password, and only the operator may do anything until others are given rights.
    A home is made with or without, and stays so.
    """
    home = home.resolve()
    _lock(home)
    try:
        operator = _operator(home, rights)
        running = None if foreground else _running(home, operator)
        return running or _start(home, foreground, extras, operator)
    except BaseException:
        _unlock(home)
        raise
    finally:
        if not foreground:
            _unlock(home)


def stop(home: Path) -> None:
    """End both, in order and completely. Nothing happens where nothing runs."""
    home = home.resolve()
    with ThreadPoolExecutor(2) as both:
        list(both.map(_end, _pid_files(home)))
    _unlock(home)


def status(home: Path) -> dict[str, dict[str, str | int | bool | None]]:
    """For "kafka" and "mongo": `address`, `pid`, `healthy` and `version`; None where it doesn't run."""
    home = home.resolve()
    ports, operator = _last_ports(home), logins.kept(home)
    said: dict[str, dict[str, str | int | bool | None]] = {}
    for name, pid_file in zip(("kafka", "mongo"), _pid_files(home), strict=True):
        child = processes.find(pid_file) if ports else None
        if child is None or ports is None:
            said[name] = {"address": None, "pid": None, "healthy": False, "version": None}
        elif name == "kafka":
            healthy = kafka.answers(ports.kafka, operator)
            said[name] = _line(ports.engine(None).kafka, child, healthy, kafka.version())
        else:
            healthy = mongo.answers(ports.mongo, operator)
            said[name] = _line(ports.engine(None).mongo, child, healthy, mongo.version(ports.mongo))
    return said


@contextmanager
def engine(home: Path, *, fresh: bool = False, rights: bool = False, extras: Extras = _NO_EXTRAS) -> Iterator[Engine]:
    """Both for the length of a `with`; `fresh` empties `home` first. Raises CannotStart."""
    home = home.resolve()
    if fresh:
        _wipe(home)
    started = start(home, rights=rights, extras=extras)  # outside: what another run holds is not ours to stop
    try:
        yield started
    finally:
        stop(home)


def _operator(home: Path, rights: bool) -> Login | None:
    """Raises CannotStart: `home` is of the other kind."""
    there = logins.kept(home)
    if there and not rights:
        raise CannotStart(f"{home} was made with rights: start it with them, or take another home.")
    if rights and not there and (kafka.formatted(home / "kafka") or mongo.has_data(home)):
        raise CannotStart(f"{home} was made without rights: start it without, or take another home.")
    return logins.make(home) if rights else None


def _start(home: Path, foreground: bool, extras: Extras, operator: Login | None) -> Engine:
    _end_all(home)
    for attempt in range(1, _TRIES + 1):
        ports = _choose_ports(home, anew=attempt > 1)
        try:
            mongod = mongo.start(
                home, port=ports.mongo, foreground=foreground, fail_points=extras.fail_points, operator=operator
            )
            broker = kafka.start(
                home,
                port=ports.kafka,
                controller_port=ports.controller,
                foreground=foreground,
                side_door=extras.side_door,
                operator=operator,
            )
            mongo.wait(home, mongod, port=ports.mongo, operator=operator)
            kafka.wait(home, broker, port=ports.kafka, operator=operator)
            return ports.engine(operator)
        except PortTaken:
            _end_all(home)
            if attempt == _TRIES:
                raise
        except BaseException:  # an interrupted start leaves nothing running either
            _end_all(home)
            raise
    raise AssertionError("unreachable")


def _running(home: Path, operator: Login | None) -> Engine | None:
    ports = _last_ports(home)
    if ports is None or not all(processes.find(pid_file) for pid_file in _pid_files(home)):
        return None
    healthy = kafka.answers(ports.kafka, operator) and mongo.answers(ports.mongo, operator)
    return ports.engine(operator) if healthy else None


def _pid_files(home: Path) -> tuple[Path, Path]:
    return home / "run" / "kafka.pid", home / "run" / "mongo.pid"


def _end(pid_file: Path) -> None:
    processes.end_leftovers(pid_file, limit_seconds=_STOP_LIMIT_SECONDS)


def _end_all(home: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        list(both.map(_end, _pid_files(home)))


def _wipe(home: Path) -> None:
    """Data, logs and secrets go; `run` stays, since it holds the lock."""
    _lock(home)
    try:
        _end_all(home)
        for name in ("kafka", "kafka.new", "mongo", "logs", "secrets"):
            shutil.rmtree(home / name, ignore_errors=True)
    finally:
        _unlock(home)


# --- ports ------------------------------------------------------------------------------------------------------------


def _choose_ports(home: Path, *, anew: bool) -> _Ports:
    """Those of the last time where they are free: addresses that somebody noted stay good."""
    last = None if anew else _last_ports(home)
    if last and all(loopback.is_free(port) for port in asdict(last).values()):
        return last
    found = loopback.free_ports()
    ports = _Ports(kafka=next(found), controller=next(found), mongo=next(found))
    file = home / "run" / "ports.json"
    file.with_suffix(".new").write_text(json.dumps(asdict(ports)))
    file.with_suffix(".new").replace(file)
    return ports


def _last_ports(home: Path) -> _Ports | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return _Ports(**json.loads((home / "run" / "ports.json").read_text()))
    return None


# --- one user of a home at a time -------------------------------------------------------------------------------------


def _lock(home: Path) -> None:
    """Held until `_unlock`, or until this process ends in whatever way. Raises CannotStart: another one holds it."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    file = os.open(home / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise CannotStart(f"Another run uses {home}: wait for its end, or stop it.") from None
    _locks[home] = file


def _unlock(home: Path) -> None:
    file = _locks.pop(home, None)
    if file is not None:
        os.close(file)


# --- by hand ----------------------------------------------------------------------------------------------------------


def _line(address: str, child: Child, healthy: bool, version: str | None) -> dict[str, str | int | bool | None]:
    return {"address": address, "pid": child.pid, "healthy": healthy, "version": version}


def main(arguments: list[str] | None = None) -> int:
    """Exit 0: done (status: both healthy), 1: not healthy, 2: could not start."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.engine", description="Local Kafka and MongoDB.")
    parser.add_argument("action", choices=("start", "stop", "status"))
    parser.add_argument("--home", type=Path, default=_ROOT / ".local" / "engine", help="folder of data, logs and pids")
    parser.add_argument("--rights", action="store_true", help="start: nobody gets in without a password")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    asked = parser.parse_args(arguments)
    try:
        if asked.action == "start":
            start(asked.home, foreground=False, rights=asked.rights)
        elif asked.action == "stop":
            stop(asked.home)
    except CannotStart as reason:
        print(reason, file=sys.stderr)
        return 2
    said = status(asked.home)
    if asked.json:
        print(json.dumps(said, indent=2))
    else:
        for name, line in said.items():
            state = "healthy" if line["healthy"] else ("not answering" if line["pid"] else "not running")
            print(f"{name:6} {state:14} {line['address'] or '-'}  {line['version'] or ''}")
    return 0 if asked.action == "stop" or all(line["healthy"] for line in said.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
