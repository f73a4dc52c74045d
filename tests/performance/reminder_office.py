"""An office whose store holds many reminders that fall due at one moment: its notification service and the gateway are
processes, its intake answers from here."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from chassis import ids
from chassis.calendar import WIT
from chassis.catalogue import Catalogue
from chassis.clock import Clock, move_to
from chassis.envelope import Event, to_record
from chassis.testing import ROOT, Issuer, drop_topics, make_topics
from deploy.local import processes
from deploy.local.loopback import free_ports
from tests.performance.yard import fresh, lay

ASKED_AT = datetime(2027, 1, 13, 12, 0, tzinfo=WIT).astimezone(UTC)  # a Wednesday, no quiet hour
DUE_AT = datetime(2027, 1, 14, 16, 0, 1, tzinfo=WIT).astimezone(UTC)  # five hours before the next quiet one
STARTS_ON = "2027-01-15"  # its reminder is due on the day before, at 16:00
REMINDER = "SESSION_REMINDER"
CONTACT = {"phone": "+6281000000021", "whatsapp_optin": True, "in_custody": False}
CONTACT |= {"case_closed": False, "messaging_consent": True}
FILLED_AT_ONCE = 5_000
LIMIT_SECONDS = 60
_ID = re.compile(rb"[a-z]{3}_[a-z2-7]{26}")
Documents = dict[str, list[bytes]]


class DueOffice:
    def __init__(self, kafka: str, mongo: str, folder: Path, count: int, rate: int, delay: float) -> None:
        self.kafka, self.count, self.rate, self.delay, self.folder = kafka, count, rate, delay, folder
        self.agency, self.partner = fresh("bapas"), fresh("opd")
        self.journal, self._clock_file = folder / "journal", folder / "clock"
        self._mongo, self._ports = mongo, free_ports()
        self.url, self._gateway = (f"http://127.0.0.1:{next(self._ports)}" for _ in range(2))
        self._client: MongoClient[RawBSONDocument] = MongoClient(mongo, document_class=RawBSONDocument)
        self.database = self._client[f"{self.agency}-notification"]
        self._catalogue = Catalogue(ROOT / "contracts")
        self._children: dict[str, processes.Child] = {}

    # -- processes -----------------------------------------------------------------------------------------------------

    def prepare(self, intake: str) -> None:
        runs = frozenset({"intake", "referral", "training", "notification", "agreement"})
        self._runs, pairs = {self.agency: runs, self.partner: runs}, [(self.agency, self.partner)]
        self._pairs = frozenset({*pairs, *[(two, one) for one, two in pairs]})
        make_topics(self.kafka, self._catalogue, self._runs, self._pairs)
        issuer = Issuer(self.folder)
        (self.folder / "credential").write_text(issuer.token(self.agency, "service", "n-1", "notification"))
        (self.folder / "gateway-secret").write_text("rahasia-bersama")
        (self.folder / "partners.json").write_text(json.dumps({f"{self.agency}/intake": intake}))
        self.journal.touch()
        move_to(self._clock_file, ASKED_AT)

    def _environment(self) -> Mapping[str, str]:
        told = {
            "AGENCY": self.agency, "MONGO_URL": self._mongo, "DATABASE": self.database.name, "KAFKA": self.kafka,
            "HTTP_PORT": self.url.rpartition(":")[2], "CONTRACTS_DIR": str(ROOT / "contracts"),
            "ISSUER_KEYS": str(self.folder / "issuer.json"), "CREDENTIAL": str(self.folder / "credential"),
            "PARTNERS": str(self.folder / "partners.json"), "CLOCK_FILE": str(self._clock_file),
            "GATEWAY_URL": self._gateway, "GATEWAY_SECRET_FILE": str(self.folder / "gateway-secret"),
            "MESSAGES_PER_MINUTE": str(self.rate * 60), "LOG_LEVEL": "WARNING",
        }  # fmt: skip
        return {**os.environ, **{f"NOTIFICATION_{name}": value for name, value in told.items()}}

    async def start_gateway(self) -> None:
        command = [sys.executable, "-m", "deploy.local.gateway", "--port", self._gateway.rpartition(":")[2]]
        command += ["--receipts-to", f"{self.url}/receipts", "--secret-file", str(self.folder / "gateway-secret")]
        command += ["--journal", str(self.journal), "--kept", str(self.count + 1_000), "--gather", "0.2"]
        command += ["--delay", str(self.delay)]
        await self._start("gateway", command, f"{self._gateway}/openapi.json")

    async def start_service(self) -> None:
        await self._start("service", [sys.executable, "-m", "notification"], f"{self.url}/ready", self._environment())

    async def _start(self, name: str, command: list[str], answers: str, env: Mapping[str, str] | None = None) -> None:
        log = self.folder / f"{name}.log"
        child = processes.start(
            command, pid_file=self.folder / f"{name}.pid", log=log, foreground=True, env=env, cwd=ROOT
        )
        self._children[name] = child
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(LIMIT_SECONDS * 10):
                try:
                    if (await client.get(answers)).status_code == 200:
                        return
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        raise RuntimeError(f"{name} did not start: {log.read_text()[-1000:]}")

    def kill_service(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        os.kill(self._children["service"].pid, signal.SIGKILL)
        self.stop("service")  # buries it

    def stop(self, name: str) -> None:
        processes.stop(self._children[name])

    def memory(self) -> float:
        """Resident megabytes of the service; 0 while it does not run."""
        try:
            pages = Path(f"/proc/{self._children['service'].pid}/statm").read_text().split()[1]
        except OSError:
            return 0.0
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def close(self) -> None:
        for child in self._children.values():
            processes.stop(child)
        self._client.close()
        drop_topics(self.kafka, sorted(self._catalogue.topics(self._runs, self._pairs)))

    # -- reminders -----------------------------------------------------------------------------------------------------

    async def hear_of_one(self) -> None:
        """Tell the service, as its neighbours would, what makes one reminder; until it waits, and all else is told."""
        own, pair, enrolment = ids.new_id("prt"), ids.new_id("prt"), ids.new_id("enr")
        consent, purpose = ids.new_id("csn"), {"purpose": "MESSAGING", "text_version": "messaging-2027-01"}
        person = {"case_ref": own, "age_group": "ADULT", "age_group_until": None, "home_area": "81.71"}
        link = {"consent_id": consent, "case_ref": own, "agency": self.partner, "agency_case_ref": pair}
        seat = {"enrolment_id": enrolment, "referral_id": ids.new_id("ref"), "case_ref": pair}
        seat |= {"cohort_code": "WELD-2027-01", "starts_on": STARTS_ON}
        await self._hear("intake.case.registered", {**person, "voluntary": True, "referable_until": None}, own)
        await self._hear("intake.consent.asked", {**link, **purpose}, consent)
        await self._hear("training.seat.reserved", seat, enrolment)
        wanted = {REMINDER: "waiting", "SCHEDULE_NEWS": "done"}
        for _ in range(LIMIT_SECONDS * 10):
            if {row["template"]: row["stage"] for row in self.database["messages"].find()} == wanted:
                return
            await asyncio.sleep(0.1)
        raise RuntimeError("the service made no reminder of what it heard")

    async def _hear(self, kind: str, data: dict[str, Any], subject: str) -> None:
        event_type, fresh_id = f"id.basudara.{kind}.v1", ids.event_id()
        channel = self._catalogue.channel_of(event_type)
        owner = self.partner if channel.service == "training" else self.agency
        event = Event(
            id=fresh_id, source=f"/{owner}/{channel.service}", type=event_type, subject=subject,
            time=Clock(self._clock_file).now(), correlationid=fresh_id, causationid=fresh_id,
            traceparent=ids.traceparent(), aggregateversion=1, data=data,
        )  # fmt: skip
        value, headers = to_record(event)
        topic = channel.topic(owner=owner, reader=self.agency if owner == self.partner else self.partner)
        await lay(self.kafka, topic, [(channel.key_of(data).encode(), value, headers)])

    def fill(self) -> None:
        """So many reminders, each the copy of all that the service keeps about its one, for another person: byte for
        byte what it wrote, but for the ids."""
        kept = self._kept()
        named = sorted({id for rows in kept.values() for row in rows for id in _ID.findall(row)})
        if not all(kept.values()) or len(named) < 4:
            raise RuntimeError("the service keeps reminders in another form than this knows")
        for begin in range(1, self.count, FILLED_AT_ONCE):
            copies = range(begin, min(begin + FILLED_AT_ONCE, self.count))
            others = [{id: ids.new_id(id[:3].decode()).encode() for id in named} for _ in copies]
            for collection, rows in kept.items():
                target = self.database.get_collection(collection, write_concern=WriteConcern(1, j=False))
                made = [RawBSONDocument(_ID.sub(lambda id: other[id[0]], row)) for other in others for row in rows]  # noqa: B023
                target.insert_many(made, ordered=False)

    def _kept(self) -> Documents:
        """What the service keeps because of the reminder and its person; not how far it has heard events."""
        reminder = self.database["messages"].find_one({"template": REMINDER})
        assert reminder is not None, "hear_of_one comes first"
        mailbox, own = f"{reminder['person']}/KLIEN", [reminder["_id"], f"{reminder['person']}/KLIEN"]
        wanted: dict[str, Any] = {
            "messages": {"_id": reminder["_id"]},
            "persons": {"_id": reminder["person"]},
            "pairs": {"_id": reminder["case_ref"]},
            "mailboxes": {"_id": mailbox},
            "duties": {"subject": {"$in": own}},
        }
        return {name: [bytes(row.raw) for row in self.database[name].find(query)] for name, query in wanted.items()}

    def fall_due(self) -> None:
        move_to(self._clock_file, DUE_AT)

    def left(self) -> dict[str, int]:
        """What the store still holds that is not done: reminders not delivered, duties of them, events not sent."""
        due = {"name": "message.due"}
        reminders = {"template": REMINDER, "state": {"$ne": "delivered"}}
        return {
            "reminders": self.database["messages"].count_documents(reminders),
            "duties": self.database["duties"].count_documents(due),
            "events": self.database["outbox"].count_documents({"sent": False}),
        }


async def _intake(scope: Any, receive: Any, send: Any) -> None:
    """Whoever is asked for has a number and wants messages."""
    role = b"role=" in scope["query_string"] and scope["query_string"].decode().partition("role=")[2]
    body = json.dumps({"role": role, **CONTACT}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def due_office(
    kafka: str, mongo: str, folder: Path, count: int, rate: int, delay: float
) -> AsyncIterator[DueOffice]:
    """Its store filled, gateway and intake running, the service stopped, the moment come."""
    office = DueOffice(kafka, mongo, folder, count, rate, delay)
    port = next(office._ports)
    server = uvicorn.Server(uvicorn.Config(_intake, port=port, log_config=None, access_log=False, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    try:
        office.prepare(f"http://127.0.0.1:{port}")
        await office.start_gateway()
        await office.start_service()
        await office.hear_of_one()
        office.stop("service")
        await asyncio.to_thread(office.fill)
        office.fall_due()
        yield office
    finally:
        office.close()
        server.should_exit = True
        await serving
