"""Two agencies that work together, as a test of faults sees them: their services are processes that it can kill,
pause and stop, on a real broker and a real store, with topics and databases that no other test uses."""

import asyncio
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import AsyncMongoClient

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.clock import Clock
from chassis.envelope import Event, to_record
from chassis.testing import (
    ROOT,
    Backend,
    Issuer,
    drop_topics,
    make_topics,
    new_code,
    partitions_of,
    records_on,
)
from tests.resilience.proxy import Proxy
from tests.resilience.tally import ACCEPTED, GROUPS, REQUESTED, serve

SECONDS = float(os.environ.get("RESILIENCE_SECONDS", "0"))  # of load, where a test has a long form; 0: its short one
LIMIT_SECONDS = 60.0  # separates "heals" from "never"; no promise is measured by it


async def until(holds: Callable[[], Awaitable[Any]], what: str, seconds: float = LIMIT_SECONDS) -> Any:
    """Wait for a true answer and return it. Raises AssertionError, with `what` should have come, after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := await holds()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.1)
    return found


# One process reads the code once, and each service is a fork of it: to read it takes longer than to start.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.resilience.tally"])


class Process:
    """One service as a process of its own. `log`: its JSON lines."""

    def __init__(self, service: str, environment: Mapping[str, str], log: Path, bearer: str) -> None:
        self.service, self.log = service, log
        log.touch()
        self._process = _FORKS.Process(target=serve, args=(service, dict(environment), str(log)), daemon=True)
        self._process.start()
        self.pid = int(self._process.pid or 0)
        self.http = httpx.AsyncClient(timeout=LIMIT_SECONDS, headers={"Authorization": f"Bearer {bearer}"})

    async def started(self, seconds: float = LIMIT_SECONDS) -> "Process":
        """Until its door is open. Raises AssertionError when it ended before, or did not open it in time."""

        async def told() -> bool:
            code = self._process.exitcode
            assert code is None, f"ended with {code}: {self.log.read_text()[-2000:]}"
            return bool(self.lines("service.started"))

        await until(told, f"{self.service} started", seconds)
        self.http.base_url = httpx.URL(f"http://127.0.0.1:{self.lines('service.started')[-1]['port']}")
        return self

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """What it logged (under this name)."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if event in (None, line["event"])]

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of this metric over all its series that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        total = 0.0
        for line in (await self.http.get("/metrics")).text.splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and all(one in series for one in wanted):
                total += float(value)
        return total

    async def ready(self) -> tuple[int, dict[str, str]]:
        reply = await self.http.get("/ready")
        return reply.status_code, reply.json()["causes"]

    async def well(self) -> None:
        async def all_well() -> bool:
            return await self.ready() == (200, {})

        await until(all_well, "/ready says that all is well")

    def rss_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        self._process.kill()
        self._process.join(LIMIT_SECONDS)

    async def terminate(self, seconds: float = LIMIT_SECONDS) -> tuple[int, float]:
        """SIGTERM. Its exit code, and the seconds it took."""
        began = time.monotonic()
        self._process.terminate()
        return await self.ended(seconds), time.monotonic() - began

    async def ended(self, seconds: float = LIMIT_SECONDS) -> int:
        """Until it ends by itself: its exit code."""

        async def gone() -> bool:
            return self._process.exitcode is not None

        await until(gone, f"{self.service} ended", seconds)
        return int(self._process.exitcode or 0)

    async def close(self) -> None:
        self.kill()
        self._process.close()
        await self.http.aclose()


