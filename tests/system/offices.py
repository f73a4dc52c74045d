"""Officers at their agencies' doors: plain HTTP with a token, one short method per act of the handbook."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import httpx

from deploy.basudara.stack import ROOT, Stack
from tests.system.seeing import settled

View = dict[str, Any]
BAPAS, DISNAKER, DINKOP = "bapas-ambon", "disnaker-ambon", "dinkop-ambon"
WIT = timezone(timedelta(hours=9), "WIT")
PURPOSES = ("TRAINING", "LIVELIHOOD_FOLLOWUP", "MESSAGING")
WIRE = httpx.Client(timeout=30, trust_env=False)  # for all officers; the stack's fixture closes it
AGREEMENTS = ("kb-001-contoh.yaml", "pks-001-contoh.yaml", "pks-002-contoh.yaml")


def on(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A moment of 2027 in WIT."""
    return datetime(2027, month, day, hour, minute, tzinfo=WIT)


@dataclass
class Klien:
    """One invented person: what is registered, and what the agencies call the case. `refs`: agency to pseudonym."""

    body: View
    refs: dict[str, str] = field(default_factory=dict)
    version: int = 0
    referrals: list[str] = field(default_factory=list)
    enrolments: list[str] = field(default_factory=list)

    @property
    def case(self) -> str:
        return self.refs[BAPAS]


def klien(number: int, name: str, nik: str | None, birth: str, basis: str, until: str | None, **other: Any) -> Klien:
    """Somebody grown up who lives in the territory of the agreements."""
    body = {
        "register_no": f"REG/{number:04d}/X", "basis_document": f"SK/{number}/CONTOH", "handed_over_on": "2027-01-04",
        "supervision_basis": basis, "supervision_until": until, "full_name": name, "nik": nik, "birth_date": birth,
        "sex": "M", "phone": f"+62812{number:08d}", "whatsapp_optin": True, "phone_is_shared": False,
        "home": {"kecamatan": "81.71.02", "village": "Batu Contoh", "village_kind": "NEGERI"},
        "education": "LOWER_SECONDARY", "has_diploma": False, "in_custody": False,
    }  # fmt: skip
    return Klien({**body, **other})


