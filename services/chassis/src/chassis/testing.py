"""Pytest fixtures: a real Kafka, a real MongoDB, and a service that runs in the test's own process.

`TEST_BACKEND` chooses where both come from: `local` and `auto` start them as child processes, `containers` in docker,
`external` takes `TEST_KAFKA` and `TEST_MONGO`. Anything else is an error, never a skip.
"""

import asyncio
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from cryptography.hazmat.primitives.asymmetric import ec

from chassis import clock, ids
from chassis.auth import AUDIENCE
from chassis.catalogue import Catalogue
from chassis.envelope import Event, from_record, to_record
from chassis.running import Builds, Service

ROOT = Path(__file__).resolve().parents[4]
ISSUER = "basudara-local"


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the engine, so that `-m "not engine"` is all that runs in seconds."""
    for item in items:
        if "backend" in getattr(item, "fixturenames", ()):
            item.add_marker("engine")


@dataclass(frozen=True)
class Backend:
    kafka: str
    mongo: str


@pytest.fixture(scope="session")
def backend() -> Iterator[Backend]:
    """Kafka and MongoDB for the whole session; each test has topics or a database of its own."""
    kind = os.environ.get("TEST_BACKEND", "auto")
    if kind == "external":
        yield Backend(os.environ["TEST_KAFKA"], os.environ["TEST_MONGO"])
        return
    if kind == "containers":
        yield from _in_containers()
        return
    if kind not in ("auto", "local"):
        raise pytest.UsageError(f"TEST_BACKEND={kind} is not known: auto, local, containers or external")
    from deploy.local.engine import engine  # only where tests run from a checkout

    home = ROOT / ".local" / f"test-{os.getpid()}"
    with engine(home, fresh=True) as running:
        yield Backend(running.kafka, running.mongo)
    shutil.rmtree(home)


def _in_containers() -> Iterator[Backend]:
    from deploy.compose.containers import NoDocker, containers  # only where tests run from a checkout

    try:
        with containers() as running:
            yield Backend(running.kafka, running.mongo)
    except NoDocker as missing:
        pytest.exit(f"TEST_BACKEND=containers: {missing}", returncode=2)


def new_code(prefix: str = "agency") -> str:
    """An agency code that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def make_topics(
    kafka: str, catalogue: Catalogue, services: Mapping[str, frozenset[str]], pairs: frozenset[tuple[str, str]]
) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    wanted = catalogue.topics(services, pairs)
    existing = admin.list_topics(timeout=10).topics
    made = admin.create_topics(
        [
            NewTopic(name, num_partitions=channel.partitions, replication_factor=-1, config=dict(channel.configuration))
            for name, channel in wanted.items()
            if name not in existing
        ]
    )
    for future in made.values():
        future.result(timeout=20)


def drop_topics(kafka: str, names: list[str]) -> None:
    """A broker that keeps the topics of every test of a session answers each next test more slowly."""
    admin = AdminClient({"bootstrap.servers": kafka})  # kept until its answers are there
    for future in admin.delete_topics(names).values():
        future.result(timeout=20)


