"""Three brokers on one home, with rights: they find each other, copy each other, and end together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from deploy.local import processes
from deploy.local.engine import Engine, engine, start, status, stop
from deploy.local.kafka import access, pid_file

TOPIC = "copied"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "engine"
    stop(tmp_path / "engine")


def make_topic(where: Engine) -> None:
    admin = AdminClient({**access(where.kafka, where.operator), "log_level": 0})  # kept until its answer is there
    admin.create_topics([NewTopic(TOPIC, 3, -1)])[TOPIC].result(30)


def topic(address: str, where: Engine) -> Any:
    """As this broker knows it."""
    admin = AdminClient({**access(address, where.operator), "log_level": 0})
    return admin.list_topics(timeout=30).topics.get(TOPIC)


def setting(where: Engine, name: str) -> str:
    admin = AdminClient({**access(where.kafka, where.operator), "log_level": 0})
    asked = ConfigResource(ConfigResource.Type.TOPIC, TOPIC)
    return str(admin.describe_configs([asked])[asked].result(30)[name].value)


def test_each_topic_is_on_all_three_and_a_write_needs_two_of_them(home: Path) -> None:
    with engine(home, rights=True, brokers=3) as where:
        make_topic(where)
        addresses = where.kafka.split(",")
        assert len(set(addresses)) == 3
        known = next(found for address in addresses if (found := topic(address, where)))
        assert [sorted(part.replicas) for part in known.partitions.values()] == [[1, 2, 3]] * 3
        assert {part.leader for part in known.partitions.values()} == {1, 2, 3}
        assert setting(where, "min.insync.replicas") == "2"
        said = status(home)
        assert {name: line["healthy"] for name, line in said.items()} == dict.fromkeys(
            ("kafka", "kafka-2", "kafka-3", "mongo"), True
        )
        assert [said[name]["address"] for name in ("kafka", "kafka-2", "kafka-3")] == addresses
    assert not [name for name, line in status(home).items() if line["pid"]]


def test_three_brokers_are_found_again_and_one_that_ended_is_started_again(home: Path) -> None:
    first = start(home, foreground=False, brokers=3)
    make_topic(first)
    were = status(home)
    assert start(home, foreground=False, brokers=3) == first
    assert status(home) == were
    ended = processes.find(pid_file(home, 3))
    assert ended is not None
    processes.stop(ended)
    assert not status(home)["kafka-3"]["healthy"]
    again = start(home, foreground=False, brokers=3)
    assert all(line["healthy"] for line in status(home).values())
    assert topic(again.kafka, again) is not None
