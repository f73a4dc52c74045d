"""What the two stories leave out, from September to November 2027: every type of event that the catalogue has."""

import time
from datetime import date
from typing import Any

from deploy.basudara.stack import Stack
from tests.system.offices import DINKOP, DISNAKER, WIRE, Klien, Offices, View, klien, on
from tests.system.play import Played
from tests.system.seeing import Record, records

SEPTEMBER = date(2027, 9, 6)
COHORT, PLACE, OTHER = "WELD-REST", "blk-rest", "BAR-REST"
DAYS = (20, 21, 22, 23)  # of September, with class
WITHIN_SECONDS = 60


def play_the_rest(stack: Stack, played: Played) -> None:
    """After everything else on this stack: from 6 September on."""
    stack.move_clock(on(9, 6))
    offices = Offices(stack)
    learners = [somebody(400 + number) for number in range(8)]
    _fill_a_class(offices, learners)
    _put_off_and_call_off(offices)
    _say_no_and_anew(offices, somebody(410))
    unanswered = _refer_to_dinkop(offices, somebody(411))
    _void(offices, somebody(412))
    _reach_nobody(offices, somebody(413))
    for moment in (on(9, 10), on(9, 14)):
        stack.move_clock(moment)
        offices.settled()
    until_told(stack, "referral.deadline.missed", unanswered)
    stack.move_clock(on(9, 20))
    _in_class(offices, learners)
    bnsp = _certify(offices, played.crowd[3], played.crowd[4])
    late = somebody(414)
    _stop_too_late(offices, late)
    _erase_too_late(offices, late)
    until_told(stack, "training.certificate.expired", bnsp)
    offices.settled()


def somebody(number: int) -> Klien:
    return klien(number, f"Pelengkap Rekaan {number}", None, "1990-02-02", "PAROLE", "2028-11-30")


def until_told(stack: Stack, kind: str, subject: str = "") -> Record:
    """What a duty or a reader says by itself, of anything where no subject is given."""
    until = time.monotonic() + WITHIN_SECONDS
    while True:
        for one in records(stack):
            if one.said.get("type") == f"id.basudara.{kind}.v1" and subject in ("", one.said["subject"]):
                return one
        assert time.monotonic() < until, f"{kind} of {subject} was never told"
        time.sleep(0.5)


def _fill_a_class(offices: Offices, learners: list[Klien]) -> None:
    officer = offices.opd(DISNAKER)
    plan = {"cohort_code": COHORT, "programme_code": "WELD", "capacity": 8, "place_code": PLACE}
    dates = {"starts_on": "2027-09-20", "ends_on": "2027-10-15", "minors_only": False, "budget_line": "DPA"}
    officer.post("/cohorts", {**plan, **dates})
    officer.move(f"/cohorts/{COHORT}", "open", **_staff())
    for day in DAYS:
        session = {"session_id": f"REST.{day}", "held_on": f"2027-09-{day}", "hours": 8, "starts_at": "08:00"}
        officer.post(f"/cohorts/{COHORT}/sessions", session)
    for one in learners:
        offices.ready(one, SEPTEMBER, DISNAKER, "WELDING")
        offices.refer(one, DISNAKER, "WELDING")
    _accept_where_whatsapp_fails(offices, learners[0])
    for one in learners[1:]:
        offices.accept(one, DISNAKER, PLACE)
    for one in learners:
        offices.confirm(one, DISNAKER)


def _accept_where_whatsapp_fails(offices: Offices, who: Klien) -> None:
    """Who asked for messages gets the news of the seat by SMS instead."""
    offices.consent(who, DISNAKER, "MESSAGING")
    offices.settled()
    _gateway(offices, channel="WHATSAPP", does="fail")
    offices.accept(who, DISNAKER, PLACE)
    until_told(offices.stack, "notification.message.rerouted")
    _gateway(offices, channel="WHATSAPP", does="deliver")


def _staff() -> View:
    return {"instructor_id": "instructor-disnaker-1", "assessor_ids": ["assessor-disnaker-1"]}


def _put_off_and_call_off(offices: Offices) -> None:
    officer, head, thing = offices.opd(DISNAKER), offices.opd(DISNAKER, "head_of_opd"), f"/cohorts/{OTHER}"
    plan = {"cohort_code": OTHER, "programme_code": "BAR", "capacity": 8, "place_code": "dapur-rest"}
    dates = {"starts_on": "2027-10-04", "ends_on": "2027-10-15", "minors_only": False, "budget_line": "DPA"}
    officer.post("/cohorts", {**plan, **dates})
    officer.move(thing, "open", **_staff())
    officer.move(thing, "reschedule", starts_on="2027-10-11", ends_on="2027-10-22", reason_code="BUDGET")
    head.move(thing, "cancel", reason_code="BUDGET")


def _say_no_and_anew(offices: Offices, who: Klien) -> None:
    """One purpose is refused; for another the person signs a newer text."""
    offices.register(who)
    asked = _ask(offices, who, "TRAINING")
    offices.pk.move(f"/consents/{asked['consent_id']}", "refuse")
    first = _ask(offices, who, "MESSAGING")
    given = {"given_by": ["PERSON"], "channel": "WRITTEN", "proof_ref": "BERKAS/1"}
    offices.pk.move(f"/consents/{first['consent_id']}", "grant", **given)
    newer = offices.pk.move(
        f"/consents/{first['consent_id']}", "replace", text_version="2027-2", valid_until="2027-12-30"
    )
    offices.pk.move(f"/consents/{newer['consent_id']}", "grant", **given)


