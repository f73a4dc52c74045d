"""Stories A and D of the domain handbook, section 8, played at public doors from January to August 2027."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from deploy.basudara.stack import Stack
from tests.system.offices import DINKOP, DISNAKER, Klien, Offices, View, klien, on

WELD, WELD_PLACE, BAR, BAR_PLACE = "WELD-2027-01", "blk-passo", "BAR-2027-01", "dapur-passo"
UNITS = ("WELD-1", "WELD-2", "WELD-3")
CUTI_BERSAMA = date(2027, 2, 5)
WELD_DAYS = [
    day
    for day in (date(2027, 2, 1) + timedelta(days=n) for n in range(29))
    if day.isoweekday() <= 5 and day != CUTI_BERSAMA
]


@dataclass
class Played:
    """What the stories left behind: who is who, and replies that only the moment itself could show."""

    yopi: Klien
    frans: Klien
    crowd: list[Klien]
    seen: dict[str, Any] = field(default_factory=dict)


def play_stories(stack: Stack) -> Played:
    offices = Offices(stack)
    played = Played(
        yopi=klien(22, "Yopi Contoh", "8171991203990001", "1999-03-12", "CONDITIONAL_LEAVE", "2027-07-01"),
        frans=klien(1, "Frans Andai", "8171990906040001", "2004-06-09", "SUPERVISION_SENTENCE", "2028-02-29"),
        crowd=[
            klien(100 + n, f"Teladan Rekaan {n}", None, f"199{n % 10}-05-17", "PAROLE", "2028-11-30") for n in range(10)
        ],
    )
    stack.move_clock(on(1, 4))
    offices.agree()
    _open_classes(offices, played)
    _january(offices, played)
    _class_of_welding(offices, played)
    _afterwards(offices, played)
    offices.settled()
    return played


def _open_classes(offices: Offices, played: Played) -> None:
    """One seat for baristas, so that three wait before Frans gets it; eight for welding, as few as may start."""
    desk = offices.opd(DISNAKER)
    hazard = {"hours": 160, "mode": "OFF_JOB", "hazard_listed": True, "min_age": 18}
    units = [{"unit": unit, "critical": True} for unit in UNITS]
    desk.post("/programmes", {"programme_code": "WELD", "title": "Las", "field": "WELDING", "units": units, **hazard})
    plain = {"hours": 80, "mode": "OFF_JOB", "hazard_listed": False, "min_age": 17}
    units = [{"unit": "BAR-1", "critical": True}]
    desk.post("/programmes", {"programme_code": "BAR", "title": "Kopi", "field": "BARISTA", "units": units, **plain})
    for cohort, programme, seats, place, starts, ends in (
        (WELD, "WELD", 8, WELD_PLACE, "2027-02-01", "2027-03-01"),
        (BAR, "BAR", 1, BAR_PLACE, "2027-02-15", "2027-02-26"),
    ):
        plan = {"cohort_code": cohort, "programme_code": programme, "capacity": seats, "place_code": place}
        desk.post(
            "/cohorts", {**plan, "starts_on": starts, "ends_on": ends, "minors_only": False, "budget_line": "DPA"}
        )
        staff = {"instructor_id": "instructor-disnaker-1", "assessor_ids": ["assessor-disnaker-1"]}
        desk.move(f"/cohorts/{cohort}", "open", **staff)
    for day in WELD_DAYS:
        desk.post(f"/cohorts/{WELD}/sessions", _session(day))
    played.seen["session on cuti bersama"] = desk.refused(f"/cohorts/{WELD}/sessions", _session(CUTI_BERSAMA))


def _session(day: date) -> View:
    return {"session_id": f"WELD.{day:%m%d}", "held_on": day.isoformat(), "hours": 8, "starts_at": "08:00"}


def _january(offices: Offices, played: Played) -> None:
    """Both stories until both have a firm seat. Crowd 0–2 wait for barista before Frans; 3–9 sit beside Yopi."""
    stack, yopi, frans, seen = offices.stack, played.yopi, played.frans, played.seen
    baristas = played.crowd[:3]
    stack.move_clock(on(1, 8))
    offices.register(frans)
    offices.decide(frans, date(2027, 1, 8), "BARISTA")
    for one in baristas:
        offices.ready(one, date(2027, 1, 8), DISNAKER, "BARISTA")

    stack.move_clock(on(1, 11))
    offices.consent(frans, DINKOP, "TRAINING")
    offices.open_case(frans)
    seen["first of Frans"] = offices.refer(frans, DINKOP, "BARISTA")
    offices.register(yopi)
    for one in baristas:
        offices.refer(one, DISNAKER, "BARISTA")
        offices.accept(one, DISNAKER, BAR_PLACE)

    stack.move_clock(on(1, 13))
    offices.opd(DINKOP).move(f"/placements/{frans.referrals[0]}", "decline", reason_code="CAPACITY_FULL")
    offices.settled()
    seen["messages at the refusal"] = offices.messages.get("/messages")
    second = offices.draft(frans, DISNAKER, "BARISTA", replaces=frans.referrals[0])
    path = f"/referrals/{second['referral_id']}/moves/request"
    seen["second refused"] = offices.referrals.refused(path, {"expected_version": second["version"]})
    offices.consent(frans, DISNAKER, "TRAINING")
    offices.settled()
    seen["second of Frans"] = offices.send(frans, second)
    seen["place of Frans"] = offices.accept(frans, DISNAKER, BAR_PLACE)
    _mid_january(offices, played)


def _mid_january(offices: Offices, played: Played) -> None:
    """The line at barista moves; Yopi is referred beside the welders, and all answers are given."""
    stack, yopi, frans, seen = offices.stack, played.yopi, played.frans, played.seen
    baristas, welders = played.crowd[:3], played.crowd[3:]
    stack.move_clock(on(1, 15))
    offices.decide(yopi, date(2027, 1, 15), "WELDING")
    for one in welders:
        offices.ready(one, date(2027, 1, 15), DISNAKER, "WELDING")
    seen["line before"] = [one.enrolments[0] for one in (*baristas[1:], frans)]
    for one in baristas:  # each leaves, and the next in line has the seat
        offices.referrals.move(f"/referrals/{one.referrals[0]}", "cancel", reason_code="MOVED")
        offices.settled()
    offices.confirm(frans, DISNAKER)

    stack.move_clock(on(1, 18))
    offices.consent(yopi, DISNAKER)
    offices.open_case(yopi)
    seen["referral of Yopi"] = offices.refer(yopi, DISNAKER, "WELDING")
    for one in welders:
        offices.refer(one, DISNAKER, "WELDING")

    stack.move_clock(on(1, 21))
    for one in (yopi, *welders):
        offices.accept(one, DISNAKER, WELD_PLACE)
        offices.confirm(one, DISNAKER)


def _class_of_welding(offices: Offices, played: Played) -> None:
    """148 of Yopi's 160 hours; unit 2 at the second try; two signatures and two certificates."""
    stack, yopi = offices.stack, played.yopi
    officer, instructor = offices.opd(DISNAKER), offices.opd(DISNAKER, "instructor")
    assessor, head = offices.opd(DISNAKER, "assessor"), offices.opd(DISNAKER, "head_of_opd")
    stack.move_clock(on(2, 1))
    officer.move(f"/cohorts/{WELD}", "start")
    _attend(instructor, played, WELD_DAYS[0])
    offices.settled()

    stack.move_clock(on(3, 1, 17))
    for day in WELD_DAYS[1:]:
        _attend(instructor, played, day)
    for one in (yopi, *played.crowd[3:]):
        thing = f"/enrolments/{one.enrolments[0]}"
        for unit in UNITS:
            for result in ("FAIL", "PASS") if (one, unit) == (yopi, "WELD-2") else ("PASS",):
                assessor.post(f"{thing}/assessments", {"unit": unit, "result": result})
        assessor.move(thing, "finish")
        officer.move(thing, "finish")
    offices.settled()
    for one in officer.get("/certificates", enrolment_id=yopi.enrolments[0]):
        head.move(f"/certificates/{one['certificate_id']}", "issue")
    officer.move(f"/cohorts/{WELD}", "finish")
    offices.settled()