class Desk:
    """One officer of one agency at one of its services."""

    def __init__(self, stack: Stack, name: str, role: str, subject: str, service: str | None = None) -> None:
        self.url = stack.urls[name]
        self.token = stack.token(name.split("/")[0], role, subject, service)

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Any request, and whatever is answered. `headers` may replace the token."""
        headers = {"Authorization": f"Bearer {self.token}", **sent.pop("headers", {})}
        return WIRE.request(method, self.url + path, headers=headers, **sent)

    def get(self, path: str, **query: str) -> Any:
        reply = self.ask("GET", path, params=query)
        assert reply.is_success, f"GET {path}: {reply.status_code} {reply.text}"
        return reply.json()

    def post(self, path: str, body: View) -> View:
        reply = self.ask("POST", path, json=body)
        assert reply.is_success, f"POST {path}: {reply.status_code} {reply.text}"
        return dict(reply.json())

    def refused(self, path: str, body: View) -> View:
        """The problem of a command that must not be carried out."""
        reply = self.ask("POST", path, json=body)
        assert 400 <= reply.status_code < 500, f"POST {path}: {reply.status_code} {reply.text}"
        return dict(reply.json())

    def move(self, thing: str, name: str, **facts: Any) -> View:
        """With the version seen a moment ago."""
        version = self.get(thing)["version"]
        return self.post(f"{thing}/moves/{name}", {"expected_version": version, **facts})


class Offices:
    """All desks of the example's agencies, and their acts. Every act ends when its effects have arrived."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.pk = Desk(stack, f"{BAPAS}/intake", "probation_officer", "pk-001")
        self.head = Desk(stack, f"{BAPAS}/intake", "head_of_bapas", "kabapas-001")
        self.referrals = Desk(stack, f"{BAPAS}/referral", "probation_officer", "pk-001")
        self.messages = Desk(stack, f"{BAPAS}/notification", "probation_officer", "pk-001")

    def opd(self, agency: str, role: str = "programme_officer", number: int = 1) -> Desk:
        office = {"programme_officer": "officer", "head_of_opd": "head"}.get(role, role)
        return Desk(self.stack, f"{agency}/training", role, f"{office}-{agency.split('-')[0]}-{number}")

    def agree(self) -> None:
        for file in AGREEMENTS:
            self.stack.apply_agreement(ROOT / "deploy" / "agreements" / file)
        self.settled()

    def settled(self) -> None:
        settled(self.stack)

    # -- the sender ------------------------------------------------------------------------------------------------

    def register(self, who: Klien) -> None:
        """In the register, with a PK."""
        who.refs[BAPAS] = self.pk.post("/cases", who.body)["case_ref"]
        self.head.move(f"/cases/{who.case}", "assign", officer_id="pk-001", conflict_free=True)

    def decide(self, who: Klien, today: date, *fields: str) -> None:
        """Eligible for 90 days, on a fresh litmas."""
        heard = {"review_board_heard_on": today.isoformat()}
        for name, days in (("social_inquiry_on", 2), ("risk_assessed_on", 2), ("needs_assessed_on", 1)):
            heard[name] = (today - timedelta(days=days)).isoformat()
        until = (today + timedelta(days=90)).isoformat()
        self.head.move(
            f"/cases/{who.case}", "decide-eligibility", outcome="ELIGIBLE", fields=fields, valid_until=until, **heard
        )

    def consent(self, who: Klien, agency: str, *purposes: str) -> None:
        """Asked and given on paper, until the end of supervision."""
        for purpose in purposes or PURPOSES:
            until = who.body["supervision_until"] if purpose == "TRAINING" else None
            body = {"case_ref": who.case, "agency": agency, "purpose": purpose, "text_version": "2027-1"}
            asked = self.pk.post("/consents", {**body, "valid_until": min(until or "2027-12-31", "2027-12-31")})
            who.refs[agency] = asked["agency_case_ref"]
            given = {"given_by": ["PERSON"], "channel": "WRITTEN", "proof_ref": f"BERKAS/{purpose}"}
            self.pk.post(
                f"/consents/{asked['consent_id']}/moves/grant", {"expected_version": asked["version"], **given}
            )

    def open_case(self, who: Klien) -> None:
        self.pk.move(f"/cases/{who.case}", "open")
        self.settled()

    def draft(self, who: Klien, agency: str, code: str, replaces: str | None = None) -> View:
        body = {"case_ref": who.case, "to_agency": agency, "field": code, "availability": ["MORNING"]}
        return self.referrals.post("/referrals", {**body, "replaces": replaces})

    def send(self, who: Klien, drafted: View) -> View:
        path = f"/referrals/{drafted['referral_id']}/moves/request"
        asked = self.referrals.post(path, {"expected_version": drafted["version"]})
        who.referrals.append(asked["referral_id"])
        self.settled()
        return asked

    def refer(self, who: Klien, agency: str, code: str) -> View:
        return self.send(who, self.draft(who, agency, code))

    def ready(self, who: Klien, today: date, agency: str, *fields: str) -> None:
        """From the register to an open case with a consent for training."""
        self.register(who)
        self.decide(who, today, *fields)
        self.consent(who, agency, "TRAINING")
        self.open_case(who)

    def referral(self, referral_id: str) -> View:
        return dict(self.referrals.get(f"/referrals/{referral_id}"))

    # -- the office that trains ------------------------------------------------------------------------------------

    def accept(self, who: Klien, agency: str, place_code: str) -> View:
        """Yes, with a seat or a place in line. Answers with the enrolment."""
        desk = self.opd(agency)
        facts = {"place_code": place_code, "accommodations_met": True}
        placement = desk.move(f"/placements/{who.referrals[-1]}", "accept", **facts)
        who.enrolments.append(placement["enrolment_id"])
        self.settled()
        return dict(desk.get(f"/enrolments/{placement['enrolment_id']}"))

    def confirm(self, who: Klien, agency: str) -> None:
        desk, thing = self.opd(agency), f"/enrolments/{who.enrolments[-1]}"
        desk.move(thing, "fetch-card")
        desk.move(thing, "confirm")
        self.settled()
