"""A running training service with its neighbours played by the test: the sender's events and its intake's card door."""

import asyncio
import base64
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.calendar import WorkingDays
from chassis.ids import new_id
from chassis.running import Service
from chassis.testing import Running, new_code
from training.bootstrap import build
from training.settings import Settings

CALENDAR = WorkingDays.load()
TYPE = "id.basudara.{}.v1"
LIMIT_SECONDS = 60.0  # separates "comes late" from "never"
ADULT_CARD = {
    "full_name": "Yopi Contoh",
    "birth_date": "1999-05-02",
    "sex": "M",
    "phone": "+6281000000021",
    "guardian": None,
    "kecamatan": "81.71.02",
    "education": "LOWER_SECONDARY",
    "has_diploma": False,
    "accommodations": ["NONE"],
}
CHILD_CARD = {
    **ADULT_CARD,
    "full_name": "Deni Umpama",
    "birth_date": "2010-09-30",
    "guardian": {"full_name": "Bibi Umpama", "relation": "aunt", "phone": "+6281000000022", "kind": "WALI"},
}


def wit(year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    """An instant by the clock of Ambon, in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=9)


@dataclass
class Intake:
    """The sender's intake: answers the card door as the test says, and remembers what it was asked."""

    status: int = 200
    body: Any = field(default_factory=lambda: dict(ADULT_CARD))
    delay_seconds: float = 0
    asked: list[tuple[str, str]] = field(default_factory=list)  # path with query, authorization
    url: str = ""

    def refuse(self, status: int, code: str) -> None:
        self.status, self.body = status, {"type": f"urn:basudara:problem:{code}", "status": status}


@asynccontextmanager
async def an_intake() -> AsyncIterator[Intake]:
    intake = Intake()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            intake.asked.append((self.path, self.headers.get("Authorization", "")))
            time.sleep(intake.delay_seconds)
            raw = intake.body if isinstance(intake.body, bytes) else json.dumps(intake.body).encode()
            self.send_response(intake.status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    intake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield intake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class World:
    """One OPD, one sender. Methods are what people and neighbours do; each returns what they see."""

    svc: Running
    intake: Intake
    agreement: str = field(default_factory=lambda: f"PKS-{secrets.token_hex(4).upper()}/CONTOH")
    told_of_referrals: int = 4  # the version of what was told last

    # -- the neighbours ----------------------------------------------------------------------------------------

    async def hear(self, short: str, data: dict[str, Any], *, service: str = "referral", **options: Any) -> None:
        await self.svc.hear(
            TYPE.format(f"{service}.{short}"), data, source=options.pop("source", self.svc.partner), **options
        )

    async def agree(
        self,
        *,
        state: str = "ACTIVE",
        version: int = 1,
        scope: tuple[str, ...] = ("WELDING", "SEWING"),
        sender: str | None = None,
    ) -> None:
        """`sender`: whom the agreement names, if not the partner."""
        data = {
            "number": self.agreement, "kind": "TECHNICAL", "umbrella_number": "KB-1", "title": "PKS",
            "parties": [
                {"agency": sender or self.svc.partner, "role": "SENDER"},
                {"agency": self.svc.agency, "role": "TRAINER"},
            ],
            "scope": list(scope), "territory": ["81.71"], "valid_from": "2027-01-01", "valid_until": "2028-12-31",
            "state": state,
        }  # fmt: skip
        await self.hear("agreement.recorded", data, service="agreement", subject=self.agreement, version=version)
        await self.svc.settled()

    async def refer(self, case_ref: str | None = None, *, settle: bool = True, **given: Any) -> str:
        """A referral is requested. Returns its id."""
        referral_id = given.pop("referral_id", None) or new_id("ref")
        data = {
            "referral_id": referral_id, "case_ref": case_ref or new_id("prt"), "field": "WELDING", "age_group": "ADULT",
            "accommodations": ["NONE"], "availability": ["MORNING"], "agreement_number": self.agreement,
            "eligible_until": "2027-04-15", "due_on": "2027-01-25", "requested_at": "2027-01-18T01:30:00.000Z",
        }  # fmt: skip
        await self.hear("referral.requested", {**data, **given}, subject=referral_id)
        if settle:
            await self.svc.settled()
        return referral_id

    async def tell_referral(
        self,
        what: str,
        referral_id: str,
        case_ref: str,
        *,
        correlation: str | None = None,
        version: int | None = None,
        **facts: Any,
    ) -> None:
        """Newer than all before, unless a `version` is given."""
        self.told_of_referrals = version or self.told_of_referrals + 1
        data = {"referral_id": referral_id, "case_ref": case_ref, **facts}
        how = {"subject": referral_id, "version": self.told_of_referrals, "correlation": correlation}
        await self.hear(f"referral.{what}", data, **how)
        await self.svc.settled()

    async def consent(self, case_ref: str, purpose: str, *, consent_id: str | None = None) -> str:
        consent_id = consent_id or new_id("csn")
        data = {
            "consent_id": consent_id, "case_ref": case_ref, "purpose": purpose, "given_by": ["PERSON"],
            "granted_at": "2027-01-18T01:00:00.000Z", "valid_until": "2027-12-31",
        }  # fmt: skip
        await self.hear("consent.granted", data, service="intake", subject=consent_id, version=2)
        await self.svc.settled()
        return consent_id

    async def withdraw_consent(self, consent_id: str, case_ref: str, purpose: str, version: int = 3) -> None:
        data = {
            "consent_id": consent_id, "case_ref": case_ref, "purpose": purpose,
            "received_at": "2027-02-02T07:20:00.000Z", "stop_by": "2027-02-05T07:20:00.000Z",
        }  # fmt: skip
        await self.hear("consent.withdrawn", data, service="intake", subject=consent_id, version=version)
        await self.svc.settled()

    async def expire_consent(self, consent_id: str, case_ref: str, purpose: str, cause: str) -> None:
        data = {
            "consent_id": consent_id, "case_ref": case_ref, "purpose": purpose, "cause": cause,
            "expired_at": "2027-07-01T00:00:00.000Z",
        }  # fmt: skip
        await self.hear("consent.expired", data, service="intake", subject=consent_id, version=4)
        await self.svc.settled()

    async def ask_to_erase(self, case_ref: str, *, erasure_id: str | None = None, source: str | None = None) -> str:
        erasure_id = erasure_id or new_id("era")
        data = {"erasure_id": erasure_id, "case_ref": case_ref, "erase_by": "2027-03-04T01:00:00.000Z"}
        how = {"service": "intake", "subject": erasure_id, "version": 2}
        await self.hear("erasure.asked", data, **how, **({} if source is None else {"source": source}))
        await self.svc.settled()
        return erasure_id

    # -- the office --------------------------------------------------------------------------------------------

    async def post(
        self, path: str, body: dict[str, Any], role: str = "programme_officer", subject: str = "off-sari"
    ) -> httpx.Response:
        return await self.svc.http.post(path, json=body, headers=self.svc.as_(role, subject=subject))

    async def get(self, path: str, role: str = "programme_officer", subject: str = "off-sari") -> Any:
        reply = await self.svc.http.get(path, headers=self.svc.as_(role, subject=subject))
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def status(self, path: str, role: str, subject: str = "off-sari") -> int:
        return (await self.svc.http.get(path, headers=self.svc.as_(role, subject=subject))).status_code

    async def do(
        self, path: str, body: dict[str, Any] | None = None, role: str = "programme_officer", subject: str = "off-sari"
    ) -> Any:
        """A move that must succeed, on the newest version of what stands before `/moves/`."""
        whole = dict(body or {})
        if "/moves/" in path and "expected_version" not in whole:
            whole["expected_version"] = await self.version(path.split("/moves/")[0])
        reply = await self.post(path, whole, role, subject)
        assert reply.status_code in (200, 201), reply.text
        return reply.json()

    async def refused(
        self, path: str, body: dict[str, Any], role: str = "programme_officer", subject: str = "off-sari"
    ) -> tuple[int, str]:
        """Status and code of a refusal, on the newest version."""
        whole = dict(body)
        if "/moves/" in path and "expected_version" not in whole:
            whole["expected_version"] = await self.version(path.split("/moves/")[0])
        reply = await self.post(path, whole, role, subject)
        assert reply.status_code >= 400, reply.text
        return reply.status_code, reply.json()["type"].rsplit(":", 1)[-1]

    async def version(self, path: str) -> int:
        kind, id = path.strip("/").split("/")[:2]
        if kind == "sessions":
            return int((await self.svc.service.database["sessions"].find_one({"_id": id}))["version"])
        return int((await self.get(path))["version"])

    async def programme(self, code: str = "WELD", **given: Any) -> None:
        body = {
            "programme_code": code, "title": "Las dasar", "field": "WELDING",
            "units": [{"unit": "SAFETY", "critical": True}, {"unit": "JOINT", "critical": False}],
            "hours": 160, "mode": "OFF_JOB", "hazard_listed": True, "min_age": 18,
        }  # fmt: skip
        await self.do("/programmes", {**body, **given})

    async def cohort(
        self, code: str = "WELD-2027-01", *, capacity: int = 16, programme: str = "WELD", **given: Any
    ) -> None:
        """Planned and open."""
        body = {
            "cohort_code": code, "programme_code": programme, "capacity": capacity, "place_code": "blk-passo",
            "starts_on": "2027-02-01", "ends_on": "2027-03-31", "minors_only": False, "budget_line": "5.1.02.01",
        }  # fmt: skip
        hazard_plan = given.pop("hazard_plan", None)
        await self.do("/cohorts", {**body, **given})
        staff = {"instructor_id": "ins-ona", "assessor_ids": ["ass-rudi"], "hazard_plan": hazard_plan}
        await self.do(f"/cohorts/{code}/moves/open", staff)

    async def accept(self, referral_id: str, place_code: str = "blk-passo") -> Any:
        """The enrolment that comes of it."""
        answer = {"place_code": place_code, "accommodations_met": True}
        placement = await self.do(f"/placements/{referral_id}/moves/accept", answer)
        return await self.enrolment(placement["enrolment_id"])

    async def enrolment(self, enrolment_id: str) -> Any:
        return await self.get(f"/enrolments/{enrolment_id}")

    async def enrol(self, case_ref: str | None = None) -> Any:
        """Referred, accepted, card fetched, confirmed."""
        one = await self.accept(await self.refer(case_ref))
        await self.do(f"/enrolments/{one['enrolment_id']}/moves/fetch-card")
        return await self.do(f"/enrolments/{one['enrolment_id']}/moves/confirm")

    async def session(
        self, id: str, held_on: date, hours: int = 8, cohort: str = "WELD-2027-01", starts_at: str = "08:00"
    ) -> None:
        body = {"session_id": id, "held_on": held_on.isoformat(), "hours": hours, "starts_at": starts_at}
        await self.do(f"/cohorts/{cohort}/sessions", body)

    async def attend(self, session_id: str, enrolment_id: str, state: str = "PRESENT", hours: int = 8) -> None:
        body = {"entries": [{"enrolment_id": enrolment_id, "state": state, "hours": hours}]}
        await self.do(f"/sessions/{session_id}/attendance", body, "instructor", "ins-ona")

    async def close(self, session_id: str) -> None:
        await self.do(f"/sessions/{session_id}/moves/close", {}, "instructor", "ins-ona")

    async def run_class(self, cohort: str = "WELD-2027-01") -> None:
        """Start the cohort on its first day."""
        self.svc.set_clock(wit(2027, 2, 1))
        await self.do(f"/cohorts/{cohort}/moves/start")

    async def teach(self, enrolment_id: str, states: list[tuple[str, int]], hours: int = 32) -> None:
        """One closed session of `hours` for each state, on the working days from 1 February."""
        days = [day for day in (date(2027, 2, 1) + timedelta(days=n) for n in range(40)) if is_working(day)]
        for number, (state, present) in enumerate(states):
            await self.session(f"S{number}", days[number], min(hours, 12))
            self.svc.set_clock(wit(days[number].year, days[number].month, days[number].day, 17))
            await self.attend(f"S{number}", enrolment_id, state, present)
            await self.close(f"S{number}")

    async def complete(self, enrolment_id: str, *units: tuple[str, str]) -> Any:
        for unit, result in units or (("SAFETY", "PASS"), ("JOINT", "PASS")):
            await self.do(
                f"/enrolments/{enrolment_id}/assessments", {"unit": unit, "result": result}, "assessor", "ass-rudi"
            )
        await self.finish(enrolment_id, "assessor", "ass-rudi")
        return await self.finish(enrolment_id)

    async def finish(self, enrolment_id: str, role: str = "programme_officer", subject: str = "off-sari") -> Any:
        return await self.do(f"/enrolments/{enrolment_id}/moves/finish", {}, role, subject)

    # -- what is seen ------------------------------------------------------------------------------------------

    async def told(self, *, about: str | None = None) -> list[str]:
        """Short names of all events said, in order of their ids; about one referral if named."""
        events = await self.svc.said()
        return [
            event.type.removeprefix("id.basudara.training.").removesuffix(".v1")
            for event in events
            if about is None or event.data.get("referral_id") == about
        ]

    async def last(self, short: str) -> Any:
        """Data of the newest event of that type."""
        return (await self.svc.said(TYPE.format(f"training.{short}")))[-1].data

    async def wait_for(self, ready: Callable[[], Any], seconds: float = LIMIT_SECONDS) -> Any:
        """Until `ready` gives something true: for what a due duty does."""
        until = time.monotonic() + seconds
        while True:
            found = await ready()
            if found:
                return found
            assert time.monotonic() < until, "it did not happen"
            await asyncio.sleep(0.1)

    async def due_is_done(self) -> None:
        """Until nothing is due any more by the clock as it stands."""

        async def nothing_due() -> bool:
            return not await self.svc.service.database.find("duties", {"wake_at": {"$lte": self.svc.now()}})

        await self.wait_for(nothing_due)


def is_working(day: date) -> bool:
    return CALENDAR.is_working(day)


@asynccontextmanager
async def a_replica(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The door of a second instance of the same service, on the same store and topics."""
    settings = world.svc.service.settings.model_copy(update={"instance": "2"})
    replica = Service("training", settings, build(settings))  # type: ignore[arg-type]
    await replica.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{replica.port}", timeout=20) as door:
            yield door
    finally:
        await replica.stop()


@asynccontextmanager
async def a_world(
    running_service: Any, folder: Path, patch: pytest.MonkeyPatch, others: tuple[str, ...] = (), **settings: Any
) -> AsyncIterator[World]:
    """`others`: further agencies that send, without an agreement."""
    key = folder / "agency.key"
    key.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    partner = new_code("bapas")
    async with an_intake() as intake:
        partners = folder / "partners.json"
        partners.write_text(json.dumps({f"{partner}/intake": intake.url}))
        values = {"agency_key_file": key, "enrolled_to_start": 1, "card_timeout_seconds": 1, **settings}
        patch.setenv("TRAINING_PARTNERS", str(partners))  # the fixture's own `partners` are agency codes
        async with running_service(
            "training", Settings, build, agency=new_code("opd"), partners=(partner, *others), runs=(), **values
        ) as svc:
            svc.set_clock(wit(2027, 1, 18))
            world = World(svc=svc, intake=intake)
            await world.agree()
            yield world
