"""One real Kafka and one real MongoDB as child processes on loopback, with everything they keep under one folder.

    home/kafka/  home/mongo/   data (of three brokers also home/kafka-2/, home/kafka-3/)
    home/run/                  pid files, the ports last used, configuration made at each start
    home/logs/                 what both say, and what they said the time before (`.1`)
    home/secrets/              with rights: the operator's password, MongoDB's key, and what TLS needs

`python -m deploy.local.engine start|stop|status [--home DIR] [--rights] [--brokers 3] [--json]` is the same by hand.
"""

import argparse
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chassis.login import Login
from deploy.local import certificates, kafka, logins, mongo, ports, processes
from deploy.local.processes import CannotStart, Child, PortTaken

__all__ = ["CannotStart", "Engine", "Extras", "engine", "start", "status", "stop"]

_ROOT = Path(__file__).resolve().parents[2]
_TRIES = 4
_STOP_LIMIT_SECONDS = 15
_locks: dict[Path, int] = {}


@dataclass(frozen=True)
class Engine:
    """Where both answer; `operator`: who may do everything in both, over TLS. None: everybody may, in the clear."""

    kafka: str  # "127.0.0.1:PORT"; of three brokers all three, with commas
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


def start(
    home: Path,
    *,
    foreground: bool = True,
    rights: bool = False,
    brokers: int | None = None,
    extras: Extras = _NO_EXTRAS,
) -> Engine:
    """Start both on the data in `home` and return when both answer. Raises CannotStart.

    `foreground`: they end with this process, and no other may use `home` until `stop`. Otherwise they live on, and
    starting what already runs returns it. Whatever a killed run left in `home` is healed first.
    `rights`: nobody gets in without a password, and only the operator may do anything until others are given rights;
    all of it over TLS.
    `brokers`: 1 or 3; None: as many as the home has, one where it is new. A home stays what it was made as in both.
    """
    home = home.resolve()
    _lock(home)
    try:
        wanted = (kafka.made(home) or 1) if brokers is None else brokers
        _check(home, rights, wanted)
        running = None if foreground else _running(home)
        return running or _start(home, foreground, wanted, extras, rights)
    except BaseException:
        _unlock(home)
        raise
    finally:
        if not foreground:
            _unlock(home)


def stop(home: Path) -> None:
    """End both, in order and completely. Nothing happens where nothing runs."""
    home = home.resolve()
    _end_all(home)
    _unlock(home)


def status(home: Path) -> dict[str, dict[str, str | int | bool | None]]:
    """For "kafka" (with "kafka-2", "kafka-3") and "mongo": address, pid, healthy, version; None: it doesn't run."""
    home = home.resolve()
    known, operator = ports.last(home), logins.kept(home)
    nothing: dict[str, str | int | bool | None] = {"address": None, "pid": None, "healthy": False, "version": None}
    if known is None:
        return {"kafka": nothing, "mongo": nothing}
    said = {}
    for node, port in enumerate(known.kafka, 1):
        child = processes.find(kafka.pid_file(home, node))
        said[kafka.name(node)] = (
            _line(f"127.0.0.1:{port}", child, kafka.answers(port, operator), kafka.version()) if child else nothing
        )
    child, port = processes.find(mongo.pid_file(home)), known.mongo
    said["mongo"] = (
        _line(mongo.url(port), child, mongo.answers(port, operator), mongo.version(port, operator))
        if child
        else nothing
    )
    return said


@contextmanager
def engine(
    home: Path, *, fresh: bool = False, rights: bool = False, brokers: int | None = None, extras: Extras = _NO_EXTRAS
) -> Iterator[Engine]:
    """Both for the length of a `with`; `fresh` empties `home` first. Raises CannotStart."""
    home = home.resolve()
    if fresh:
        _wipe(home)
    # outside: what another run holds is not ours to stop
    started = start(home, rights=rights, brokers=brokers, extras=extras)
    try:
        yield started
    finally:
        stop(home)


