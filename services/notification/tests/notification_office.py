"""An office with its notification service, the real sandbox gateway, and an intake that answers what a test says."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from notification_examples import CONSENT, NOON, OWN, PAIR, REFERRAL

from chassis.running import Parts
from chassis.testing import Running, new_code
from deploy.local.gateway import Sandbox, gateway_app
from notification.bootstrap import build
from notification.domain.message import Message
from notification.settings import Settings

LIMIT_SECONDS = 150.0  # longer than what could not go rests: a minute
LOOK_SECONDS = 0.3  # no part of the service looks for work less often: see conftest.py
SECRET = b"rahasia-bersama"  # by which the gateway signs
KLIEN_PHONE, GUARDIAN_PHONE = "+6281000000021", "+6281000000022"
PK_PHONE, FACILITY_PHONE = "+6281000000023", "+6281000000024"
OFFICERS = {"officer-contoh-1": "+6281000000031", "officer-contoh-2": "+6281000000032"}
ENROLMENT = "enr_" + "f" * 26


def intake(kind: str) -> str:
    return f"id.basudara.intake.{kind}.v1"


def referral(kind: str) -> str:
    return f"id.basudara.referral.{kind}.v1"


def training(kind: str) -> str:
    return f"id.basudara.training.{kind}.v1"


class Intake:
    """What the own intake answers about contacts, in the form of its door; a partner's service, not ours."""

    def __init__(self) -> None:
        self.standing = {"whatsapp_optin": True, "in_custody": False, "case_closed": False, "messaging_consent": True}
        self.phones: dict[str, str] = {"KLIEN": KLIEN_PHONE, "PROBATION_OFFICER": PK_PHONE}
        self.asked: list[tuple[str, str]] = []
        self.down = False
        self.app = FastAPI()
        self.app.get("/contacts/{case_ref}")(self._contact)

    async def _contact(self, case_ref: str, role: str, request: Request) -> dict[str, Any]:
        assert request.headers["authorization"].startswith("Bearer ey")
        self.asked.append((case_ref, role))
        if self.down:
            raise HTTPException(503)
        if role not in self.phones:
            raise HTTPException(404)
        optin = self.standing["whatsapp_optin"] and role == "KLIEN"
        return {"role": role, "phone": self.phones[role], **self.standing, "whatsapp_optin": optin}


