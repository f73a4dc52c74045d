"""The whole installation on one machine: engine, topics, sandbox gateway and every service of the manifests.

Each service is a process of its own with its own settings, database and credential, as on the agencies' machines.
"""

import base64
import json
import os
import secrets
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chassis import clock
from chassis.catalogue import Catalogue
from deploy.basudara import agreements, manifests, topics
from deploy.basudara.tokens import LocalIssuer
from deploy.local import engine, loopback, processes
from deploy.local.processes import CannotStart

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_SECONDS = 60
STOP_LIMIT_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running installation. `urls` and `databases` are by "agency/service"."""

    home: Path
    kafka: str
    mongo: str
    gateway: str
    urls: dict[str, str]
    databases: dict[str, str]
    foreground: bool
    spans: str = "off"  # as the services' setting has it

    @property
    def spans_folder(self) -> Path:
        return self.home / "spans"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def clock_file(self) -> Path:
        return self.home / "clock"

    @property
    def _issuer(self) -> LocalIssuer:
        return LocalIssuer(self.home / "secrets")

    @staticmethod
    def load(home: Path) -> "Stack":
        """The stack that `up` left running in this home. Raises CannotStart with what to do."""
        try:
            said = json.loads((home.resolve() / "stack.json").read_text())
        except (OSError, ValueError):
            raise CannotStart(f"nothing runs in {home}: start it with `make up`") from None
        return Stack(**{**said, "home": Path(said["home"])})

    def token(self, agency: str, role: str, subject: str = "officer-1", service: str | None = None) -> str:
        return self._issuer.token(agency, role, subject, service=service)

    def apply_agreement(self, file: Path) -> str:
        """Returns "recorded" or "unchanged". Raises BadFile."""
        return agreements.apply(manifests.agreement(file), self.kafka, Catalogue(ROOT / "contracts"), _manifests())

    def move_clock(self, instant: datetime) -> None:
        clock.move_to(self.clock_file, instant)

    def kill(self, name: str) -> None:
        """End one service as a power cut would."""
        child = processes.find(self._pid_file(name))
        if child is None:
            raise CannotStart(f"{name} does not run")
        os.kill(child.pid, signal.SIGKILL)
        while child.alive:
            time.sleep(0.01)

    def start(self, name: str) -> None:
        """Start one service (again) on its own port, and wait until it is ready. Raises CannotStart."""
        log = self.logs / f"{name.replace('/', '.')}.log"
        if log.exists():  # what a killed process said must stay readable
            with (self.logs / f"{name.replace('/', '.')}.before.log").open("ab") as before:
                before.write(log.read_bytes())
        child = processes.start(
            [sys.executable, "-m", name.split("/")[1]],
            pid_file=self._pid_file(name),
            log=log,
            foreground=self.foreground,
            env=self._environment(name),
            cwd=self.home,
        )
        processes.wait_until(
            lambda: _answers(f"{self.urls[name]}/ready"), child, name=name, log=log, limit_seconds=START_LIMIT_SECONDS
        )

    def start_gateway(self) -> None:
        port = self.gateway.rsplit(":", 1)[1]
        receipts = [f"{url}/receipts" for name, url in self.urls.items() if name.endswith("/notification")]
        command = [sys.executable, "-m", "deploy.local.gateway", "--port", port]
        command += ["--receipts-to", *receipts, "--secret-file", str(self.home / "secrets" / "gateway")]
        log = self.logs / "gateway.log"
        child = processes.start(
            command, pid_file=self._pid_file("gateway"), log=log, foreground=self.foreground, cwd=ROOT
        )
        processes.wait_until(
            lambda: _answers(f"{self.gateway}/recorded"), child, name="gateway", log=log, limit_seconds=20
        )

    def status(self) -> dict[str, Any]:
        """For every process: address, pid, healthy; for the engine also versions."""
        said: dict[str, Any] = {**engine.status(self.home / "engine")}
        for name, url in {**self.urls, "gateway": self.gateway}.items():
            child = processes.find(self._pid_file(name))
            health = "/recorded" if name == "gateway" else "/ready"
            said[name] = {
                "address": url,
                "pid": child.pid if child else None,
                "healthy": child is not None and _answers(url + health),
                "version": None,
            }
        return said

    def _pid_file(self, name: str) -> Path:
        return self.home / "run" / f"{name.replace('/', '.')}.pid"

    def _environment(self, name: str) -> dict[str, str]:
        """What one service is told. Every service is told the same kinds of things; it reads those it knows."""
        agency, service = name.split("/")
        hidden = self.home / "secrets"
        told = {
            "AGENCY": agency,
            "MONGO_URL": self.mongo,
            "DATABASE": self.databases[name],
            "KAFKA": self.kafka,
            "HTTP_PORT": self.urls[name].rsplit(":", 1)[1],
            "CONTRACTS_DIR": str(ROOT / "contracts"),
            "ISSUER_KEYS": str(self._issuer.keys),
            "CREDENTIAL": str(hidden / f"{agency}.{service}.token"),
            "PARTNERS": str(self.home / "partners.json"),
            "CLOCK_FILE": str(self.clock_file),
            "STAFF_FILE": str(hidden / f"{agency}.staff.json"),
            "AGENCY_KEY_FILE": str(hidden / f"{agency}.key"),
            "GATEWAY_URL": self.gateway,
            "GATEWAY_SECRET_FILE": str(hidden / "gateway"),
            "SPANS": self.spans,
            "MESSAGES_PER_MINUTE": "6000",  # the sandbox gateway is our own: no owner to agree a pace with
        }
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR")}
        return {**kept, **{f"{service.upper()}_{key}": value for key, value in told.items()}}

    def _write_secrets(self) -> None:
        self._issuer.prepare()
        hidden = self.home / "secrets"
        _write_once(hidden / "gateway", lambda: secrets.token_hex(32))
        for code, one in _manifests().items():
            _write_once(hidden / f"{code}.key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
            staff = {row.staff_id: {"phone": row.phone, "role": row.role} for row in one.staff}
            _write(hidden / f"{code}.staff.json", json.dumps(staff))
            for service in one.services:
                token = self._issuer.token(code, "service", f"{service}-service", service=service)
                _write(hidden / f"{code}.{service}.token", token)


def up(home: Path, *, foreground: bool, say: Callable[[str], None] = lambda _: None) -> Stack:
    """Start everything and return when every service is ready. Raises CannotStart, BadFile.

    `foreground`: all ends with this process. Otherwise it stays up until `down`; what already runs is kept.
    A start that fails ends what it had started.
    """
    home = home.resolve()
    try:
        return _up(home, foreground, say)
    except BaseException:
        down(home)
        raise


def _up(home: Path, foreground: bool, say: Callable[[str], None]) -> Stack:
    for folder in ("secrets", "logs", "run"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "secrets").chmod(0o700)
    names = [f"{code}/{service}" for code, one in _manifests().items() for service in one.services]
    say("Kafka and MongoDB start")
    running = engine.start(home / "engine", foreground=foreground)
    stack = _planned(home, running, names, foreground)
    stack._write_secrets()
    if not stack.clock_file.exists():
        stack.clock_file.write_text("0")
    (home / "partners.json").write_text(json.dumps(stack.urls))
    say("topics are made")
    topics.make_topics(stack.kafka, Catalogue(ROOT / "contracts"), _manifests(), frozenset())
    say(f"{len(names)} services of {len(_manifests())} agencies start")
    if processes.find(stack._pid_file("gateway")) is None:
        stack.start_gateway()
    with ThreadPoolExecutor(4) as some:
        list(some.map(stack.start, [one for one in names if processes.find(stack._pid_file(one)) is None]))
    _write(home / "stack.json", json.dumps({**asdict(stack), "home": str(home)}))
    return stack


def down(home: Path) -> None:
    """End all that `up` left running. Nothing happens where nothing runs."""
    home = home.resolve()
    with ThreadPoolExecutor(8) as all_of_them:
        list(all_of_them.map(_end, (home / "run").glob("*.pid")))
    engine.stop(home / "engine")
    (home / "stack.json").unlink(missing_ok=True)


def _end(pid_file: Path) -> None:
    processes.end_leftovers(pid_file, limit_seconds=STOP_LIMIT_SECONDS)


@contextmanager
def running_stack(home: Path, *, fresh: bool = True, say: Callable[[str], None] = lambda _: None) -> Iterator[Stack]:
    """A stack for the length of a `with`; `fresh` empties `home` first."""
    home = home.resolve()
    if fresh and home.exists():
        down(home)
        shutil.rmtree(home)
    try:
        yield up(home, foreground=True, say=say)
    finally:
        down(home)


def _planned(home: Path, running: engine.Engine, names: list[str], foreground: bool) -> Stack:
    """Addresses for every service: those of the run before, so that what was copied from the screen stays true."""
    try:
        before = Stack.load(home).urls
        gateway = Stack.load(home).gateway
    except CannotStart:
        before, gateway = {}, ""
    free = loopback.free_ports()
    return Stack(
        home=home,
        kafka=running.kafka,
        mongo=running.mongo,
        gateway=gateway or f"http://127.0.0.1:{next(free)}",
        urls={name: before.get(name) or f"http://127.0.0.1:{next(free)}" for name in names},
        databases={name: name.replace("/", "-") for name in names},
        foreground=foreground,
        spans=_spans(home),
    )


def _spans(home: Path) -> str:
    """`SPANS=1` keeps them in files of this home; `SPANS=otlp:URL` sends them to a collector. Raises CannotStart."""
    asked = os.environ.get("SPANS", "")
    if asked not in ("", "1") and not asked.startswith(("otlp:http://", "otlp:https://")):
        raise CannotStart(f"SPANS={asked}: must be 1 or otlp:URL")
    return {"": "off", "1": f"file:{home / 'spans'}"}.get(asked, asked)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as reply:  # noqa: S310 - our own loopback address
            return int(reply.status) == 200
    except (urllib.error.URLError, OSError):
        return False


def _manifests() -> dict[str, manifests.Agency]:
    return manifests.agencies(ROOT / "deploy" / "agencies")


def _write(file: Path, text: str) -> None:
    """Whole or not at all, readable by its owner only."""
    part = file.with_name(file.name + ".part")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(file)


def _write_once(file: Path, text: Callable[[], str]) -> None:
    if not file.exists():
        _write(file, text())
