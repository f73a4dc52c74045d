"""kill -9 of each service in turn while a referral is on its way: the journey ends the same."""

from datetime import date

import pytest

from deploy.basudara.stack import Stack
from tests.system.offices import BAPAS, DISNAKER, Offices, klien, on
from tests.system.play import Played
from tests.system.seeing import events, records, settled
from tests.system.told import label, story_of

JOURNEY = [
    "case.assigned",
    "case.opened",
    "case.registered",
    "consent.asked TRAINING",
    "consent.granted TRAINING",
    "eligibility.decided",
    "enrolment.confirmed",
    "placement.accepted",
    "referral.accepted",
    "referral.progressed enrolled",
    "referral.progressed scheduled",
    "referral.requested",
    "seat.reserved",
]
KILLED = [f"{BAPAS}/intake", f"{BAPAS}/referral", f"{DISNAKER}/training", f"{BAPAS}/notification"]
COHORT, PLACE = "WELD-KILL", "blk-kill"


@pytest.fixture(scope="module")
def offices(stack: Stack, played: Played) -> Offices:
    """In September, with a class that has room."""
    assert played.yopi.case
    stack.move_clock(on(9, 1))
    offices = Offices(stack)
    officer = offices.opd(DISNAKER)
    plan = {"cohort_code": COHORT, "programme_code": "WELD", "capacity": 16, "place_code": PLACE}
    dates = {"starts_on": "2027-10-04", "ends_on": "2027-10-29", "minors_only": False, "budget_line": "DPA"}
    officer.post("/cohorts", {**plan, **dates})
    staff = {"instructor_id": "instructor-disnaker-1", "assessor_ids": ["assessor-disnaker-1"]}
    officer.move(f"/cohorts/{COHORT}", "open", **staff)
    return offices


@pytest.mark.parametrize("name", KILLED)
def test_a_journey_ends_the_same_when_a_service_is_killed_on_its_way(stack: Stack, offices: Offices, name: str) -> None:
    """Killed right after a command whose effects it has to send or to read, twice on the way."""
    who = klien(300 + KILLED.index(name), "Tahan Banting", None, "1988-08-08", "PAROLE", "2028-11-30")
    offices.ready(who, date(2027, 9, 1), DISNAKER, "WELDING")
    drafted = offices.draft(who, DISNAKER, "WELDING")
    path = f"/referrals/{drafted['referral_id']}/moves/request"
    who.referrals.append(offices.referrals.post(path, {"expected_version": 1})["referral_id"])
    stack.kill(name)  # the request may not have left, or not have been read
    stack.start(name)
    settled(stack)
    accept = {"expected_version": 1, "place_code": PLACE, "accommodations_met": True}
    placement = offices.opd(DISNAKER).post(f"/placements/{who.referrals[0]}/moves/accept", accept)
    stack.kill(name)
    stack.start(name)
    settled(stack)
    who.enrolments.append(placement["enrolment_id"])
    offices.confirm(who, DISNAKER)

    found = story_of(events(records(stack), *who.refs.values()))
    assert sorted(label(one) for one in found) == JOURNEY
    once = {(one.kind, one.subject, one.version) for one in found}
    assert len(once) == len(found), "an effect happened twice"
    seen = offices.referral(who.referrals[0])
    assert (seen["state"], seen["business_status"]) == ("accepted", "enrolled")
    assert offices.opd(DISNAKER).get(f"/enrolments/{who.enrolments[0]}")["state"] == "enrolled"


def test_every_service_of_the_manifests_runs_and_is_healthy(stack: Stack, offices: Offices) -> None:
    assert offices.stack is stack
    told = stack.status()
    assert {name for name in stack.urls if not told[name]["healthy"]} == set()
    assert len(stack.urls) == 7
