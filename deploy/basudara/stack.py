"""The whole installation on one machine: engine, topics, sandbox gateway and every service of the manifests.

Each service is a process of its own with its own settings, database and credential, as on the agencies' machines.
"""

import json
import os
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

from chassis.catalogue import Catalogue
from chassis.clock import Clock, move_to
from deploy.basudara import agreements, external, manifests
from deploy.basudara.agreements import Site
from deploy.basudara.external import External
from deploy.basudara.provisions import Secrets, environment, write
from deploy.basudara.reach import Reach
from deploy.local import engine, logins, loopback, processes
from deploy.local.processes import CannotStart

ROOT = Path(__file__).resolve().parents[2]
AGENCIES = ROOT / "deploy" / "agencies"
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
    manifests_folder: str = ""  # of the agencies' manifests
    spans: str = "off"  # as the services' setting has it
    production: bool = False  # nothing of the example's: no token of the local issuer, no movable clock
    external: External | None = None  # somebody else runs its broker, its store and its services

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
    def secrets(self) -> Secrets:
        return Secrets(self.home / "secrets")

    @property
    def reach(self) -> Reach:
        """As its operator, who may do everything. Raises BadFile."""
        login = self.external.login(self.home) if self.external else logins.kept(self.home / "engine")
        return Reach(kafka=self.kafka, mongo=self.mongo, login=login)

    def reach_as(self, user: str, engine_: str = "kafka") -> Reach:
        """As one of its services or subscribers, `agency.service`."""
        return self.reach.as_(self.secrets.passwords.login(user, engine_))

    @property
    def site(self) -> Site:
        contracts = Catalogue(ROOT / "contracts")
        known = manifests.agencies(Path(self.manifests_folder))
        return Site(reach=self.reach, passwords=self.secrets.passwords, catalogue=contracts, agencies=known)

    @staticmethod
    def load(home: Path) -> "Stack":
        """The stack that `up` left running in this home, or the one that others run and that a file in it tells of.

        Raises CannotStart with what to do, BadFile.
        """
        if (home / external.FILE).exists():
            return _external(home.resolve())
        try:
            said = json.loads((home.resolve() / "stack.json").read_text())
        except (OSError, ValueError):
            raise CannotStart(f"nothing runs in {home}: start it with `make up`") from None
        return Stack(**{**said, "home": Path(said["home"])})

    def token(self, agency: str, role: str, subject: str = "officer-1", service: str | None = None) -> str:
        """Raises CannotStart."""
        self._only_in_the_example("tokens of the local issuer")
        return self.secrets.issuer.token(agency, role, subject, service=service)

    def apply_agreement(self, file: Path) -> str:
        """Returns "recorded" or "unchanged". Raises BadFile."""
        return agreements.apply(manifests.agreement(file), self.site)

    @property
    def clock(self) -> Clock:
        """As its services have it."""
        return Clock(None if self.external else self.clock_file)

    def move_clock(self, instant: datetime) -> None:
        """Raises CannotStart."""
        self._only_in_the_example("moves of the clock")
        move_to(self.clock_file, instant)

    def _only_in_the_example(self, what: str) -> None:
        if self.production:
            raise CannotStart(f"{self.home}: production: {what} are for the example only")

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
            env=environment(name.split("/")[1], self._told(name)),
            cwd=self.home,
        )
        processes.wait_until(
            lambda: _answers(f"{self.urls[name]}/ready"), child, name=name, log=log, limit_seconds=START_LIMIT_SECONDS
        )

    def start_gateway(self) -> None:
        port = self.gateway.rsplit(":", 1)[1]
        receipts = [f"{url}/receipts" for name, url in self.urls.items() if name.endswith("/notification")]
        command = [sys.executable, "-m", "deploy.local.gateway", "--port", port]
        command += ["--receipts-to", *receipts, "--secret-file", str(self.secrets.gateway)]
        log = self.logs / "gateway.log"
        child = processes.start(
            command, pid_file=self._pid_file("gateway"), log=log, foreground=self.foreground, cwd=ROOT
        )
        processes.wait_until(
            lambda: _answers(f"{self.gateway}/recorded"), child, name="gateway", log=log, limit_seconds=20
        )

    def not_running(self, agency: manifests.Agency) -> list[str]:
        """Its services that are not up, by "agency/service"; none where others run them."""
        if self.external:
            return []
        names = [f"{agency.agency}/{service}" for service in agency.services]
        return [name for name in names if processes.find(self._pid_file(name)) is None]

    def running_of(self, code: str) -> list[str]:
        return [name for name in self.urls if name.startswith(f"{code}/") and processes.find(self._pid_file(name))]

    def join(self, agency: manifests.Agency) -> None:
        """Start what an agency runs and is not up. No other agency's service notices."""
        if self.external:
            return
        free = loopback.free_ports()
        for service in agency.services:
            name = f"{agency.agency}/{service}"
            self.urls.setdefault(name, f"http://127.0.0.1:{next(free)}")
            self.databases.setdefault(name, name.replace("/", "-"))
        self.secrets.write({agency.agency: agency})
        self.save()
        for name in self.not_running(agency):
            self.start(name)

    def leave(self, code: str) -> None:
        """End an agency's services, and forget where they were."""
        if self.external:
            return
        for name in [one for one in self.urls if one.startswith(f"{code}/")]:
            _end(self._pid_file(name))
            del self.urls[name], self.databases[name]
        self.save()

    def end(self, name: str) -> None:
        """End one service in order, if it runs."""
        _end(self._pid_file(name))

    def restart(self, name: str) -> None:
        """End one service in order and start it again, if it runs. Raises CannotStart."""
        if name in self.urls and processes.find(self._pid_file(name)):
            self.end(name)
            self.start(name)

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

    def save(self) -> None:
        """Where `load` finds it, and where its services find each other."""
        write(self.home / "partners.json", json.dumps(self.urls))
        write(self.home / "stack.json", json.dumps({**asdict(self), "home": str(self.home)}))

    def _pid_file(self, name: str) -> Path:
        return self.home / "run" / f"{name.replace('/', '.')}.pid"

    def _told(self, name: str) -> dict[str, str]:
        agency, service = name.split("/")
        return {
            "AGENCY": agency,
            "MONGO_URL": self.mongo,
            "DATABASE": self.databases[name],
            "KAFKA": self.kafka,
            "HTTP_PORT": self.urls[name].rsplit(":", 1)[1],
            "CONTRACTS_DIR": str(ROOT / "contracts"),
            "PARTNERS": str(self.home / "partners.json"),
            "CLOCK_FILE": str(self.clock_file),
            "GATEWAY_URL": self.gateway,
            "SPANS": self.spans,
            "MESSAGES_PER_MINUTE": "6000",  # the sandbox gateway is our own: no owner to agree a pace with
            **self.secrets.settings(agency, service),
            **self._trusted(),
        }

    def _trusted(self) -> dict[str, str]:
        """Who signs the certificate of broker and store: nothing, where they have none."""
        operator = self.reach.login
        trusted = str(operator.authorities) if operator and operator.authorities else None
        return {"KAFKA_CA_FILE": trusted, "MONGO_CA_FILE": trusted} if trusted else {}


