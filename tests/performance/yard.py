"""Where contenders run: one engine, fresh topics and databases for each of them, records laid ready, processes."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from pydantic import TypeAdapter
from pymongo import MongoClient

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.envelope import Event, to_record
from chassis.testing import ROOT, Issuer, drop_topics, make_topics
from referral.domain.participant import Participant
from referral.domain.referral import Referral

STARTED = "id.basudara.training.enrolment.started.v1"


@dataclass(frozen=True)
class Yard:
    kafka: str
    mongo: str
    folder: Path

    @contextmanager
    def contender(self, **asked: Any) -> Iterator["subprocess.Popen[str]"]:
        """A running contender; ended, and waited for, when the block ends."""
        given = {"kafka": self.kafka, "mongo": self.mongo, "folder": str(self.folder), **asked}
        command = [sys.executable, "-m", "tests.performance.contender", json.dumps(given)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)
            if process.stdout:
                process.stdout.close()

    def topics(self, names: Sequence[str], partitions: int, configuration: Mapping[str, str] | None = None) -> None:
        admin = AdminClient({"bootstrap.servers": self.kafka})
        wanted = [NewTopic(name, partitions, 1, config=dict(configuration or {})) for name in names]
        for future in admin.create_topics(wanted).values():
            future.result(timeout=20)

    def drop(self, names: Sequence[str]) -> None:
        drop_topics(self.kafka, list(names))


def said(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next line of a contender. Raises RuntimeError when it ended instead."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"a contender ended: {' '.join(process.args)}"[:400])  # type: ignore[arg-type]
    found: dict[str, Any] = json.loads(line)
    return found


def fresh(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


@contextmanager
def yard(kafka: str, mongo: str) -> Iterator[Yard]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Issuer(folder)
        yield Yard(kafka, mongo, folder)


def starts(opd: str, referrals: Sequence[tuple[str, str]], broken_every: int = 0) -> list[tuple[bytes, bytes, Any]]:
    """One training started for each (referral, pseudonym); each `broken_every`-th breaks its contract."""
    now, found = datetime.now(UTC), []
    for number, (referral_id, case_ref) in enumerate(referrals):
        enrolment_id = ids.new_id("enr")
        data: dict[str, Any] = {
            "enrolment_id": enrolment_id, "referral_id": referral_id, "case_ref": case_ref,
            "cohort_code": "WELD-2027-01", "started_on": "2027-02-01",
        }  # fmt: skip
        if broken_every and number % broken_every == broken_every // 2:
            del data["referral_id"]
        fresh_id = ids.event_id()
        event = Event(
            id=fresh_id, source=f"/{opd}/training", type=STARTED, subject=enrolment_id, time=now,
            correlationid=fresh_id, causationid=fresh_id, traceparent=ids.traceparent(), aggregateversion=3, data=data,
        )  # fmt: skip
        value, headers = to_record(event)
        found.append((case_ref.encode(), value, headers))
    return found


def accepted(yard: Yard, database: str, opd: str, count: int) -> list[tuple[str, str]]:
    """So many referrals that wait for their training to start, put into the store of the service, with their persons.
    Returns (referral, pseudonym) of each."""
    client: MongoClient[dict[str, Any]] = MongoClient(yard.mongo)
    found: list[tuple[str, str]] = []
    while len(found) < count:
        pairs = [_waiting(opd) for _ in range(min(10_000, count - len(found)))]
        client[database]["referrals"].insert_many([_document(referral) for referral, _ in pairs], ordered=False)
        client[database]["participants"].insert_many([_document(person) for _, person in pairs], ordered=False)
        found += [(referral.id, referral.agency_case_ref or "") for referral, _ in pairs]
    client.close()
    return found


def _waiting(opd: str) -> tuple[Referral, Participant]:
    person = Participant(
        id=ids.new_id("prt"), version=5, age_group="ADULT", age_group_until=None, home_area="81.71", voluntary=True,
        referable_until=None, state="ready",
    )  # fmt: skip
    referral = Referral(
        id=ids.new_id("ref"), version=3, state="accepted", case_ref=person.id, to_agency=opd, field="WELDING",
        accommodations=("NONE",), availability=("MORNING",), replaces=None, drafted_by="pk-1",
        agency_case_ref=ids.new_id("prt"), age_group="ADULT", agreement_number="PKS-1/CONTOH",
        requested_at=datetime.now(UTC), business_status="seat-confirmed",
    )  # fmt: skip
    return referral, person


_CODECS = {kind: TypeAdapter(kind) for kind in (Referral, Participant)}


def _document(aggregate: Referral | Participant) -> dict[str, Any]:
    document: dict[str, Any] = _CODECS[type(aggregate)].dump_python(aggregate)
    document["_id"] = document.pop("id")
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in document.items()}


async def lay(kafka: str, topic: str, records: Sequence[tuple[bytes, bytes, Any]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=256 * 1024)
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key, headers=headers) for key, value, headers in records]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def office(yard: Yard, partitions: int | None = None) -> tuple[str, str, str]:
    """A fresh sender and its office with all their topics; that of enrolments, which is returned with them, has so many
    partitions, or as many as the catalogue says."""
    sender, opd = fresh("bapas"), fresh("opd")
    catalogue = Catalogue(ROOT / "contracts")
    enrolments = catalogue.channel_of(STARTED).topic(owner=opd, reader=sender)
    if partitions:
        yard.topics([enrolments], partitions)
    runs = frozenset({"training", "referral", "agreement", "intake"})
    make_topics(yard.kafka, catalogue, {opd: runs, sender: runs}, frozenset({(opd, sender), (sender, opd)}))
    return sender, opd, enrolments