def _check(home: Path, rights: bool, brokers: int) -> None:
    """Raises CannotStart: `home` was made as something else."""
    if brokers not in (1, len(kafka.NODES)):
        raise CannotStart(f"{brokers} brokers: must be 1 or {len(kafka.NODES)}.")
    there = kafka.made(home)
    if there and there != brokers:
        raise CannotStart(f"{home} was made with {there} broker(s): keep to that, remove it, or take another.")
    has_rights = logins.kept(home) is not None
    if has_rights and not rights:
        raise CannotStart(f"{home} was made with rights: start it with them, remove it, or take another.")
    if rights and not has_rights and (there or mongo.has_data(home)):
        raise CannotStart(f"{home} was made without rights: start it without, remove it, or take another.")


def _start(home: Path, foreground: bool, brokers: int, extras: Extras, rights: bool) -> Engine:
    _end_all(home)
    if rights:
        certificates.prepare(home)  # not while one runs that shows another
    operator = logins.make(home) if rights else None
    for attempt in range(1, _TRIES + 1):
        chosen = ports.choose(home, brokers=brokers, anew=attempt > 1)
        cluster = kafka.Cluster(home=home, ports=chosen, side_door=extras.side_door, operator=operator)
        try:
            mongod = mongo.start(
                home, port=chosen.mongo, foreground=foreground, fail_points=extras.fail_points, operator=operator
            )
            started = cluster.start(foreground=foreground)
            mongo.wait(home, mongod, port=chosen.mongo, operator=operator)
            cluster.wait(started)
            return _engine(cluster)
        except PortTaken:
            _end_all(home)
            if attempt == _TRIES:
                raise
        except BaseException:  # an interrupted start leaves nothing running either
            _end_all(home)
            raise
    raise AssertionError("unreachable")


def _running(home: Path) -> Engine | None:
    known, operator = ports.last(home), logins.kept(home)
    if known is None:
        return None
    cluster = kafka.Cluster(home=home, ports=known, operator=operator)
    pid_files = [mongo.pid_file(home), *(kafka.pid_file(home, node) for node in cluster.nodes)]
    if not all(processes.find(pid_file) for pid_file in pid_files):
        return None
    healthy = all(kafka.answers(port, operator) for port in known.kafka) and mongo.answers(known.mongo, operator)
    return _engine(cluster) if healthy else None


def _engine(cluster: kafka.Cluster) -> Engine:
    return Engine(",".join(cluster.addresses), mongo.url(cluster.ports.mongo), cluster.operator)


def _end(pid_file: Path) -> None:
    processes.end_leftovers(pid_file, limit_seconds=_STOP_LIMIT_SECONDS)


def _end_all(home: Path) -> None:
    pid_files = [mongo.pid_file(home), *(kafka.pid_file(home, node) for node in kafka.NODES)]
    with ThreadPoolExecutor(len(pid_files)) as all_of_them:
        list(all_of_them.map(_end, pid_files))


def _wipe(home: Path) -> None:
    """Data, logs and secrets go; `run` stays, since it holds the lock."""
    _lock(home)
    try:
        _end_all(home)
        folders = [kafka.name(node) for node in kafka.NODES]
        for name in (*folders, *(f"{one}.new" for one in folders), "mongo", "logs", "secrets"):
            shutil.rmtree(home / name, ignore_errors=True)
    finally:
        _unlock(home)


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
    parser.add_argument("--brokers", type=int, help="start: 1, or 3 that copy each other")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    asked = parser.parse_args(arguments)
    try:
        if asked.action == "start":
            start(asked.home, foreground=False, rights=asked.rights, brokers=asked.brokers)
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
            print(f"{name:7} {state:14} {line['address'] or '-'}  {line['version'] or ''}")
    return 0 if asked.action == "stop" or all(line["healthy"] for line in said.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
