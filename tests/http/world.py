"""Something of everything behind the doors, so that requests meet more than "not found"."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from deploy.basudara.stack import Stack
from tests.system.offices import BAPAS, DISNAKER, Klien, Offices, klien, on

COHORT, SESSION, PLACE = "WELD-HTTP", "HTTP.0201", "blk-http"
ARRIVES_SECONDS = 60
# invented; wherever a text or number is asked for, one of these is sent now and then
CANARIES: tuple[str | int, ...] = ("Kenari Rekaan Sembilan", "8171991203990077", "+628129988776655", 8171991203990077)


@dataclass(frozen=True)
class Face:
    """One service's door. `ids` by place in the document; `tokens` by name, the first asks unless another must."""

    service: str
    url: str
    tokens: dict[str, str]
    ids: dict[str, list[str]]


def faces(stack: Stack) -> dict[str, Face]:
    offices = Offices(stack)
    stack.move_clock(on(1, 18))
    offices.agree()
    _open_class(offices)
    who = klien(1, "Salma Misal", "8171995703920001", "1992-03-17", "PAROLE", "2028-03-31")
    other = klien(2, "Yopi Umpama", None, "1999-03-12", "PAROLE", "2028-03-31")
    offices.ready(who, date(2027, 1, 18), DISNAKER, "WELDING")
    offices.register(other)
    offices.consent(who, DISNAKER, "MESSAGING")
    asked = _patiently(lambda: offices.draft(who, DISNAKER, "WELDING"))
    _patiently(lambda: offices.send(who, asked))
    draft = offices.draft(who, DISNAKER, "BAKERY")["referral_id"]
    _patiently(lambda: offices.accept(who, DISNAKER, PLACE))
    offices.settled()
    doors = {f"{BAPAS}/intake": _bapas(stack), f"{BAPAS}/referral": _bapas(stack)}
    doors |= {f"{DISNAKER}/training": _disnaker(stack), f"{BAPAS}/notification": _bapas(stack)}
    ids = _ids(offices, (who, other), draft)
    found = (Face(name.split("/")[1], stack.urls[name], tokens, ids[name]) for name, tokens in doors.items())
    return {face.service: face for face in found}


def _ids(offices: Offices, people: tuple[Klien, Klien], draft: str) -> dict[str, dict[str, list[str]]]:
    """By service and place in its document, what is there."""
    who = people[0]
    cases, referrals = [one.case for one in people], [*who.referrals, draft]
    consents = [one["consent_id"] for one in offices.pk.get("/consents", case_ref=who.case)]
    messages = [one["message_id"] for one in offices.messages.get("/messages")]
    anywhere = {"path.case_ref": cases, "query.case_ref": cases, "body.case_ref": cases}
    return {
        f"{BAPAS}/intake": {
            **anywhere,
            "path.consent_id": consents,
            "path.agency_case_ref": [who.refs[DISNAKER]],
            "query.referral_id": referrals,
        },
        f"{BAPAS}/referral": {**anywhere, "path.referral_id": referrals},
        f"{DISNAKER}/training": {
            "path.referral_id": who.referrals,
            "path.enrolment_id": who.enrolments,
            "path.cohort_code": [COHORT],
            "path.session_id": [SESSION],
            "query.enrolment_id": who.enrolments,
        },
        f"{BAPAS}/notification": {"path.message_id": messages},
    }


def _patiently(act: Callable[[], Any]) -> Any:
    """A reader that has just joined may seem to have read all: what it did not hear is refused, and asked again."""
    until = time.monotonic() + ARRIVES_SECONDS
    while True:
        try:
            return act()
        except AssertionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _open_class(offices: Offices) -> None:
    desk = offices.opd(DISNAKER)
    programme: dict[str, Any] = {
        "programme_code": "WELD", "title": "Las", "field": "WELDING", "units": [{"unit": "WELD-1", "critical": True}],
        "hours": 160, "mode": "OFF_JOB", "hazard_listed": True, "min_age": 18,
    }  # fmt: skip
    desk.post("/programmes", programme)
    plan: dict[str, Any] = {
        "cohort_code": COHORT, "programme_code": "WELD", "capacity": 8, "place_code": PLACE,
        "starts_on": "2027-02-01", "ends_on": "2027-03-01", "minors_only": False, "budget_line": "DPA",
    }  # fmt: skip
    desk.post("/cohorts", plan)
    staff = {"instructor_id": "instructor-disnaker-1", "assessor_ids": ["assessor-disnaker-1"]}
    desk.move(f"/cohorts/{COHORT}", "open", **staff)
    session = {"session_id": SESSION, "held_on": "2027-02-01", "hours": 8, "starts_at": "08:00"}
    desk.post(f"/cohorts/{COHORT}/sessions", session)


def _bapas(stack: Stack) -> dict[str, str]:
    return {
        "probation_officer": stack.token(BAPAS, "probation_officer", "pk-001"),
        "head_of_bapas": stack.token(BAPAS, "head_of_bapas", "kabapas-001"),
        "facility_officer": stack.token(BAPAS, "facility_officer", "lpka-001"),
        "notification": stack.token(BAPAS, "service", "notification-service", "notification"),
        "training": stack.token(DISNAKER, "service", "training-service", "training"),
    }


def _disnaker(stack: Stack) -> dict[str, str]:
    return {
        "programme_officer": stack.token(DISNAKER, "programme_officer", "officer-disnaker-1"),
        "head_of_opd": stack.token(DISNAKER, "head_of_opd", "head-disnaker-1"),
        "instructor": stack.token(DISNAKER, "instructor", "instructor-disnaker-1"),
        "assessor": stack.token(DISNAKER, "assessor", "assessor-disnaker-1"),
        "probation_officer": stack.token(BAPAS, "probation_officer", "pk-001"),
    }