class Town:
    """`sender` runs referral and asks; `office` runs training and answers. A fixture of the same name builds it."""

    def __init__(self, backend: Backend, folder: Path, contracts: Path = ROOT / "contracts") -> None:
        self.backend, self.folder, self.contracts = backend, folder, contracts
        self.sender, self.office = new_code("sender"), new_code("office")
        self.agency_of = {"referral": self.sender, "training": self.office}
        self.catalogue = Catalogue(contracts)
        self.issuer = Issuer(folder)
        self.clock_file = folder / "clock"
        self.clock_file.write_text("0")
        self.requests_topic = f"{self.sender}.referral.referral.to.{self.office}.v1"
        self.answers_topic = f"{self.office}.training.placement.to.{self.sender}.v1"
        self.processes: list[Process] = []

    async def open(self) -> None:
        make_topics(self.backend.kafka, self.catalogue, *self._wanted())
        self.mongo: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.backend.mongo, tz_aware=True)
        self.producer = AIOKafkaProducer(bootstrap_servers=self.backend.kafka, acks="all", enable_idempotence=True)
        self._offsets = AIOKafkaConsumer(bootstrap_servers=self.backend.kafka, enable_auto_commit=False)
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.backend.kafka)
        for one in (self.producer, self._offsets, self.admin):
            await one.start()

    async def close(self) -> None:
        for process in self.processes:
            await process.close()
        await self.producer.stop()
        await self._offsets.stop()
        await self.admin.close()
        for service in self.agency_of:
            await self.mongo.drop_database(self.database_name(service))
        await self.mongo.close()
        drop_topics(self.backend.kafka, self.topics())

    def _wanted(self) -> tuple[dict[str, frozenset[str]], frozenset[tuple[str, str]]]:
        services = {agency: frozenset({service}) for service, agency in self.agency_of.items()}
        return services, frozenset({(self.sender, self.office), (self.office, self.sender)})

    def topics(self) -> list[str]:
        return sorted(self.catalogue.topics(*self._wanted()))

    # -- its services ----------------------------------------------------------------------------------------------

    async def start(
        self, service: str, instance: str = "1", *, kafka: str = "", mongo: str = "", wait: bool = True, **settings: Any
    ) -> Process:
        """Run `service` as a process; the same `instance` again is its successor, another one a further replica.

        `kafka`, `mongo`: addresses other than the engine's, as a proxy's. `settings`: members of `tally.Settings`.
        """
        agency = self.agency_of[service]
        values: dict[str, Any] = {
            "agency": agency, "mongo_url": mongo or self.backend.mongo, "database": self.database_name(service),
            "kafka": kafka or self.backend.kafka, "http_port": 0, "contracts_dir": self.contracts,
            "issuer_keys": self.issuer.keys, "clock_file": self.clock_file, "instance": instance,
            "retry_seconds": "[0.2, 0.4, 0.8]", **settings,
        }  # fmt: skip
        environment = {f"TALLY_{name.upper()}": str(value) for name, value in values.items()}
        log = self.folder / f"{service}-{instance}-{len(self.processes)}.log"
        process = Process(service, environment, log, self.issuer.token(agency, "clerk"))
        self.processes.append(process)
        return await process.started() if wait else process

    def database_name(self, service: str) -> str:
        return f"{self.agency_of[service]}-{service}"

    def database(self, service: str) -> Any:
        return self.mongo[self.database_name(service)]

    def group(self, service: str) -> str:
        return f"{self.agency_of[service]}.{service}.{GROUPS[service]}"

    # -- what is said to them --------------------------------------------------------------------------------------

    async def ask(self, referral: Process, case_ref: str, **more: Any) -> tuple[str, httpx.Response]:
        """Command `referral` to ask for one more referral of this case: its id, and the reply."""
        body = {"referral_id": ids.new_id("ref"), "case_ref": case_ref, "to": self.office, **more}
        return body["referral_id"], await referral.http.post("/requests", json=body)

    async def put_request(self, case_ref: str, field: str = "WELDING", **more: Any) -> Event:
        """Put `referral.requested` on its topic, as the sender's service would. `more`: members of the event."""
        event = request(self.sender, case_ref, field, **more)
        await self.put(*to_record(event), case_ref.encode())
        return event

    async def put(
        self,
        value: bytes | None,
        headers: list[tuple[str, Any]],
        key: bytes | None = None,
        partition: int | None = None,
    ) -> None:
        """Put any bytes on the topic of requests (on this `partition`); returns when the broker has them."""
        await self.producer.send_and_wait(self.requests_topic, value, key, partition=partition, headers=headers)

    # -- what has come of it ---------------------------------------------------------------------------------------

    async def seen(self) -> list[str]:
        """Referral ids that training has counted, one for each effect: a doubled effect is there twice."""
        rows = [row async for row in self.database("training")["tallies"].find()]
        return [one for row in rows for one in row["seen"]]

    async def answered(self) -> list[str]:
        """Ids of the answers that referral has counted, one for each effect."""
        rows = [row async for row in self.database("referral")["answers"].find()]
        return [one for row in rows for one in row["heard"]]

    async def answers(self) -> list[Any]:
        """Records on the topic of answers."""
        return await self.records(self.answers_topic)

    async def parked(self, service: str = "training") -> list[Any]:
        return await self.records(f"{self.group(service)}.parked.v1")

    async def retried(self, service: str = "training") -> list[Any]:
        return await self.records(f"{self.group(service)}.retry.v1")

    async def records(self, *topics: str) -> list[Any]:
        """All records on these topics, in order of topic, partition and offset."""
        return await records_on(self.backend.kafka, self.admin, *topics)

    async def lag(self, service: str) -> int:
        """Records on the topics this service reads that its group has not committed as handled."""
        read = {"training": self.requests_topic, "referral": self.answers_topic}[service]
        parts = await partitions_of(self.admin, read, f"{self.group(service)}.retry.v1")
        ends, done = await self._offsets.end_offsets(parts), await self.committed(service)
        return sum(ends[part] - done.get(part, 0) for part in parts)

    async def committed(self, service: str) -> dict[TopicPartition, int]:
        found = await self.admin.list_consumer_group_offsets(self.group(service))
        return {part: row.offset for part, row in found.items() if row.offset >= 0}

    async def settled(self, *services: str, seconds: float = LIMIT_SECONDS) -> None:
        """Until these services have read all there is for them, and sent all they had to say."""

        async def quiet() -> bool:
            for service in services:
                unsent = await self.database(service)["outbox"].count_documents({"sent": False})
                if unsent or await self.lag(service):
                    return False
            return True

        for _ in range(2):  # what was read last may have had something to say
            await until(quiet, f"{' and '.join(services)} settled", seconds)


