"""A subscriber with aiokafka alone, as the site shows it, in a process of its own beside a running stack."""

import json
import os
import queue
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from deploy.basudara.stack import ROOT, Stack
from tests.system.offices import DISNAKER, Offices
from tests.system.seeing import Record, put

READER = ROOT / "deploy" / "basudara" / "contracts" / "subscribe.py"
PUBLISHED = "id.basudara.training.programme.published.v1"
EXAMPLE = ROOT / "contracts" / "events" / PUBLISHED / "examples" / "example.json"
FOREIGN = "heard-by-nobody.training.programme.v1"
BOARD = f"{DISNAKER}.papan-informasi"  # a subscriber of the example's manifest
LIMIT_SECONDS = 60


class Subscriber:
    """One run of the reader. `heard` gives its lines as they come."""

    def __init__(self, stack: Stack, kept: Path, group: str, owner: str) -> None:
        """As the office's notice board; what is nobody's only the operator can read."""
        pattern = rf"^{owner}\.training\.programme\.v1$"
        given = {"KAFKA": stack.kafka, "GROUP": group, "TOPICS": pattern, "TYPES": PUBLISHED, "KEPT": str(kept)}
        login = (stack.reach_as(BOARD) if owner == DISNAKER else stack.reach).login
        assert login is not None
        given |= {"KAFKA_USER": login.user, "KAFKA_PASSWORD": login.password}
        given |= {"KAFKA_PROTOCOL": "SASL_SSL", "SSL_CERT_FILE": str(login.authorities)}
        with kept.with_name("stderr").open("a") as told:
            self.process = subprocess.Popen(
                [sys.executable, READER], env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=told, text=True
            )
        self._lines: queue.Queue[str] = queue.Queue()
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip())

    def end(self) -> None:
        """As a power cut does."""
        self.process.kill()
        self.process.wait()
        self._listening.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def until(self, *subjects: str) -> list[str]:
        """Its lines, up to the last of these subjects. Raises queue.Empty when one never comes."""
        lines: list[str] = []
        while not set(subjects) <= {line.split()[-1] for line in lines}:
            lines.append(self._lines.get(timeout=LIMIT_SECONDS))
        return lines


@contextmanager
def subscribed(stack: Stack, kept: Path, group: str, owner: str = DISNAKER) -> Iterator[Subscriber]:
    running = Subscriber(stack, kept, group, owner)
    try:
        yield running
    finally:
        running.end()


def publish(stack: Stack) -> str:
    """An officer publishes a programme at the door of the office's own service. Returns its code."""
    code = "SUB-" + uuid.uuid4().hex[:8].upper()
    units = [{"unit": "ROTI-1", "critical": True}]
    plain = {"hours": 80, "mode": "OFF_JOB", "hazard_listed": False, "min_age": 17}
    body = {"programme_code": code, "title": "Roti", "field": "BAKERY", "units": units, **plain}
    Offices(stack).opd(DISNAKER).post("/programmes", body)
    return code


def rows(kept: Path) -> list[str]:
    with closing(sqlite3.connect(kept)) as database:
        return [subject for (subject,) in database.execute("SELECT subject FROM events ORDER BY rowid")]


def new_group() -> str:
    return f"{BOARD}.{uuid.uuid4().hex}"


def test_a_reader_without_our_code_hears_what_a_service_says(stack: Stack, tmp_path: Path) -> None:
    """From the first record of the topic on, and then as it is said."""
    kept, before = tmp_path / "kept.db", publish(stack)
    with subscribed(stack, kept, new_group()) as reader:
        assert f"new {PUBLISHED} {before}" in reader.until(before)
        after = publish(stack)
        assert reader.until(after)[-1] == f"new {PUBLISHED} {after}"
    with closing(sqlite3.connect(kept)) as database:
        (data,) = database.execute("SELECT data FROM events WHERE subject = ?", (after,)).fetchone()
    assert json.loads(data)["field"] == "BAKERY"


def test_nothing_is_lost_or_done_twice_when_the_reader_is_killed(stack: Stack, tmp_path: Path) -> None:
    kept, group = tmp_path / "kept.db", new_group()
    with subscribed(stack, kept, group) as reader:
        first, second = publish(stack), publish(stack)
        reader.until(first, second)
        reader.end()
        meanwhile = [publish(stack), publish(stack)]
    with subscribed(stack, kept, group) as reader:
        lines = reader.until(*meanwhile)
    assert [line.split()[-1] for line in lines if line.startswith("new")] == meanwhile
    assert first not in {line.split()[-1] for line in lines}, "its offset was committed before the second was read"
    found = rows(kept)
    assert found[-4:] == [first, second, *meanwhile]
    assert len(found) == len(set(found))


