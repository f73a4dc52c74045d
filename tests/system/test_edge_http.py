"""Bad input over HTTP: each is refused with the one true reason, nothing is quoted, nothing breaks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.basudara.stack import Stack
from deploy.basudara.tokens import AUDIENCE, ISSUER
from tests.system.bad_moves import RULES
from tests.system.bad_requests import PERSONS, SHAPES, TOKENS, Bad, none_token
from tests.system.offices import DISNAKER, Desk, Offices, klien
from tests.system.play import Played
from tests.system.seeing import documents

PROBLEM = "urn:basudara:problem:"
NUMBERS = iter(range(500, 5000))
EVERY = [*SHAPES, *PERSONS, *TOKENS, *RULES]


class World:
    """A person who was referred, drafts that may not be sent, desks, good bodies and bad tokens."""

    def __init__(self, stack: Stack, enrolment: str) -> None:
        self.stack, self.offices, self.enrolment = stack, Offices(stack), enrolment
        self.officer = self.offices.opd(DISNAKER)
        self.desks = {
            "intake": self.offices.pk,
            "head": self.offices.head,
            "referral": self.offices.referrals,
            "training": self.officer,
            "instructor": self.offices.opd(DISNAKER, "instructor"),
            "notification": self.offices.messages,
        }
        self.names = self._prepare()
        self.tokens = self._tokens()
        self.bodies: dict[str, dict[str, Any]] = {
            "case": klien(499, "Salma Misal", None, "1992-03-17", "PAROLE", "2028-11-30").body,
            "consent": {"case_ref": self.names["case"], "agency": DISNAKER, "purpose": "TRAINING", "text_version": "1",
                        "valid_until": "2027-12-31"},
            "grant": {"expected_version": 1, "given_by": ["PERSON"], "channel": "WRITTEN", "proof_ref": "B/1"},
            "draft": {"case_ref": self.names["case"], "to_agency": DISNAKER, "field": "WELDING",
                      "availability": ["MORNING"]},
            "programme": {"programme_code": "EDGE", "title": "Las", "field": "WELDING", "hours": 80, "mode": "OFF_JOB",
                          "units": [{"unit": "E-1", "critical": True}], "hazard_listed": True, "min_age": 18},
            "cohort": {"cohort_code": "EDGE-X", "programme_code": "WELD", "capacity": 8, "place_code": "blk-edge",
                       "starts_on": "2027-10-01", "ends_on": "2027-10-29", "minors_only": False, "budget_line": "DPA"},
            "session": {"session_id": "EDGE.1", "held_on": "2027-10-04", "hours": 8, "starts_at": "08:00"},
            "resolve": {"expected_version": int(self.names["message_version"]), "reached": True},
            "move": {"expected_version": int(self.names["version"])},
            "move1": {"expected_version": 1},
            "move2": {"expected_version": 2},
        }  # fmt: skip

    def _prepare(self) -> dict[str, str]:
        offices, who = self.offices, klien(498, "Edge Rekaan", None, "1990-02-02", "PAROLE", "2028-11-30")
        plan = {"cohort_code": "WELD-EDGE", "programme_code": "WELD", "capacity": 8, "place_code": "blk-edge"}
        dates = {"starts_on": "2027-10-01", "ends_on": "2027-10-29", "minors_only": False, "budget_line": "DPA"}
        self.officer.post("/cohorts", {**plan, **dates})
        staff = {"instructor_id": "instructor-disnaker-1", "assessor_ids": ["assessor-disnaker-1"]}
        self.officer.move("/cohorts/WELD-EDGE", "open", **staff)
        offices.ready(who, date(2027, 8, 28), DISNAKER, "WELDING", "SEWING")
        asked = {"agency": DISNAKER, "purpose": "MESSAGING", "text_version": "1", "valid_until": "2027-12-31"}
        consent = offices.pk.post("/consents", {"case_ref": who.case, **asked})
        referral = offices.refer(who, DISNAKER, "WELDING")
        drafts = {
            "no_consent": offices.draft(who, "dinkop-ambon", "WELDING"),
            "out_of_scope": offices.draft(who, DISNAKER, "SEWING"),
            "twice": offices.draft(who, DISNAKER, "WELDING"),
            "undecided": offices.draft(who, DISNAKER, "BARISTA"),
        }
        delivered = offices.messages.get("/messages", state="delivered")[0]
        return {
            "case": who.case,
            "register_no": who.body["register_no"],
            "version": str(offices.pk.get(f"/cases/{who.case}")["version"]),
            "opd_ref": who.refs[DISNAKER],
            "asked": consent["consent_id"],
            "referral": referral["referral_id"],
            "message": delivered["message_id"],
            "message_version": str(delivered["version"]),
            "enrolment": self.enrolment,
            **{name: draft["referral_id"] for name, draft in drafts.items()},
        }

    def _tokens(self) -> dict[str, str]:
        hidden = self.stack.home / "secrets"
        key = (hidden / "issuer-key.pem").read_bytes()
        now = datetime.now(UTC)
        claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "pk-001", "agency": "bapas-ambon"}
        claims |= {"role": "probation_officer", "nbf": now - timedelta(hours=2), "exp": now + timedelta(hours=1)}

        def signed(signing: Any = key, algorithm: str = "ES256", **changed: Any) -> str:
            return jwt.encode({**claims, **changed}, signing, algorithm, headers={"kid": "local-1"})

        stamps = {name: int(claims[name].timestamp()) for name in ("nbf", "exp")}
        return {
            "none at all": "",
            "expired": signed(exp=now - timedelta(hours=1)),
            "early": signed(nbf=now + timedelta(minutes=30)),
            "audience": signed(aud="elsewhere"),
            "issuer": signed(iss="somebody"),
            "alg none": none_token({**claims, **stamps}),
            "alg HS256": signed("k" * 64, "HS256"),
            "strange key": signed(ec.generate_private_key(ec.SECP256R1())),
            "noise": "x.y.z",
            "other agency": self.stack.token("dinkop-ambon", "probation_officer", "pk-001"),
            "bapas": self.stack.token("bapas-ambon", "programme_officer", "officer-disnaker-1"),
            "instructor": self.stack.token("bapas-ambon", "instructor", "instructor-disnaker-1"),
            "opd instructor": self.stack.token(DISNAKER, "instructor", "instructor-disnaker-1"),
        }

    def ask(self, bad: Bad) -> Any:
        sent: dict[str, Any] = {}
        headers = {"Content-Type": bad.content_type}
        if bad.raw is not None:
            sent["content"] = bad.raw
        elif bad.body:
            change = {k: v.format(**self.names) if isinstance(v, str) else v for k, v in bad.change.items()}
            sent["json"] = {**self.bodies[bad.body], **change}
        if bad.token:
            headers["Authorization"] = f"Bearer {self.tokens[bad.token]}".strip()
        return self.desks[bad.desk].ask(bad.method, bad.path.format(**self.names), headers=headers, **sent)

    def good_command(self, service: str) -> None:
        """A good command right after: nothing was left behind."""
        number = next(NUMBERS)
        if service in ("intake", "head"):
            self.offices.pk.post("/cases", klien(number, "Baik Rekaan", None, "1990-01-01", "PAROLE", None).body)
        elif service == "referral":
            self.offices.referrals.post("/referrals", {**self.bodies["draft"], "field": "COMPUTER"})
        elif service in ("training", "instructor"):
            self.officer.post("/programmes", {**self.bodies["programme"], "programme_code": f"GOOD-{number}"})
        else:
            assert self.desks["notification"].get("/messages", state="delivered")


@pytest.fixture(scope="module")
def world(stack: Stack, played: Played) -> World:
    return World(stack, played.yopi.enrolments[0])


@pytest.mark.parametrize("bad", EVERY, ids=lambda bad: bad.name)
def test_bad_input_gets_its_one_true_reason(world: World, bad: Bad) -> None:
    reply = world.ask(bad)
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert (reply.status_code, told["status"]) == (bad.status, bad.status)
    assert told["type"] == (PROBLEM + bad.code if bad.code else told["type"])
    assert {"type", "title", "status", "instance"} <= told.keys()
    assert told.get("field", "") == bad.where
    assert told.get("rule", "").startswith(bad.rule)
    assert {name: told[name] for name in bad.facts} == bad.facts
    assert [text for text in bad.hidden if text in reply.text] == []
    world.good_command(bad.desk)


def test_what_was_refused_left_no_trace(stack: Stack, world: World) -> None:
    """Neither the drafts' states moved, nor does a log quote what was sent."""
    for name in ("no_consent", "out_of_scope", "twice", "undecided"):
        assert world.offices.referral(world.names[name])["state"] == "draft"
    assert world.offices.referral(world.names["referral"])["state"] == "requested"
    logs = "".join(one.read_text(errors="replace") for one in stack.logs.glob("*.log"))
    texts = [text for bad in EVERY for text in bad.hidden if len(text) > 4]
    assert [text for text in texts if text in logs] == []
    assert sum(len(rows) for rows in documents(stack)["bapas-ambon/intake"].values()) > 0


def test_no_door_broke_in_all_that(stack: Stack, world: World) -> None:
    for name in stack.urls:
        desk = Desk(stack, name, "service", "looking-on")
        lines = desk.ask("GET", "/metrics").text.splitlines()
        assert any(line.startswith("basudara_http_replies_total{") for line in lines)
        broke = [line for line in lines if line.startswith("basudara_http_replies_total{") and 'status="5' in line]
        defects = [line for line in lines if line.startswith("basudara_defects_total{")]
        assert (broke, defects) == ([], [])
