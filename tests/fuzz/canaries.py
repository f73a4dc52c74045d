"""Good requests and good records between all the bad ones: each must be answered while the fuzz goes on."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from chassis.clock import Clock
from deploy.basudara.records import event_in
from deploy.basudara.stack import Stack
from tests.fuzz.events import Events, Ids, Reader, Target, new_id, structured
from tests.fuzz.judging import CANARY_SECONDS, Canary
from tests.resilience.test_reading_bytes import put_undecodable
from tests.system.offices import BAPAS, DISNAKER, Klien, klien
from tests.system.seeing import Record, records

EACH_SECONDS, LOOK_SECONDS = 10.0, 0.5
UNNAMED_EVERY, STEP = 3, timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Good:
    """A record for one reader: `said` is an event that its owner said before, or one that could be."""

    reader: Reader
    target: Target
    key: bytes
    said: dict[str, Any]


class Doors:
    """A command for each service, carried out by the officer whose it is."""

    def __init__(self, stack: Stack, person: Klien) -> None:
        self._stack, self._person, self._number = stack, person, itertools.count(1)
        self._secret = stack.secrets.gateway.read_text().strip().encode()

    async def ask(self, client: httpx.AsyncClient, name: str) -> Canary:
        method, path, body = self._command(name.split("/")[1], next(self._number))
        raw, asked = json.dumps(body).encode(), time.monotonic()
        signature = hmac.new(self._secret, raw, hashlib.sha256).hexdigest()
        headers = {"Authorization": f"Bearer {self._token(name)}", "X-Gateway-Signature": signature}
        headers["Content-Type"] = "application/json"
        outcome: str | None = None
        try:
            reply = await client.request(method, self._stack.urls[name] + path, content=raw, headers=headers)
            outcome = str(reply.status_code) if reply.is_success else None
            what = f"{method} {path}" + ("" if reply.is_success else f" {reply.status_code} {reply.text[:200]}")
        except httpx.HTTPError as error:
            what = f"{method} {path} {type(error).__name__}"
        return Canary(service=name, what=what, seconds=time.monotonic() - asked, outcome=outcome)

    def _token(self, name: str) -> str:
        agency = name.split("/")[0]
        if agency == BAPAS:
            return self._stack.token(agency, "probation_officer", "pk-001")
        officer = f"officer-{agency.split('-')[0]}-1"
        return self._stack.token(agency, "programme_officer", officer)

    def _command(self, service: str, number: int) -> tuple[str, str, Any]:
        if service == "intake":
            who = klien(8000 + number, f"Kenari Pintu {number}", None, "1990-05-05", "PAROLE", "2028-03-31")
            return "POST", "/cases", who.body
        if service == "referral":
            wish = {"to_agency": DISNAKER, "field": "WELDING", "availability": ["MORNING"]}
            return "POST", "/referrals", {"case_ref": self._person.case, **wish}
        if service == "training":
            units = [{"unit": "U-1", "critical": True}]
            facts = {"title": "Kenari", "field": "WELDING", "units": units, "hours": 40, "mode": "OFF_JOB"}
            return "POST", "/programmes", {
                "programme_code": f"KENARI-{number}", "hazard_listed": False, "min_age": 18, **facts,
            }  # fmt: skip
        nothing = {"changes": [{"field": "messages", "value": {"messaging_product": "whatsapp", "statuses": []}}]}
        return "POST", "/receipts", {"object": "whatsapp_business_account", "entry": [nothing]}


def good_records(stack: Stack, targets: Sequence[Target], examples: Ids, chance: Random) -> list[Good]:
    """One for each reader of each topic: what the owner said there, told again, or else a published example."""
    made, said = Events(chance, examples, targets), records(stack, *(one.topic for one in targets))
    found = []
    for target in targets:
        for reader in target.readers:
            kinds = [kind for kind in target.kinds if kind in reader.heard]
            if kinds and not target.is_retry:
                old = [one for one in said if one.topic == target.topic and one.said.get("type") in kinds]
                event = _latest(old) or made.said(target, kinds[0], drawn_from_schema=0)
                found.append(Good(reader=reader, target=target, key=made.key(target, event), said=event))
    return found


def _latest(old: Sequence[Record]) -> dict[str, Any] | None:
    return old[-1].said if old else None


class Readers:
    """Puts good records, and looks into the inboxes until each reader has noted its own."""

    def __init__(self, stack: Stack, goods: Sequence[Good], chance: Random) -> None:
        self._stack, self._goods, self._chance = stack, goods, chance
        self._producer = Producer({**stack.reach.broker, "acks": "all"})

    def ask_all(self) -> list[Canary]:
        asked = time.monotonic()
        waiting = [(one, self._put(one)) for one in self._goods]
        self._producer.flush(CANARY_SECONDS)
        found: list[Canary] = []
        with self._stack.reach.store() as mongo:
            while waiting and time.monotonic() - asked < CANARY_SECONDS:
                time.sleep(LOOK_SECONDS)
                for one, notes in list(waiting):
                    row = mongo[one.reader.database]["inbox"].find_one({"_id": {"$in": notes}}, sort=[("_id", 1)])
                    if row is not None:
                        outcome = "handled" if row["_id"] == notes[0] else "put aside"
                        found.append(self._canary(one, asked, outcome))
                        waiting.remove((one, notes))
        return found + [self._canary(one, asked, None) for one, _ in waiting]

    def _canary(self, one: Good, asked: float, outcome: str | None) -> Canary:
        what = f"a record on {one.target.topic}"
        return Canary(service=one.reader.name, what=what, seconds=time.monotonic() - asked, outcome=outcome)

    def _put(self, one: Good) -> list[str]:
        """The notes of which the reader will make one."""
        said = {**one.said, "id": new_id(self._chance)}
        notes = [f"{one.reader.group}:{said['id']}"]

        def taken(error: object, message: Any) -> None:
            if error is None:
                place = f"{message.topic()}:{message.partition()}:{message.offset()}"
                notes.append(f"{one.reader.group}:record:{place}")

        value = json.dumps(said).encode()
        assert event_in(value, ()) is not None, value
        headers: Any = structured()
        self._producer.produce(one.target.topic, value, one.key, headers=headers, on_delivery=taken)
        return notes


class Unnamed:
    """Now and then a record with a header whose name no client can decode; the broker takes it."""

    def __init__(self, stack: Stack, targets: Sequence[Target], chance: Random) -> None:
        self._topics = [one.topic for one in targets if one.channel.name == "referral.referral.to"]
        self._chance, self._producer = chance, AIOKafkaProducer(**stack.reach.aiokafka)

    async def __aenter__(self) -> "Unnamed":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def put(self) -> None:
        topic = self._chance.choice(self._topics)
        partitions = await self._producer.partitions_for(topic)
        town: Any = SimpleNamespace(sender=topic.split(".")[0], requests_topic=topic, producer=self._producer)
        await put_undecodable(town, self._chance.choice(sorted(partitions)))


async def sing(stack: Stack, doors: Doors, readers: Readers, unnamed: Unnamed, until: float) -> list[Canary]:
    """Every ten seconds, one at each door and one for each reader of each topic; and a minute of the example's time
    goes by, so that what waits to be tried again is."""
    found: list[Canary] = []
    async with unnamed, httpx.AsyncClient(timeout=CANARY_SECONDS, trust_env=False) as client:
        for number in itertools.count(1):
            again = time.monotonic() + EACH_SECONDS
            heard = asyncio.create_task(asyncio.to_thread(readers.ask_all))
            found += await asyncio.gather(*(doors.ask(client, name) for name in stack.urls))
            found += await heard
            if number % UNNAMED_EVERY == 0:
                await unnamed.put()
            stack.move_clock(Clock(stack.clock_file).now() + STEP)
            if time.monotonic() + EACH_SECONDS > until:
                break
            await asyncio.sleep(max(0.0, again - time.monotonic()))
    return found