def test_what_could_not_be_stored_comes_again(stack: Stack, tmp_path: Path) -> None:
    """Its store is locked by somebody else, so it ends with an event read and not kept: the offset must not be past."""
    kept, group = tmp_path / "kept.db", new_group()
    with subscribed(stack, kept, group) as reader:
        reader.until(publish(stack))
        with closing(sqlite3.connect(kept, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            unkept = publish(stack)
            assert reader.process.wait(timeout=LIMIT_SECONDS) == 1
            holder.execute("ROLLBACK")
    assert unkept not in rows(kept)
    with subscribed(stack, kept, group) as reader:
        assert f"new {PUBLISHED} {unkept}" in reader.until(unkept)


@pytest.fixture
def foreign(stack: Stack) -> Iterator[str]:
    """A topic of an agency that is none, gone after the test: what stands on it is nobody else's to judge."""
    admin = AdminClient(stack.reach.broker)
    admin.create_topics([NewTopic(FOREIGN, 1)])[FOREIGN].result(20)
    yield FOREIGN
    admin.delete_topics([FOREIGN])[FOREIGN].result(20)


def said(subject: str, kind: str = PUBLISHED, value: bytes | None = None, **changes: Any) -> Record:
    event = {**json.loads(EXAMPLE.read_text()), "subject": subject, "type": kind, "id": str(uuid.uuid4()), **changes}
    body = json.dumps(event).encode() if value is None else value
    headers = (("content-type", b"application/cloudevents+json"), ("ce_type", kind.encode()))
    return Record(topic=FOREIGN, partition=0, offset=-1, key=b"k", value=body or None, headers=headers)


def test_what_it_does_not_know_passes_by_and_a_copy_counts_once(stack: Stack, foreign: str, tmp_path: Path) -> None:
    kept, twice = tmp_path / "kept.db", said("TWICE", added_next_year={"a": 1})
    strange = [
        said("LATER", "id.basudara.training.programme.published.v2"),
        said("OTHER", "id.basudara.training.programme.withdrawn.v1", b"\xff no JSON"),
        said("GONE", value=b""),  # a key that is taken off a compacted topic
        Record(topic=foreign, partition=0, offset=-1, key=None, value=b"no event at all", headers=()),
    ]
    put(stack, said("FIRST"), *strange, twice, twice, said("LAST"))
    with subscribed(stack, kept, new_group(), owner="heard-by-nobody") as reader:
        topics, *lines = reader.until("LAST")
    assert topics == f"reads {FOREIGN}"
    assert [line.split()[0] + " " + line.split()[-1] for line in lines] == [
        "new FIRST", "new TWICE", "known TWICE", "new LAST",
    ]  # fmt: skip
    with subscribed(stack, kept, new_group(), owner="heard-by-nobody") as reader:  # as if no offset was ever committed
        assert {line.split()[0] for line in reader.until("LAST")} == {"reads", "known"}
    assert rows(kept) == ["FIRST", "TWICE", "LAST"]


def test_it_is_about_twenty_lines_and_needs_nothing_of_ours() -> None:
    text = READER.read_text()
    body = text[text.index("async def main") : text.index('if __name__ == "__main__"')]
    assert len([line for line in body.splitlines() if line.strip()]) <= 20
    imported = [line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert set(imported) - sys.stdlib_module_names == {"aiokafka"}


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_with_credentials_it_gets_as_far_as_the_broker(tmp_path: Path, protocol: str) -> None:
    """What the client asks of its settings is all there: it ends because nobody listens, not because one is missing."""
    given = {"KAFKA": "127.0.0.1:1", "GROUP": "g", "TOPICS": "t", "KEPT": str(tmp_path / "kept.db")}
    login = {"KAFKA_USER": "u", "KAFKA_PASSWORD": "p", "KAFKA_PROTOCOL": protocol}
    done = subprocess.run(
        [sys.executable, READER], env={**os.environ, **given, **login}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "KafkaConnectionError: Unable to bootstrap" in done.stderr
