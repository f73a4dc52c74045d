"""The engine as its users meet it: it answers, it survives being killed, it leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from pymongo import MongoClient, WriteConcern

from deploy.local.engine import CannotStart, Engine, engine, start, status, stop
from deploy.local.kafka import formatted

TOPIC = "kept"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "engine"
    stop(tmp_path / "engine")


def write(where: Engine) -> None:
    write_record(where)
    with mongo(where) as client:
        kept = client.example.get_collection("kept", write_concern=WriteConcern("majority", j=True))
        kept.insert_one({"_id": "a document"})


def write_record(where: Engine) -> None:
    admin = AdminClient({"bootstrap.servers": where.kafka, "log_level": 0})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(30)
    producer = Producer({"bootstrap.servers": where.kafka, "acks": "all", "log_level": 0})
    producer.produce(TOPIC, b"a record")
    assert producer.flush(30) == 0


def records(where: Engine) -> list[bytes | None]:
    settings = {"bootstrap.servers": where.kafka, "group.id": "g", "auto.offset.reset": "earliest", "log_level": 0}
    consumer = Consumer(settings)
    consumer.subscribe([TOPIC])
    try:
        return [record.value() for record in consumer.consume(1, timeout=60)]
    finally:
        consumer.close()


def documents(where: Engine) -> list[dict[str, Any]]:
    with mongo(where) as client:
        return list(client.example.kept.find())


def mongo(where: Engine) -> MongoClient[dict[str, Any]]:
    return MongoClient(where.mongo, serverSelectionTimeoutMS=30_000)


def ports(where: Engine) -> list[int]:
    return [int(where.kafka.rpartition(":")[2]), int(where.mongo.split(":")[2].partition("/")[0])]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pids(home: Path) -> list[int]:
    return [int(str(line["pid"])) for line in status(home).values() if line["pid"]]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pid: int, within_seconds: float = 30) -> bool:
    until = time.monotonic() + within_seconds
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not lives(pid)


def kill(home: Path) -> None:
    for pid in pids(home):
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)


def test_what_is_written_is_read_and_nothing_is_left_after_the_stop(home: Path) -> None:
    with engine(home) as where:
        write(where)
        assert records(where) == [b"a record"]
        assert documents(where) == [{"_id": "a document"}]
        said = status(home)
        assert [(name, line["healthy"], line["version"]) for name, line in said.items()] == [
            ("kafka", True, "4.3.1"),
            ("mongo", True, "6.0.5"),
        ]
        were = pids(home)
    assert len(were) == 2
    assert not [pid for pid in were if lives(pid)]
    assert not [port for port in ports(where) if listens(port)]
    assert not pids(home)


def test_what_was_written_is_there_after_both_were_killed(home: Path) -> None:
    where = start(home)
    write(where)
    kill(home)
    stop(home)
    with engine(home) as where:
        assert records(where) == [b"a record"]
        assert documents(where) == [{"_id": "a document"}]


def test_a_port_that_was_taken_meanwhile_costs_no_data(home: Path) -> None:
    with engine(home) as before:
        write(before)
    taken = [socket.create_server(("127.0.0.1", port)) for port in ports(before)]
    try:
        with engine(home) as after:
            assert not set(ports(before)) & set(ports(after))
            assert records(after) == [b"a record"]
            assert documents(after) == [{"_id": "a document"}]
    finally:
        for listener in taken:
            listener.close()


@pytest.mark.parametrize("loser", ["kafka", "mongo"])
def test_a_port_lost_in_the_last_moment_is_replaced_by_another(
    home: Path, loser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        (home / "run").mkdir(parents=True)
        chosen = {"kafka": 19_001, "controllers": 19_002, "mongo": 19_003, loser: taken}
        unlucky = {name: port if name == "mongo" else [port] for name, port in chosen.items()}
        (home / "run" / "ports.json").write_text(json.dumps(unlucky))
        monkeypatch.setattr("deploy.local.loopback.is_free", lambda _port: True)  # as it looks before the race is lost
        with engine(home) as where:
            assert taken not in ports(where)
            assert all(line["healthy"] for line in status(home).values())


@pytest.mark.parametrize("said", [None, b"", b"\xff", b"version=1\nnode.id=1\n", b"version=1\ncluster.id=c\n"])
def test_storage_counts_as_formatted_only_with_its_whole_description(tmp_path: Path, said: bytes | None) -> None:
    if said is not None:
        (tmp_path / "meta.properties").write_bytes(said)
    assert not formatted(tmp_path)


def test_storage_formatted_by_half_is_made_anew(home: Path) -> None:
    for folder in ("kafka", "kafka.new"):
        (home / folder).mkdir(parents=True)
        (home / folder / "bootstrap.checkpoint").write_bytes(b"half")
    (home / "kafka" / "meta.properties").write_bytes(b"version=1\nclus")
    with engine(home) as where:
        write_record(where)
        assert records(where) == [b"a record"]


def test_what_runs_for_longer_is_found_again_and_started_only_once(home: Path) -> None:
    first = start(home, foreground=False)
    were = pids(home)
    for pid_file in (home / "run").glob("*.pid"):
        pid_file.unlink()  # even so
    assert start(home, foreground=False) == first
    assert pids(home) == were
    stop(home)
    assert not [pid for pid in were if lives(pid)]


def test_both_end_when_the_run_that_uses_them_is_killed(home: Path) -> None:
    run = f"""
import time, pathlib
from deploy.local.engine import start
start(pathlib.Path({str(home)!r}))
print("started", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", run], stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "started\n"
        were = pids(home)
        with pytest.raises(CannotStart, match="Another run uses"), engine(home):
            pytest.fail("two runs on one home")
        assert all(lives(pid) for pid in were)
        runner.kill()
    assert len(were) == 2
    assert all(gone(pid) for pid in were)


def test_a_start_that_fails_says_where_to_look_and_leaves_nothing(home: Path) -> None:
    (home / "mongo" / "mongod.lock").mkdir(parents=True)
    with pytest.raises(CannotStart, match=r"MongoDB ended while it was starting; its log: .*/mongo\.log$"):
        start(home)
    assert not pids(home)
