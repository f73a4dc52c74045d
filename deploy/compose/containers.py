"""Kafka and MongoDB as containers for tests, from the images of `docker-compose.yml`; nobody is asked who he is.

Both are on ports chosen here, since a broker and a replica set tell their clients where to come back to.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import yaml
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from testcontainers.core.container import DockerContainer

from deploy.basudara.stack import ROOT
from deploy.local import kafka, loopback, mongo
from deploy.local.engine import Engine
from deploy.local.processes import CannotStart

_START_LIMIT_SECONDS = 240
_CONTROLLER_PORT = 9093
_DATA = "/data/db"  # in memory, of both: nobody comes back for it


class NoDocker(Exception):
    """One line: what is missing to run containers."""


def insist_on(*words: str) -> None:
    """That `docker WORDS` answers. Raises NoDocker."""
    if shutil.which("docker") is None:
        raise NoDocker("docker is not installed: tests on containers need it")
    try:
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        raise NoDocker(f"docker {' '.join(words)}: no answer in 60 s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
        raise NoDocker(f"docker {' '.join(words)}: {said}")


@contextmanager
def containers() -> Iterator[Engine]:
    """Both for the length of a `with`. Raises NoDocker, CannotStart, and what docker refuses."""
    insist_on("info")
    free = loopback.free_ports()
    kafka_port, mongo_port = next(free), next(free)
    with ExitStack() as both:
        broker = both.enter_context(_kafka(kafka_port))
        store = both.enter_context(_mongo(mongo_port))
        _until("mongo", lambda: _has_begun(mongo_port), store)
        _until("mongo", lambda: mongo.answers(mongo_port), store)
        _until("kafka", lambda: kafka.answers(kafka_port), broker)
        yield Engine(f"127.0.0.1:{kafka_port}", f"mongodb://127.0.0.1:{mongo_port}/?replicaSet=rs0")


def _image(service: str) -> str:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return str(services[service]["image"])


def _kafka(port: int) -> DockerContainer:
    return (
        DockerContainer(_image("kafka"))
        .with_bind_ports(port, port)
        .with_tmpfs_mount(_DATA)
        .with_envs(
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            KAFKA_LISTENERS=f"CLIENTS://:{port},CONTROLLER://127.0.0.1:{_CONTROLLER_PORT}",
            KAFKA_ADVERTISED_LISTENERS=f"CLIENTS://127.0.0.1:{port}",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_INTER_BROKER_LISTENER_NAME="CLIENTS",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_CONTROLLER_QUORUM_VOTERS=f"1@127.0.0.1:{_CONTROLLER_PORT}",
            KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS="5",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
            KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS="5",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
            KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE="16777216",  # the default takes 128 MiB of the heap at start
            KAFKA_HEAP_OPTS="-Xms128m -Xmx512m",
            KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1",  # it lives for minutes
            KAFKA_LOG_DIRS=_DATA,
            KAFKA_LOG4J_ROOT_LOGLEVEL="WARN",
            KAFKA_LOG4J_LOGGERS="kafka=WARN,org.apache.kafka=WARN,state.change.logger=WARN",
        )
    )


def _mongo(port: int) -> DockerContainer:
    command = f"mongod --replSet rs0 --bind_ip_all --port {port} --wiredTigerCacheSizeGB 0.25 --oplogSize 990 --quiet"
    return DockerContainer(_image("mongo"), command=command).with_bind_ports(port, port).with_tmpfs_mount(_DATA)


def _has_begun(port: int) -> bool:
    """Makes it a replica set of one, once it answers."""
    with MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500) as client:
        try:
            if "setName" not in client.admin.command("hello"):
                members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        except PyMongoError:
            return False  # still starting: looked at again
    return True


def _until(name: str, answers: Callable[[], bool], container: DockerContainer) -> None:
    until = time.monotonic() + _START_LIMIT_SECONDS
    while not answers():
        container.reload()
        if time.monotonic() > until or container.status == "exited":
            said = container.get_logs()[1].decode(errors="replace").strip().rpartition("\n")[2]
            raise CannotStart(f"{name}: no answer from its container ({container.status}); it said last: {said}")
        time.sleep(0.1)
