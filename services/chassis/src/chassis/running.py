"""Start and stop of a service: builds the chassis' parts around what the service brings, and runs them together."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
import uvicorn
import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, NodeNotReadyError
from fastapi import APIRouter
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import ValidationError

from chassis import logs, measures, spans
from chassis.audit import Record
from chassis.auth import gate_of
from chassis.catalogue import Catalogue
from chassis.clock import Clock
from chassis.consuming import Consumer, Listener
from chassis.database import Database, Moved
from chassis.duties import Duties, DutyRunner
from chassis.errors import Expected, Unavailable
from chassis.http import Door, http_app
from chassis.kept import Kept
from chassis.keyring import UnusableKey
from chassis.lease import Lost
from chassis.login import for_broker, for_reader
from chassis.memory import share_the_heaps, spare_the_collector
from chassis.outbox import BATCH_BYTES, Outbox, Relay
from chassis.polling import Poll
from chassis.reshaping import WrittenByNewer, bring_up_rest, prepare
from chassis.restored import HalfRestored, heard_all_since, must_be_whole
from chassis.settings import ChassisSettings
from chassis.spans import SpansRefused
from chassis.store import Store
from chassis.traced import TracedStore

log = structlog.get_logger()

READY_RELAY_AGE_SECONDS = 30.0
KNOWN_WITHIN_SECONDS = 5.0
TELL_AT_STOP_SECONDS = 2.0
PASSING = frozenset({"refresh", "shapes"})  # names of what ends before the service does
# the client says the last one, which is every other's base, when no node answered it
BROKER_AWAY = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, KafkaError)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a service brings. `background`: coroutine functions that run, with the service, until it stops."""

    title: str
    description: str
    routers: Sequence[APIRouter]
    listener: Listener
    duties: Duties = field(default_factory=Duties)
    kept: Sequence[Kept] = ()
    tools: Any = None
    background: Sequence[Callable[["Service"], Awaitable[None]]] = ()


class Builds(Protocol):
    """`bootstrap.build`: makes a service's parts from its settings."""

    def __call__(self, settings: Any) -> Parts: ...


class TopicMissing(Expected):
    """A consumer that can't put a record aside would stop at it or lose it: it does not start. Facts: `topic`."""

    code = "topic_missing"