def _ask(offices: Offices, who: Klien, purpose: str) -> View:
    body = {"case_ref": who.case, "agency": DISNAKER, "purpose": purpose, "text_version": "2027-1"}
    return offices.pk.post("/consents", {**body, "valid_until": "2027-12-31"})


def _refer_to_dinkop(offices: Offices, who: Klien) -> str:
    offices.ready(who, SEPTEMBER, DINKOP, "BARISTA")
    return str(offices.refer(who, DINKOP, "BARISTA")["referral_id"])


def _void(offices: Offices, who: Klien) -> None:
    thing = f"/referrals/{_refer_to_dinkop(offices, who)}"
    offices.referrals.move(thing, "void", reason_code="DUPLICATE", second_person="kabapas-001")


def _reach_nobody(offices: Offices, who: Klien) -> None:
    """The PK is to be told of a refusal, and neither channel gets through: an officer does it."""
    referral = _refer_to_dinkop(offices, who)
    _gateway(offices, does="fail")
    offices.opd(DINKOP).move(f"/placements/{referral}", "decline", reason_code="CAPACITY_FULL")
    until = time.monotonic() + WITHIN_SECONDS
    tasks: list[Any] = []
    while not tasks:
        assert time.monotonic() < until, "no message was escalated"
        time.sleep(0.5)
        tasks = offices.messages.get("/messages", state="escalated")
    _gateway(offices, does="deliver")
    offices.messages.move(f"/messages/{tasks[0]['message_id']}", "resolve", reached=True)


def _gateway(offices: Offices, **behaviour: str) -> None:
    assert WIRE.put(f"{offices.stack.gateway}/behaviour", json=behaviour).is_success


def _in_class(offices: Offices, learners: list[Klien]) -> None:
    """One falls ill and comes back, one stays away, one takes his consent back; all had begun."""
    officer, instructor = offices.opd(DISNAKER), offices.opd(DISNAKER, "instructor")
    ill, away, unwilling = learners[:3]
    officer.move(f"/cohorts/{COHORT}", "start")
    for day in DAYS:
        offices.stack.move_clock(on(9, day, 17))
        entries = [_line(one, present=one is not away or day == DAYS[0]) for one in learners]
        instructor.post(f"/sessions/REST.{day}/attendance", {"entries": entries})
    offices.settled()
    offices.pk.move(f"/cases/{ill.case}", "suspend", reason_code="ILLNESS")
    offices.settled()
    offices.head.move(f"/cases/{ill.case}", "resume", review_board_heard_on="2027-09-23")
    officer.move(f"/enrolments/{away.enrolments[0]}", "drop", reason_code="NO_SHOW", asked_officer=True)
    offices.settled()
    _withdraw(offices, unwilling)
    offices.settled()


def _line(who: Klien, *, present: bool) -> View:
    return {
        "enrolment_id": who.enrolments[0],
        "state": "PRESENT" if present else "ABSENT",
        "hours": 8 if present else 0,
    }


def _withdraw(offices: Offices, who: Klien) -> str:
    own = offices.pk.get("/consents", case_ref=who.case)
    (consent,) = (one["consent_id"] for one in own if one["purpose"] == "TRAINING")
    offices.pk.move(f"/consents/{consent}", "withdraw", given_by="PERSON")
    return str(consent)


def _certify(offices: Offices, first: Klien, second: Klien) -> str:
    """One certificate is put right, one revoked, and one of another body runs out in ten days."""
    officer, head = offices.opd(DISNAKER), offices.opd(DISNAKER, "head_of_opd")
    drafted = head.get("/certificates", enrolment_id=first.enrolments[0])
    wrong, false = (head.move(f"/certificates/{one['certificate_id']}", "issue") for one in drafted)
    facts = {"reason_code": "ERROR_IN_RECORD", "second_person": "officer-disnaker-1"}
    head.move(f"/certificates/{wrong['certificate_id']}", "correct", **facts)
    head.move(f"/certificates/{false['certificate_id']}", "revoke", reason_code="FRAUD")
    bnsp = {"number": "BNSP-CONTOH-2", "lsp": "LSP-CONTOH", "expires_on": "2027-09-30"}
    return str(officer.post(f"/enrolments/{second.enrolments[0]}/certificates", bnsp)["certificate_id"])


def _stop_too_late(offices: Offices, who: Klien) -> None:
    """An office is down for more than the 72 hours in which it has to stop."""
    stack, name = offices.stack, f"{DINKOP}/training"
    stack.move_clock(on(10, 4))
    offices.ready(who, date(2027, 10, 4), DINKOP, "BARISTA")
    stack.kill(name)
    consent = _withdraw(offices, who)
    stack.move_clock(on(10, 8))
    until_told(stack, "intake.deadline.missed", consent)
    stack.start(name)
    until_told(stack, "intake.consent.closed", consent)


def _erase_too_late(offices: Offices, who: Klien) -> None:
    """The same office is down for more than the 30 days in which it has to erase."""
    stack, name = offices.stack, f"{DINKOP}/training"
    offices.head.move(f"/cases/{who.case}", "close", reason_code="ENDED", aftercare=False)
    stack.kill(name)
    offices.head.move(f"/cases/{who.case}", "erase", reason_code="ORDERED")
    stack.move_clock(on(11, 8))
    until_told(stack, "intake.erasure.overdue")
    stack.start(name)
    until_told(stack, "intake.erasure.closed")
