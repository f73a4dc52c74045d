"""An engine with rights: who has no password or speaks in the clear stays outside, who has no rule may do nothing, and
no password shows."""

import os
import signal
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from confluent_kafka.cimpl import NewTopic
from pymongo import MongoClient
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from chassis.login import Login, for_store
from deploy.local import certificates, logins, mongo, ports
from deploy.local.engine import CannotStart, Engine, engine, start, status, stop
from deploy.local.kafka import access
from deploy.local.loopback import free_ports

TOPIC = "kept"
WRONG = [None, Login("operator", "wrong"), Login("nobody", "wrong")]
LIMIT_SECONDS = 30  # separates "refused" from "never answered"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "engine"
    stop(tmp_path / "engine")


class Watch(threading.Thread):
    """Looks at what every process of this machine was started with, as anybody could, until told to end."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret, self._ended = secret.encode(), threading.Event()
        self.looked_at: set[bytes] = set()
        self.showed: set[bytes] = set()

    def run(self) -> None:
        while not self._ended.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    command = (entry / "cmdline").read_bytes()
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue  # it ended
                self.looked_at.add(command)
                if self._secret in command or self._secret in environment:
                    self.showed.add(command)

    def end(self) -> None:
        self._ended.set()
        self.join()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Engine, Watch]]:
    """A running engine with a record and a document, and who watched it from its first start on."""
    home = tmp_path_factory.mktemp("rights") / "engine"
    watch = Watch(logins.make(home).password)
    watch.start()
    try:
        with engine(home, rights=True) as where:
            write(where)
            yield home, where, watch
    finally:
        watch.end()


@pytest.fixture(scope="module")
def where(watched: tuple[Path, Engine, Watch]) -> Engine:
    return watched[1]


def write(where: Engine) -> None:
    broker = admin(where, where.operator)  # kept until its answer is there
    broker.create_topics([NewTopic(TOPIC, 1, -1)])[TOPIC].result(LIMIT_SECONDS)
    assert not produced(where, where.operator)
    with client(where, where.operator) as store:
        store.example.kept.insert_one({"_id": "a document"})


def admin(where: Engine, login: Login | None) -> AdminClient:
    return AdminClient({**access(where.kafka, login), "log_level": 0})


def client(where: Engine, login: Login | None) -> MongoClient[dict[str, Any]]:
    """`login` None: TLS, and nothing said of who it is."""
    trust: dict[str, Any] = {"tls": True, "tlsCAFile": str(where.operator and where.operator.authorities)}
    known = for_store(login, "admin") or trust
    return MongoClient(where.mongo, serverSelectionTimeoutMS=3000, **known)


def trusting(where: Engine, login: Login | None) -> Login | None:
    """The same, with the authority of this engine."""
    assert where.operator is not None
    return login and replace(login, authorities=where.operator.authorities)


def produced(where: Engine, login: Login | None) -> KafkaError | None:
    """Why the broker did not take a record. None: it did."""
    said: list[KafkaError] = []
    told: list[KafkaError | None] = []
    own: dict[str, Any] = {"acks": "all", "log_level": 0, "error_cb": said.append, "message.timeout.ms": 5000}
    producer = Producer({**access(where.kafka, login), **own})
    producer.produce(TOPIC, b"a record", on_delivery=lambda error, _record: told.append(error))
    assert producer.flush(LIMIT_SECONDS) == 0
    return (said or told)[0] if told[0] else None


def fetched(where: Engine, login: Login | None) -> bytes | KafkaError | None:
    """The first record, or why there is none."""
    said: list[KafkaError] = []
    own: dict[str, Any] = {"group.id": "g", "enable.auto.commit": False, "log_level": 0, "error_cb": said.append}
    consumer = Consumer({**access(where.kafka, login), **own})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    try:
        for _ in range(LIMIT_SECONDS):
            for record in consumer.consume(1, timeout=1):
                return record.error() or record.value()
            if said:
                return said[0]
        return None
    finally:
        consumer.close()


def test_the_operator_is_let_in(where: Engine) -> None:
    assert where.operator is not None
    assert TOPIC in admin(where, where.operator).list_topics(timeout=LIMIT_SECONDS).topics
    assert fetched(where, where.operator) == b"a record"
    with client(where, where.operator) as store:
        assert store.example.kept.find_one() == {"_id": "a document"}


@pytest.mark.parametrize("login", WRONG, ids=["nobody", "a wrong password", "an unknown user"])
def test_the_broker_lets_in_nobody_without_the_right_password(where: Engine, login: Login | None) -> None:
    shut_out(where, trusting(where, login))


def shut_out(where: Engine, login: Login | None) -> None:
    """The broker tells it nothing, takes nothing from it and gives it nothing."""
    shut = {KafkaError._AUTHENTICATION, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._SSL}
    with pytest.raises(KafkaException):
        admin(where, login).list_topics(timeout=3)
    refusal = produced(where, login)
    assert refusal is not None
    assert refusal.code() in shut
    read = fetched(where, login)
    assert isinstance(read, KafkaError)
    assert read.code() in shut


@pytest.mark.parametrize("login", WRONG, ids=["nobody", "a wrong password", "an unknown user"])
def test_the_store_lets_in_nobody_without_the_right_password(where: Engine, login: Login | None) -> None:
    with client(where, trusting(where, login)) as store, pytest.raises(OperationFailure, match="uthentication"):
        store.example.kept.find_one()


def test_nobody_speaks_in_the_clear_not_even_with_the_right_password(where: Engine) -> None:
    assert where.operator is not None
    plain = replace(where.operator, authorities=None)
    shut_out(where, plain)
    with client(where, plain) as store, pytest.raises(ServerSelectionTimeoutError, match="connection closed"):
        store.example.kept.find_one()


def test_a_client_shows_its_password_to_nobody_whom_its_own_authority_does_not_vouch_for(
    where: Engine, tmp_path: Path
) -> None:
    assert where.operator is not None
    elsewhere = replace(where.operator, authorities=certificates.prepare(tmp_path).authorities)
    shut_out(where, elsewhere)
    with client(where, elsewhere) as store, pytest.raises(ServerSelectionTimeoutError, match="CERTIFICATE_VERIFY"):
        store.example.kept.find_one()


def test_a_user_may_do_nothing_at_the_broker_until_a_rule_allows_it(where: Engine) -> None:
    stranger = trusting(where, Login("stranger", "a-password"))
    assert stranger is not None
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    made: list[Any] = [UserScramCredentialUpsertion(stranger.user, info, stranger.password.encode())]
    broker = admin(where, where.operator)
    for future in broker.alter_user_scram_credentials(made).values():
        future.result(LIMIT_SECONDS)
    assert admin(where, stranger).list_topics(timeout=LIMIT_SECONDS).topics == {}
    refusal, read = produced(where, stranger), fetched(where, stranger)
    assert refusal is not None
    assert isinstance(read, KafkaError)
    assert refusal.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert read.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


def test_controllers_answer_nobody_without_a_password(watched: tuple[Path, Engine, Watch]) -> None:
    known, operator = ports.last(watched[0]), watched[1].operator
    assert known is not None
    assert operator is not None
    trust = ssl.create_default_context(cafile=operator.authorities)
    topic = b"__cluster_metadata"
    asked = struct.pack(">hhihx", 55, 0, 1, -1)  # DescribeQuorum, as a client without a name
    asked += bytes([2, len(topic) + 1]) + topic + bytes([2]) + struct.pack(">ixxx", 0)
    with (
        socket.create_connection(("127.0.0.1", known.controllers[0]), timeout=LIMIT_SECONDS) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(struct.pack(">i", len(asked)) + asked)
        assert connection.recv(4) == b""


def test_no_stranger_can_be_the_first_user_of_the_store(home: Path) -> None:
    port, certificate = next(free_ports()), certificates.prepare(home)
    mongo.start(home, port=port, foreground=True, operator=logins.make(home))
    member = {"_id": 0, "host": f"127.0.0.1:{port}"}
    trust: dict[str, Any] = {"tls": True, "tlsCAFile": str(certificate.authorities)}
    stranger: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", port, directConnection=True, **trust)
    with stranger, pytest.raises(OperationFailure, match="requires authentication"):
        stranger.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})


def test_the_passwords_show_nowhere(watched: tuple[Path, Engine, Watch]) -> None:
    home, where, watch = watched
    assert where.operator is not None
    assert where.operator.password not in repr(where)
    assert any(b"StorageTool" in command for command in watch.looked_at)
    assert any(b"--keyFile" in command for command in watch.looked_at)
    assert not watch.showed
    assert (home / "secrets").stat().st_mode & 0o777 == 0o700
    hidden = [where.operator.password.encode(), (home / "secrets" / "mongo.key").read_bytes()]
    files = [file for file in home.rglob("*") if file.is_file()]
    holders = [file for file in files if any(secret in file.read_bytes() for secret in hidden)]
    assert {file.relative_to(home).as_posix(): file.stat().st_mode & 0o777 for file in holders} == {
        "secrets/operator": 0o600,
        "secrets/mongo.key": 0o600,
        "run/kafka.properties": 0o600,
    }
    assert home / "logs" / "kafka.log" in files
    assert home / "logs" / "mongo.log" in files


def test_a_home_with_rights_outlives_a_kill_and_ports_that_were_taken(home: Path) -> None:
    before = start(home, rights=True)
    write(before)
    for line in status(home).values():
        os.kill(int(str(line["pid"])), signal.SIGKILL)
    stop(home)
    with engine(home, rights=True) as healed:
        holds_what_was_written(healed)
    known = ports.last(home)
    assert known is not None
    taken = [socket.create_server(("127.0.0.1", port)) for port in (known.kafka[0], known.mongo)]
    try:
        with engine(home, rights=True) as moved:
            assert moved.mongo != healed.mongo
            assert moved.operator == healed.operator == before.operator
            assert all(line["healthy"] for line in status(home).values())
            holds_what_was_written(moved)
            with client(moved, None) as store, pytest.raises(OperationFailure, match="requires authentication"):
                store.example.kept.find_one()
    finally:
        for listener in taken:
            listener.close()


def holds_what_was_written(where: Engine) -> None:
    assert fetched(where, where.operator) == b"a record"
    with client(where, where.operator) as store:
        assert store.example.kept.find_one() == {"_id": "a document"}


def test_what_runs_for_longer_with_rights_is_found_again(home: Path) -> None:
    first = start(home, foreground=False, rights=True)
    were = status(home)
    assert start(home, foreground=False, rights=True) == first
    assert status(home) == were


# --- a home stays what it was made as ---------------------------------------------------------------------------------


def pretend(home: Path, name: str, node: int) -> None:
    (home / name).mkdir(parents=True)
    (home / name / "meta.properties").write_text(f"version=1\nnode.id={node}\ncluster.id=c\n")


def test_a_home_with_rights_is_not_started_without(home: Path) -> None:
    logins.make(home)
    with pytest.raises(CannotStart, match=r"was made with rights"):
        start(home)


@pytest.mark.parametrize("made_of", ["kafka", "mongo"])
def test_a_home_without_rights_gets_none_later(home: Path, made_of: str) -> None:
    pretend(home, made_of, 1)
    (home / made_of / "WiredTiger").touch()
    with pytest.raises(CannotStart, match=r"was made without rights"):
        start(home, rights=True)
    assert not (home / "secrets").exists()


@pytest.mark.parametrize(("name", "node", "asked"), [("kafka", 1, 3), ("kafka-2", 2, 1), ("kafka-3", 3, 1)])
def test_a_home_keeps_its_number_of_brokers(home: Path, name: str, node: int, asked: int) -> None:
    pretend(home, name, node)
    with pytest.raises(CannotStart, match=r"was made with . broker\(s\): keep to that"):
        start(home, brokers=asked)


def test_two_brokers_are_refused(home: Path) -> None:
    with pytest.raises(CannotStart, match="2 brokers: must be 1 or 3"):
        start(home, brokers=2)