class Service:
    """One running service. `await start()`, then `await serve()` or, in tests, `await stop()`."""

    def __init__(self, name: str, settings: ChassisSettings, parts: Parts) -> None:
        self.name, self.settings, self.parts = name, settings, parts
        self.clock = Clock(settings.clock_file)
        self.catalogue = Catalogue(settings.contracts_dir)
        appname = f"{settings.agency}/{name}/{settings.instance}"
        where = (settings.mongo_url.get_secret_value(), settings.database)
        self.database = Database(*where, appname, settings.mongo_login)
        self.outbox = Outbox(settings.agency, name, self.catalogue)
        self.spans = spans.begin(settings.spans, settings.agency, name, settings.instance, self.clock)
        kept = (self.database, parts.kept, self.outbox)
        self.store = Store(*kept) if self.spans is None else TracedStore(*kept, self.spans)
        self.record = Record(self.database, settings.agency, name, self.clock)
        self._appname = appname
        self.group_id = f"{settings.agency}.{parts.listener.service}.{parts.listener.group}"
        self._tasks: list[asyncio.Task[Any]] = []
        self.port = 0

    async def start(self) -> None:
        """Prepare the store, then send, then read, then open the door: what is heard can be said at once.

        Raises TopicMissing, HalfRestored, WrittenByNewer.
        """
        settings = self.settings
        await self._until_reached(lambda: prepare(self.store, self.parts.kept))
        await must_be_whole(self.database)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka,
            client_id=self._appname,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            max_request_size=2 * 1024 * 1024,  # a record as large as its topic allows, and why it was put aside
            linger_ms=0,
            request_timeout_ms=10_000,
            **for_broker(settings.kafka_login, settings.kafka_tls),
        )
        await self._until_reached(self._producer.start)
        await self._check_topics()
        self.relay = Relay(self.database, self._producer, self._appname, self.clock, self.spans)
        self.store.committed = self.relay.wake
        self.store.recorded = self.record.wake
        self._begin(self.record.run(), "record")
        self._begin(self.relay.run(), "relay")
        await self._start_reading()
        await heard_all_since(self.database, self.reading.consumer)
        self._begin(DutyRunner(self.parts.duties, self.store, self.clock, self.spans).run(), "duties")
        for work in self.parts.background:
            self._begin(work(self), "background")
        self._begin(bring_up_rest(self.database, self.parts.kept), "shapes")
        await self._start_door()
        log.info("service.started", port=self.port)

    async def _until_reached(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """A dependency that is down at the start is waited for: the order of starting does not matter."""
        pause = 0.2
        while True:
            try:
                return await attempt()
            except (Unavailable, Moved, OSError, ConnectionError) as error:
                log.warning("service.waits", exc_info=error)
            except KafkaError as error:
                if type(error) not in BROKER_AWAY:
                    raise
                log.warning("service.waits", exc_info=error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5)

    def _put_aside_topics(self) -> tuple[str, str]:
        """Names of the topics for records to try again, and for parked ones."""
        listener = self.parts.listener
        own = {"owner": self.settings.agency, "service": listener.service, "group": listener.group}
        retry, parked = (self.catalogue.channels[kind].topic(**own) for kind in ("retry", "parked"))
        return retry, parked

    async def _check_topics(self) -> None:
        """Raises TopicMissing. A topic that was made just now may not be known to the broker that answers."""
        known: set[str] = set()

        async def ask() -> None:
            known.update((await self._producer.client.fetch_all_metadata()).topics())

        until = time.monotonic() + KNOWN_WITHIN_SECONDS
        await self._until_reached(ask)
        while missing := [topic for topic in self._put_aside_topics() if topic not in known]:
            if time.monotonic() > until:
                await self._producer.stop()
                self.database.close()
                raise TopicMissing(topic=missing[0])
            await asyncio.sleep(0.1)
            await self._until_reached(ask)

    async def _start_reading(self) -> None:
        settings, listener = self.settings, self.parts.listener
        retry, parked = self._put_aside_topics()
        seconds = (settings.retry_seconds, settings.handler_seconds)
        self.consumer = Consumer(listener, self.store, self.clock, retry, parked, *seconds, self.spans)
        patterns = [
            *self.catalogue.patterns(listener.service, listener.group, settings.agency),
            retry.replace(".", r"\."),
        ]
        self._broker = KafkaBroker(
            settings.kafka.split(","),  # as one text it would be one host
            client_id=self._appname,
            apply_types=False,
            logger=None,
            allow_auto_create_topics=False,
            consumer_only=True,
            metadata_max_age_ms=5000,
            request_timeout_ms=15_000,
            security=for_reader(settings.kafka_login, settings.kafka_tls),
        )

        async def parsed(records: Any) -> KafkaMessage:
            # FastStream's own parser decodes headers, and the poll is lost with the first bad byte
            consumer: Any = self.reading.consumer
            return KafkaMessage(body=b"", raw_message=records, consumer=consumer)

        subscriber = self._broker.subscriber(
            pattern=f"^({'|'.join(patterns)})$",
            group_id=self.group_id,
            group_instance_id=self._appname.replace("/", "."),
            batch=True,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL,
            listener=self.consumer,
            parser=parsed,
            decoder=_as_it_is,
        )
        # FastStream's own poll sleeps after an empty one: 3 % of a core at rest, and late by as much as it slept
        subscriber.get_msg = Poll(settings.poll_records)  # type: ignore[method-assign]
        subscriber(self.consumer.on_poll)
        self.reading = subscriber
        await self._until_reached(self._broker.start)
        measures.LAG.set_function(lambda: self.consumer.lag(subscriber.consumer))
        self._begin(self._refresh_assignment(), "refresh")

    async def _refresh_assignment(self) -> None:
        """Ask for a new assignment once, if topics were made while this service was down.

        The broker gives a static member back what it had before it was killed, and the client, which knows the new
        topics already, sees no change in them later: without this they would stay unread for ever (seen by test).
        """
        consumer: Any = self.reading.consumer
        while not consumer.assignment():
            await asyncio.sleep(0.1)
        if consumer.subscription() - {partition.topic for partition in consumer.assignment()}:
            log.info("consumer.asks_for_new_topics")
            consumer._coordinator.request_rejoin()

    async def _start_door(self) -> None:
        door = Door(
            settings=self.settings,
            store=self.store,
            clock=self.clock,
            gate=gate_of(self.settings),
            record=self.record,
            tools=self.parts.tools,
            readiness=self.readiness,
            spans=self.spans,
        )
        self.app = http_app(door, self.parts.routers, self.parts.title, self.parts.description)
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        listening = socket.create_server((self.settings.http_host, self.settings.http_port))
        self.port = listening.getsockname()[1]
        self._begin(self._server.serve(sockets=[listening]), "door")
        while not self._server.started:
            await asyncio.sleep(0.01)

    def _begin(self, work: Awaitable[Any], name: str) -> None:
        self._tasks.append(asyncio.ensure_future(work))
        self._tasks[-1].set_name(name)

    def _lasting(self) -> list[asyncio.Task[Any]]:
        """The parts that must not end before the service does."""
        return [task for task in self._tasks if task.get_name() not in PASSING]

    async def readiness(self) -> dict[str, str]:
        """Causes by name why work can't be done now; empty when it can."""
        causes: dict[str, str] = {}
        try:
            await self.database.ping()
        except Expected as error:
            causes["store"] = error.code
        try:
            async with asyncio.timeout(2):
                await self._producer.client.fetch_all_metadata()
        except Exception as error:
            causes["broker"] = type(error).__name__
        if self.relay.oldest_seconds > READY_RELAY_AGE_SECONDS:
            causes["relay"] = "rows wait too long"
        if self.consumer.failing:
            causes["reader"] = self.consumer.failing
        lag = self.consumer.lag(self.reading.consumer)
        if lag > self.settings.ready_lag_records:
            causes["lag"] = f"{lag} records to read"
        for task in self._lasting():
            if task.done():
                causes[task.get_name()] = "ended"
        return causes

    async def serve(self) -> int:
        """Until SIGTERM, SIGINT or the end of a part that must not end. Returns the exit code."""
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, asked.set)
        stop = asyncio.ensure_future(asked.wait())
        await asyncio.wait([stop, *self._lasting()], return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in self._lasting() if task.done()]
        for task in ended:
            log.error("service.part_ended", reason=task.get_name(), exc_info=task.exception())
        stop.cancel()
        await self.stop()
        return 1 if ended else 0

    async def stop(self) -> None:
        """Close the door, end reading, let go of the lease: within `stop_seconds`, whatever is down."""
        self._server.should_exit = True
        try:
            async with asyncio.timeout(self.settings.stop_seconds):
                await self._tell_positions()
                await self._broker.stop()
                for task in self._tasks:
                    if task.get_name() != "door":
                        task.cancel()
                await asyncio.wait(self._tasks, timeout=5)
                await self._let_go()
                if self.spans is not None:
                    await self.spans.stop(TELL_AT_STOP_SECONDS)
        except TimeoutError:
            log.warning("service.stop_cut_short")
        finally:
            for task in self._tasks:
                task.cancel()
            self.database.close()
        log.info("service.stopped")

    async def _tell_positions(self) -> None:
        """So that the successor need not read again what was handled; it can, where the broker is away."""
        try:
            async with asyncio.timeout(TELL_AT_STOP_SECONDS):
                await self.consumer.let_go(self.reading.consumer)
        except TimeoutError:
            log.warning("service.positions_not_told")
        self.consumer.end()

    async def _let_go(self) -> None:
        for end in (self.relay.let_go, self.record.seal):
            try:
                await end()
            except (Expected, Moved, Lost) as error:
                log.warning("service.not_all_let_go", exc_info=error)
        await self._producer.stop()