class Office:
    def __init__(self, svc: Running, intake_: Intake, gateway: str) -> None:
        self.svc, self.intake, self.gateway = svc, intake_, gateway
        self._gateway = httpx.AsyncClient(
            base_url=gateway, timeout=10, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._version = 10

    async def close(self) -> None:
        await self._gateway.aclose()

    # -- what is heard -------------------------------------------------------------------------------------------------

    async def knows_a_klien(self, age_group: str = "ADULT", until: str | None = None) -> None:
        """A case is registered and linked to the partner's pseudonym of it."""
        data = {"case_ref": OWN, "age_group": age_group, "age_group_until": until}
        rest = {"home_area": "81.71", "voluntary": True, "referable_until": None}
        await self.svc.hear(intake("case.registered"), {**data, **rest}, subject=OWN)
        await self.links()

    async def links(self) -> None:
        data = {"consent_id": CONSENT, "case_ref": OWN, "agency": self.svc.partner, "agency_case_ref": PAIR}
        data |= {"purpose": "MESSAGING", "text_version": "messaging-2027-01"}
        await self.svc.hear(intake("consent.asked"), data, subject=CONSENT)
        await self.svc.settled()

    async def case(self, kind: str, **data: Any) -> None:
        self._version += 1
        await self.svc.hear(intake(f"case.{kind}"), {"case_ref": OWN, **data}, subject=OWN, version=self._version)
        await self.svc.settled()

    async def consent(self, kind: str, purpose: str, consent_id: str = CONSENT, **data: Any) -> None:
        self._version += 1
        told = {"consent_id": consent_id, "case_ref": PAIR, "purpose": purpose, **data}
        await self.svc.hear(intake(f"consent.{kind}"), told, subject=consent_id, version=self._version)
        await self.svc.settled()

    async def trained(self, event: str, /, *, settle: bool = True, **data: Any) -> None:
        """The partner's training tells something of the klien."""
        self._version += 1
        told = {"enrolment_id": ENROLMENT, "referral_id": REFERRAL, "case_ref": PAIR, **data}
        subject = f"{ENROLMENT}-{event}" if event.startswith("certificate") else ENROLMENT
        await self.svc.hear(training(event), told, subject=subject, source=self.svc.partner, version=self._version)
        if settle:
            await self.svc.settled()

    async def referred(self, event: str, /, *, source: str | None = None, **data: Any) -> None:
        """The own referral service tells something; with a `source`, that of an agency that refers to this one."""
        self._version += 1
        told = {"referral_id": REFERRAL, "case_ref": PAIR, **data}
        await self.svc.hear(
            referral(event), told, subject=REFERRAL, source=source, to=self.svc.agency if source else None,
            version=self._version,
        )  # fmt: skip
        await self.svc.settled()

    async def has_seat(self, starts_on: str = "2027-02-01") -> None:
        await self.trained("seat.reserved", cohort_code="WELD-2027-01", starts_on=starts_on)

    # -- what became of it ---------------------------------------------------------------------------------------------

    async def messages(self, **equals: Any) -> list[Message]:
        found = [one for one in await self.svc.service.store.read(Message) if one.template != "SESSION_REMINDER"]
        return [one for one in found if all(getattr(one, name) == value for name, value in equals.items())]

    async def one(self, state: str, template: str | None = None, **equals: Any) -> Message:
        """The one message of this kind, once it is in this state."""
        wanted = {**equals, **({"template": template} if template else {})}

        async def found() -> bool:
            return [one.state for one in await self.messages(**wanted)] == [state]

        await self.until(found, lambda: self.messages(**wanted))
        return (await self.messages(**wanted))[0]

    async def until(self, true: Callable[[], Awaitable[bool]], else_tell: Callable[[], Awaitable[Any]]) -> None:
        end = asyncio.get_running_loop().time() + LIMIT_SECONDS
        while not await true():
            assert asyncio.get_running_loop().time() < end, str(await else_tell())
            await asyncio.sleep(0.1)

    async def recorded(self) -> list[tuple[str, str]]:
        """(channel, number) of what the gateway took, in order."""
        return [(row["channel"], row["to"]) for row in await self.rows()]

    async def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self._gateway.get("/recorded")).json()
        return rows

    async def has_recorded(self, *expected: tuple[str, str]) -> None:
        async def there() -> bool:
            return await self.recorded() == list(expected)

        await self.until(there, self.recorded)

    async def gateway_does(self, does: str, channel: str = "*", to: str = "*") -> None:
        reply = await self._gateway.put("/behaviour", json={"channel": channel, "to": to, "does": does})
        assert reply.status_code == 200

    async def told(self, *names: str) -> list[tuple[str, dict[str, Any]]]:
        """(short name, data) of the events said, all but reminders'."""
        events = [
            (event.type.split(".", 3)[3].removesuffix(".v1"), dict(event.data)) for event in await self.svc.said()
        ]
        kept = [row for row in events if row[1].get("template") != "SESSION_REMINDER"]
        return [row for row in kept if not names or row[0] in names]

    async def at_rest(self) -> None:
        """Until nothing is due and no message is in hand, and the next look for work has found it so too."""
        for pause in (0, LOOK_SECONDS):
            await asyncio.sleep(pause)
            await self.until(self._nothing_to_do, self.messages)

    async def _nothing_to_do(self) -> bool:
        database = self.svc.service.database
        due = await database.find("duties", {"wake_at": {"$lte": self.svc.now()}})
        return not due and not await database.find("messages", {"stage": {"$in": ["ready", "calling"]}})

    async def accepted(self, template: str) -> None:
        """Until it is noted that a provider took the message, of which there is one."""

        async def noted() -> bool:
            last = [[at.status for at in one.attempts[-1:]] for one in await self.messages(template=template)]
            return last == [["accepted"]]

        await self.until(noted, self.messages)

    async def goes_when_it_has_rested(self, template: str) -> None:
        """What can't go rests a minute, and longer where the provider is left alone: the clock moves until it went."""

        async def delivered() -> bool:
            (message,) = await self.messages(template=template)
            taken = bool(message.attempts) and message.attempts[-1].status == "accepted"
            if message.stage == "waiting" and not taken:
                self.svc.set_clock(self.svc.now() + timedelta(seconds=10))
            return message.state == "delivered"

        await self.until(delivered, self.messages)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address of a neighbour that the test plays."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def intake_door() -> AsyncIterator[tuple[Intake, str]]:
    door = Intake()
    async with served(door.app) as url:
        yield door, url


@asynccontextmanager
async def gateway_door() -> AsyncIterator[tuple[list[str], str]]:
    """The sandbox gateway over real HTTP, and the list of addresses to which it may tell receipts."""
    receipts_to: list[str] = []
    sandbox = Sandbox(receipts_to, SECRET)
    async with served(gateway_app(sandbox)) as url:
        try:
            yield receipts_to, url
        finally:
            await sandbox.close()


@asynccontextmanager
async def office_open(
    running_service: Callable[..., Any], folder: Path, at: datetime = NOON, **settings: Any
) -> AsyncIterator[Office]:
    """Everything started. A `gateway_url` leads to the gateway another way."""
    agency, secret = new_code("bapas"), folder / "gateway-secret"
    secret.write_bytes(SECRET)
    async with intake_door() as (door, url), gateway_door() as (receipts_to, gateway):
        (folder / "partners.json").write_text(json.dumps({f"{agency}/intake": url}))
        values: dict[str, Any] = {
            "gateway_url": gateway,
            "gateway_secret_file": secret,
            "staff_file": _staff(folder),
            "messages_per_minute": 60_000,
        }

        def build_with_partners(given: Settings) -> Parts:  # the fixture has a `partners` of its own
            return build(given.model_copy(update={"partners": folder / "partners.json"}))

        values |= settings
        async with running_service("notification", Settings, build_with_partners, agency=agency, **values) as svc:
            receipts_to.append(f"{svc.url}/receipts")
            svc.set_clock(at)
            office = Office(svc, door, gateway)
            try:
                yield office
            finally:
                await office.close()


def _staff(folder: Path) -> Path:
    """The agency's officers, as the file that the service reads."""
    staff = {code: {"phone": phone, "role": "programme_officer"} for code, phone in OFFICERS.items()}
    file = folder / "staff.json"
    file.write_text(json.dumps({**staff, "pk-001": {"phone": PK_PHONE, "role": "probation_officer"}}))
    return file