class Issuer:
    """A token issuer of the test's own: a key, its JWKS file, and tokens signed with it."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        row = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        self.keys = folder / "issuer.json"
        self.keys.write_text(json.dumps({"keys": [{**row, "kid": "test", "alg": "ES256"}]}))

    def token(self, agency: str, role: str, subject: str = "tester-1", service: str | None = None, **other: Any) -> str:
        now = datetime.now(UTC)
        claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "agency": agency, "role": role}
        claims |= {"nbf": now - timedelta(seconds=5), "exp": now + timedelta(hours=1)}
        if service:
            claims["service"] = service
        return jwt.encode({**claims, **other}, self._key, algorithm="ES256", headers={"kid": "test"})


class Running:
    """A running service and what a test says to it and hears of it."""

    def __init__(self, service: Service, issuer: Issuer, kafka: str, partner: str, clock_file: Path) -> None:
        self.service, self.issuer, self.kafka, self.partner = service, issuer, kafka, partner
        self.agency = service.settings.agency
        self.catalogue = service.catalogue
        self._clock_file = clock_file
        self.url = f"http://127.0.0.1:{service.port}"
        self.http = httpx.AsyncClient(base_url=self.url, timeout=20)
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
        self._offsets = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=kafka)

    def set_clock(self, instant: datetime) -> None:
        clock.move_to(self._clock_file, instant)

    def now(self) -> datetime:
        return self.service.clock.now()

    def token(
        self, role: str, *, agency: str | None = None, subject: str = "tester-1", service: str | None = None
    ) -> str:
        return self.issuer.token(agency or self.agency, role, subject, service)

    def as_(self, role: str, **who: Any) -> dict[str, str]:
        """Request headers of an officer with this role."""
        return {"Authorization": f"Bearer {self.token(role, **who)}"}

    async def hear(
        self, kind: str, data: Mapping[str, Any], *, subject: str = "subject-1", version: int = 1,
        source: str | None = None, to: str | None = None, id: str | None = None, correlation: str | None = None,
    ) -> Event:  # fmt: skip
        """Put an event on its topic as its owner would. `source`: the writing agency, own by default."""
        channel = self.catalogue.channel_of(kind)
        owner = source or self.agency
        fresh = id or ids.event_id()
        event = Event(
            id=fresh, source=f"/{owner}/{channel.service}", type=kind, subject=subject, time=self.now(),
            correlationid=correlation or fresh, causationid=fresh, traceparent=ids.traceparent(),
            aggregateversion=version, data=data,
        )  # fmt: skip
        value, headers = to_record(event)
        topic = channel.topic(owner=owner, reader=to or (self.partner if owner == self.agency else self.agency))
        await self.put(topic, value, headers, key=channel.key_of(data).encode())
        return event

    async def put(
        self, topic: str, value: bytes | None, headers: list[tuple[str, bytes]], key: bytes | None = None
    ) -> None:
        """Put any bytes on a topic."""
        await self._producer.send_and_wait(topic, value, key, headers=headers)

    async def settled(self, seconds: float = 60) -> None:
        """Until all that was put on this service's topics is read, and all that it has to say is sent."""
        until = time.monotonic() + seconds
        quiet = 0
        while quiet < 2:
            if time.monotonic() > until:
                raise AssertionError("the service did not settle")
            await asyncio.sleep(0.05)
            unsent = await self.service.database["outbox"].count_documents({"sent": False})
            quiet = quiet + 1 if not unsent and not await self._lag() else 0

    async def _lag(self) -> int:
        """Records not yet committed as handled; asked on connections of the test's own, where no fetch waits before."""
        consumer = self.service.reading.consumer
        if consumer is None or not consumer.assignment():
            return 1
        partitions = list(consumer.assignment())
        ends = await self._offsets.end_offsets(partitions)
        begins = await self._offsets.beginning_offsets(partitions)
        done = await self._admin.list_consumer_group_offsets(self.service.group_id)
        return sum(ends[one] - (done[one].offset if one in done else begins[one]) for one in partitions)

    async def records(self, *topics: str) -> list[Any]:
        """Every record on these topics, in order of topic, partition and offset."""
        return await records_on(self.kafka, self._admin, *topics)

    async def said(self, kind: str | None = None, *, reader: str | None = None) -> list[Event]:
        """All events this service has sent (of one type), as they came to the broker, by key in order; `reader` for
        another partner's topics."""
        await self.settled()
        topics = [
            channel.topic(owner=self.agency, reader=reader or self.partner)
            for channel in self.catalogue.channels.values()
            if channel.service == self.service.name and channel.types
        ]
        found = [(row.timestamp, from_record(row.value, row.headers)) for row in await self.records(*topics)]
        found.sort(key=lambda one: (one[0], one[1].id))  # what one cause says sorts as it was said
        return [event for _, event in found if kind in (None, event.type)]

    async def parked(self) -> list[Any]:
        """Records on this service's parked topic."""
        await self.settled()
        listener = self.service.parts.listener
        own = {"owner": self.agency, "service": listener.service, "group": listener.group}
        return await self.records(self.catalogue.channels["parked"].topic(**own))

    async def start(self) -> None:
        await self._producer.start()
        await self._offsets.start()
        await self._admin.start()

    async def stop(self) -> None:
        await self.http.aclose()
        await self._producer.stop()
        await self._offsets.stop()
        await self._admin.close()
        await self.service.stop()


async def partitions_of(admin: AIOKafkaAdminClient, *topics: str) -> list[TopicPartition]:
    described = await admin.describe_topics(list(topics))
    return [TopicPartition(topic["topic"], row["partition"]) for topic in described for row in topic["partitions"]]


async def records_on(kafka: str, admin: AIOKafkaAdminClient, *topics: str) -> list[Any]:
    """Every record that stands on these topics now, in order of topic, partition and offset."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        found: list[Any] = []
        parts = await partitions_of(admin, *topics)
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        while [part for part in parts if await consumer.position(part) < ends[part]]:
            for rows in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(rows)
        return sorted(found, key=lambda row: (row.topic, row.partition, row.offset))
    finally:
        await consumer.stop()


@pytest.fixture
def running_service(backend: Backend) -> Callable[..., Any]:
    """`async with running_service("training", Settings, build, agency=…, partners=[…], **settings) as svc:`.

    Starts the real service in this process on its own database and topics. `agency` defaults to a fresh code; the
    first of `partners` is `svc.partner`; topics to and from each of them exist. `runs`: services of the own agency
    whose topics are wanted too.
    """

    @asynccontextmanager
    async def start(
        name: str, settings_class: Any, build: Builds, *, agency: str | None = None, partners: tuple[str, ...] = (),
        runs: tuple[str, ...] = ("intake", "referral", "training", "notification"), **settings: Any,
    ) -> AsyncIterator[Running]:  # fmt: skip
        own = agency or new_code("own")
        others = partners or (new_code("partner"),)
        catalogue = Catalogue(ROOT / "contracts")
        services = {own: frozenset(runs) | {name, "agreement"}}
        services |= {one: frozenset({"intake", "referral", "training", "notification", "agreement"}) for one in others}
        pairs = frozenset({(own, one) for one in others} | {(one, own) for one in others})
        make_topics(backend.kafka, catalogue, services, pairs)
        with tempfile.TemporaryDirectory() as folder:
            issuer, clock_file = Issuer(Path(folder)), Path(folder) / "clock"
            clock_file.write_text("0")
            credential = Path(folder) / "credential"
            credential.write_text(issuer.token(own, "service", f"{name}-service", name))
            built = settings_class(
                agency=own, mongo_url=backend.mongo, database=f"{own}-{name}", kafka=backend.kafka, http_port=0,
                contracts_dir=ROOT / "contracts", issuer_keys=issuer.keys, clock_file=clock_file, credential=credential,
                **{"retry_seconds": (0.1, 0.2, 0.4), **settings},
            )  # fmt: skip
            service = Service(name, built, build(built))
            await service.start()
            running = Running(service, issuer, backend.kafka, others[0], clock_file)
            await running.start()
            try:
                yield running
            finally:
                await running.stop()
                drop_topics(backend.kafka, sorted(catalogue.topics(services, pairs)))

    return start