def _refuses(error: Expected) -> int:
    log.error("service.refuses_to_start", error_code=error.code, reason=error.reason())
    return 2


async def _as_it_is(message: Any) -> Any:
    return message


def run(name: str, settings_class: Callable[[], ChassisSettings], build: Builds) -> None:
    """A service's `__main__`: read settings, run, exit. Bad settings or a missing topic are told, with exit code 2."""
    try:
        settings = settings_class()
    except ValidationError as error:
        for row in error.errors(include_input=False, include_url=False):
            where = ".".join(map(str, row["loc"])) or "settings"
            sys.stderr.write(f"{name}: {where}: {row['msg']}\n")
        raise SystemExit(2) from None
    logs.setup(name, settings.agency, settings.log_level)
    share_the_heaps()

    async def main() -> int:
        try:
            service = Service(name, settings, build(settings))
        except (SpansRefused, UnusableKey) as error:
            return _refuses(error)
        starting = asyncio.ensure_future(service.start())
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, starting.cancel)
        try:
            await starting
        except asyncio.CancelledError:
            return 0
        except (TopicMissing, HalfRestored, WrittenByNewer) as error:
            return _refuses(error)
        spare_the_collector()
        return await service.serve()

    code = uvloop.run(main())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # an orderly exit would wait for the driver's threads, and those for a store that hangs


__all__ = ["KafkaMessage", "Parts", "Service", "run"]
