"""The daily work of a Bapas over HTTP and Kafka, in a few words per step."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from chassis.envelope import Event
from chassis.ids import new_id
from chassis.testing import Running

NOON = datetime(2027, 3, 4, 3, 0, tzinfo=UTC)  # Thursday, 12:00 WIT
PK, HEAD, FACILITY = "probation_officer", "head_of_bapas", "facility_officer"
SALMA: dict[str, Any] = {
    "register_no": "REG/0042/X",
    "basis_document": "BA-0042/CONTOH",
    "handed_over_on": "2027-01-11",
    "supervision_basis": "PAROLE",
    "supervision_until": "2028-07-01",
    "full_name": "Salma Misal",
    "birth_date": "1992-03-17",
    "sex": "F",
    "phone": "081000000021",
    "whatsapp_optin": True,
    "phone_is_shared": False,
    "home": {"kecamatan": "81.71.02", "address": "Jalan Rahasia 1"},
    "education": "LOWER_SECONDARY",
    "has_diploma": False,
    "disability": ["SENSORY"],
    "accommodation": ["SIGN_LANGUAGE"],
    "in_custody": False,
}
DENI: dict[str, Any] = {
    **SALMA,
    "register_no": "REG/0043/X",
    "supervision_basis": "CUSTODY_PREPARATION",
    "full_name": "Deni Umpama",
    "birth_date": "2010-05-20",
    "sex": "M",
    "phone": None,
    "whatsapp_optin": False,
    "in_custody": True,
    "guardian": {"full_name": "Tante Umpama", "relation": "bibi", "phone": "081000000022", "kind": "WALI"},
}
TYPE = "id.basudara."


class Office:
    """`partner` is the agency the PKS was signed with, `other` one without."""

    def __init__(self, running: Running, other: str) -> None:
        self.running, self.partner, self.other, self.agency = running, running.partner, other, running.agency

    async def move_in(self) -> None:
        self.running.set_clock(NOON)
        await self.agreement()

    async def agreement(self, state: str = "ACTIVE", version: int = 1, partner: str | None = None) -> None:
        parties = [{"agency": self.agency, "role": "SENDER"}, {"agency": partner or self.partner, "role": "TRAINER"}]
        data = {
            "number": f"PKS-001/{partner or self.partner}",
            "kind": "TECHNICAL",
            "umbrella_number": "KB-001/CONTOH",
            "title": "Perjanjian contoh",
            "parties": parties,
            "scope": ["WELDING"],
            "territory": ["81.71"],
            "valid_from": "2026-02-09",
            "valid_until": "2028-02-08",
            "state": state,
        }
        await self.running.hear(TYPE + "agreement.agreement.recorded.v1", data, subject=data["number"], version=version)
        await self.running.settled()

    # -- officers ----------------------------------------------------------------------------------------------------

    async def post(self, path: str, body: dict[str, Any], role: str = PK, **who: Any) -> httpx.Response:
        return await self.running.http.post(path, json=body, headers=self.running.as_(role, **who))

    async def get(self, path: str, role: str = PK, **who: Any) -> httpx.Response:
        return await self.running.http.get(path, headers=self.running.as_(role, **who))

    async def registered(self, person: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
        reply = await self.post("/cases", {**(person or SALMA), **changed})
        assert reply.status_code == 201, reply.text
        view: dict[str, Any] = reply.json()
        return view

    async def move(self, case: dict[str, Any], move: str, role: str = HEAD, **facts: Any) -> httpx.Response:
        body = {"expected_version": case["version"], **facts}
        return await self.post(f"/cases/{case['case_ref']}/moves/{move}", body, role)

    async def moved(self, case: dict[str, Any], move: str, role: str = HEAD, **facts: Any) -> dict[str, Any]:
        reply = await self.move(case, move, role, **facts)
        assert reply.status_code == 200, reply.text
        view: dict[str, Any] = reply.json()
        return view

    async def assessed(self, person: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
        case = await self.registered(person, **changed)
        case = await self.moved(case, "assign", officer_id="pk-1", conflict_free=True)
        done = dict.fromkeys(
            ("social_inquiry_on", "risk_assessed_on", "needs_assessed_on", "review_board_heard_on"), "2027-03-03"
        )
        return await self.moved(
            case, "decide-eligibility", outcome="ELIGIBLE", fields=["WELDING"], valid_until="2027-04-15", **done
        )

    async def ask(self, case: dict[str, Any], purpose: str = "TRAINING", **changed: Any) -> httpx.Response:
        body = {
            "case_ref": case["case_ref"],
            "agency": self.partner,
            "purpose": purpose,
            "text_version": "2027-1",
            "valid_until": "2027-12-31",
        }
        return await self.post("/consents", {**body, **changed})

    async def asked(self, case: dict[str, Any], purpose: str = "TRAINING", **changed: Any) -> dict[str, Any]:
        reply = await self.ask(case, purpose, **changed)
        assert reply.status_code == 201, reply.text
        view: dict[str, Any] = reply.json()
        return view

    async def answer(self, consent: dict[str, Any], move: str, role: str = PK, **facts: Any) -> httpx.Response:
        body = {"expected_version": consent["version"], **facts}
        return await self.post(f"/consents/{consent['consent_id']}/moves/{move}", body, role)

    async def answered(self, consent: dict[str, Any], move: str, **facts: Any) -> dict[str, Any]:
        reply = await self.answer(consent, move, **facts)
        assert reply.status_code in (200, 201), reply.text
        view: dict[str, Any] = reply.json()
        return view

    async def granted(
        self, case: dict[str, Any], purpose: str = "TRAINING", by: tuple[str, ...] = ("PERSON",), **changed: Any
    ) -> dict[str, Any]:
        consent = await self.asked(case, purpose, **changed)
        return await self.answered(consent, "grant", given_by=by, channel="WRITTEN", proof_ref="ARSIP-7/CONTOH")

    async def consent(self, consent: dict[str, Any]) -> dict[str, Any]:
        view: dict[str, Any] = (await self.get(f"/consents/{consent['consent_id']}")).json()
        return view

    # -- partners and own services -----------------------------------------------------------------------------------

    async def referral(self, ref: str, *moves: str) -> str:
        """The own referral service tells of a referral; returns its id."""
        id = new_id("ref")
        facts: dict[str, Any] = {
            "accepted": {"accepted_at": "2027-03-04T03:00:00.000Z"},
            "completed": {"passed": True},
            "failed": {"reason_code": "NO_SHOW"},
            "cancelled": {"reason_code": "MOVED"},
            "voided": {"reason_code": "DUPLICATE"},
        }
        for version, move in enumerate(moves, start=3):
            data = {"referral_id": id, "case_ref": ref, **facts[move]}
            await self.running.hear(
                f"{TYPE}referral.referral.{move}.v1", data, subject=id, version=version, to=self.partner
            )
        await self.running.settled()
        return id

    async def stopped(self, consent: dict[str, Any], service: str, source: str | None = None) -> None:
        """A reader's receipt."""
        ref = consent["agency_case_ref" if service == "training" else "case_ref"]
        data = {
            "consent_id": consent["consent_id"],
            "case_ref": ref,
            "purpose": consent["purpose"],
            "stopped_at": "2027-03-04T03:00:00.000Z",
        }
        where = {"source": source or self.partner, "to": self.agency} if service == "training" else {}
        await self.running.hear(f"{TYPE}{service}.consent.stopped.v1", data, subject=consent["consent_id"], **where)
        await self.running.settled()

    async def card(self, ref: str, referral_id: str, agency: str | None = None, **query: str) -> httpx.Response:
        headers = self.running.as_("service", agency=agency or self.partner, service="training")
        return await self.running.http.get(
            f"/participant-cards/{ref}", params={"referral_id": referral_id, **query}, headers=headers
        )

    async def contact(self, ref: str, role: str = "KLIEN") -> httpx.Response:
        headers = self.running.as_("service", service="notification")
        return await self.running.http.get(f"/contacts/{ref}", params={"role": role}, headers=headers)

    async def events(self, short: str) -> list[Event]:
        """`consent.granted`, `deadline.missed`, …"""
        return await self.running.said(f"{TYPE}intake.{short}.v1")

    def at(self, **later: float) -> datetime:
        """Move the clock to noon of 4 March and so much later."""
        instant = NOON + timedelta(**later)
        self.running.set_clock(instant)
        return instant