def _attend(instructor: Any, played: Played, day: date) -> None:
    marks = {date(2027, 2, 10): ("LATE", 4), date(2027, 2, 17): ("EXCUSED", 0)}
    entries = []
    for one in (played.yopi, *played.crowd[3:]):
        state, hours = marks.get(day, ("PRESENT", 8)) if one is played.yopi else ("PRESENT", 8)
        entries.append({"enrolment_id": one.enrolments[0], "state": state, "hours": hours})
    session = f"/sessions/WELD.{day:%m%d}"
    seen = instructor.post(f"{session}/attendance", {"entries": entries})
    instructor.post(f"{session}/moves/close", {"expected_version": seen["version"]})


def _afterwards(offices: Offices, played: Played) -> None:
    """A BNSP certificate, three answers about his livelihood, and his release before the third."""
    stack, yopi, officer = offices.stack, played.yopi, offices.opd(DISNAKER)
    stack.move_clock(on(3, 15))
    bnsp = {"number": "BNSP-CONTOH-1", "lsp": "LSP-CONTOH", "expires_on": "2030-03-14"}
    officer.post(f"/enrolments/{yopi.enrolments[0]}/certificates", bnsp)
    for day, month, outcome in ((30, (3, 31), "JOB_SEEKING"), (90, (5, 30), "EMPLOYED_INFORMAL")):
        stack.move_clock(on(*month))
        _answer(offices, yopi, day, outcome)
    stack.move_clock(on(6, 30))
    offices.head.move(f"/cases/{yopi.case}", "close", reason_code="ENDED", aftercare=False)
    offices.settled()
    stack.move_clock(on(8, 28))
    _answer(offices, yopi, 180, "EMPLOYED_FORMAL")


def _answer(offices: Offices, who: Klien, day: int, outcome: str) -> None:
    """As soon as the window has opened by itself."""
    officer = offices.opd(DISNAKER)
    for _ in range(100):
        offices.settled()
        asked = {one["day"]: one for one in officer.get("/followups", enrolment_id=who.enrolments[0])}
        if day in asked and asked[day]["state"] == "due":
            break
    officer.post(f"/followups/{asked[day]['followup_id']}/record", {"answered": True, "outcome_code": outcome})
    offices.settled()