def up(home: Path, *, foreground: bool, folder: Path = AGENCIES, say: Callable[[str], None] = lambda _: None) -> Stack:
    """Start everything and return when every service is ready. Raises CannotStart, BadFile.

    `folder`: of the agencies' manifests. `foreground`: all ends with this process. Otherwise it stays up until `down`;
    what already runs is kept.
    A start that fails ends what it had started.
    """
    home = home.resolve()
    if (home / external.FILE).exists():
        raise CannotStart(f"{home / external.FILE}: others run this installation")
    try:
        return _up(home, foreground, folder.resolve(), say)
    except BaseException:
        down(home)
        raise


def _up(home: Path, foreground: bool, folder: Path, say: Callable[[str], None]) -> Stack:
    for name in ("secrets", "logs", "run"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "secrets").chmod(0o700)
    known = manifests.agencies(folder)
    names = [f"{code}/{service}" for code, one in known.items() for service in one.services]
    say("Kafka and MongoDB start")
    running = engine.start(home / "engine", foreground=foreground, rights=True)
    stack = _planned(home, running, names, foreground, folder)
    stack.secrets.write(known)
    if not stack.clock_file.exists():
        stack.clock_file.write_text("0")
    stack.save()
    say("topics, users and rights are made")
    give_rights(stack.site)
    say(f"{len(names)} services of {len(known)} agencies start")
    if processes.find(stack._pid_file("gateway")) is None:
        stack.start_gateway()
    with ThreadPoolExecutor(4) as some:
        list(some.map(stack.start, [one for one in names if processes.find(stack._pid_file(one)) is None]))
    return stack


def _external(home: Path) -> Stack:
    """Raises BadFile."""
    told = external.read(home / external.FILE)
    told.login(home)
    folder = home / told.agencies
    (home / "secrets").mkdir(mode=0o700, exist_ok=True)
    names = [f"{code}/{service}" for code, one in manifests.agencies(folder).items() for service in one.services]
    return Stack(
        home=home,
        kafka=told.kafka,
        mongo=told.mongo,
        gateway="",
        urls={},
        databases={name: name.replace("/", "-") for name in names},
        foreground=False,
        manifests_folder=str(folder),
        production=told.production,
        external=told,
    )


def give_rights(site: Site) -> None:
    """What every agency has by itself, and then, once the register can be read, what agreements give it."""
    own = site.rights(site.agencies, [])
    own.do(own.missing())
    by_agreement = site.rights(site.agencies, filter(agreements.is_open, site.agreements()))
    by_agreement.do(by_agreement.missing())


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
def running_stack(
    home: Path, *, fresh: bool = True, folder: Path = AGENCIES, say: Callable[[str], None] = lambda _: None
) -> Iterator[Stack]:
    """A stack for the length of a `with`; `fresh` empties `home` first."""
    home = home.resolve()
    if fresh and home.exists():
        down(home)
        shutil.rmtree(home)
    try:
        yield up(home, foreground=True, folder=folder, say=say)
    finally:
        down(home)


def _planned(home: Path, running: engine.Engine, names: list[str], foreground: bool, folder: Path) -> Stack:
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
        manifests_folder=str(folder),
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