def at(store_way: Proxy) -> str:
    """The store's URL by way of this proxy. Direct: the set would tell its own address, past the proxy."""
    return f"mongodb://127.0.0.1:{store_way.port}/?directConnection=true"


def case(number: int) -> str:
    """A case pseudonym of the published form, the same for the same number."""
    digits = "abcdefghijklmnopqrstuvwxyz234567"
    text = ""
    while number:
        number, digit = divmod(number, len(digits))
        text = digits[digit] + text
    return f"prt_{text:a>26}"


def request(sender: str, case_ref: str, field: str = "WELDING", **more: Any) -> Event:
    """`referral.requested` of the sender for this case. `more`: members of the event that are to differ."""
    cause, referral = ids.event_id(), ids.new_id("ref")
    said: dict[str, Any] = {
        "id": ids.event_id(), "source": f"/{sender}/referral", "type": REQUESTED, "subject": referral,
        "time": Clock().now(), "correlationid": cause, "causationid": cause, "traceparent": ids.traceparent(),
        "aggregateversion": 1, "data": {"referral_id": referral, "case_ref": case_ref, "field": field}, **more,
    }  # fmt: skip
    return Event(**said)


__all__ = ["ACCEPTED", "LIMIT_SECONDS", "REQUESTED", "SECONDS", "Process", "Town", "at", "case", "request", "until"]
