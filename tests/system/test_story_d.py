"""Story D: Frans. Rejected at the first office, third in line at the second. Domain handbook, section 8."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

from deploy.basudara.stack import Stack
from tests.system.offices import DINKOP, DISNAKER, Offices, klien
from tests.system.play import BAR, Played
from tests.system.seeing import Record, documents, events, put, records, settled
from tests.system.told import caused, label, nowhere, of_subject, story_of, tells, whole

STORY = [
    ("case.registered",),
    ("case.assigned",),
    ("eligibility.decided",),
    ("consent.asked TRAINING",),
    ("consent.granted TRAINING",),  # for the first office
    ("case.opened",),
    ("referral.requested",),
    ("placement.declined",),
    ("referral.rejected",),
    ("consent.asked TRAINING",),
    ("consent.granted TRAINING",),  # for the second
    ("referral.requested",),
    ("placement.accepted", "seat.waitlisted"),
    ("referral.accepted", "referral.progressed waitlisted"),
    ("seat.reserved",),
    ("referral.progressed scheduled",),
    ("enrolment.confirmed",),  # as A5, so that the seat stays his
    ("referral.progressed enrolled",),
]


def test_his_events_are_those_of_the_handbook_in_order(stack: Stack, played: Played) -> None:
    found = story_of(events(records(stack), *played.frans.refs.values()))
    first, second = played.frans.referrals
    tells(found, STORY)
    told = [one for one in of_subject(found, first) if one.startswith("referral.")]
    assert told == ["referral.requested", "referral.rejected"]
    told = [one for one in of_subject(found, second) if one.startswith("referral.")]
    progress = [f"referral.progressed {one}" for one in ("waitlisted", "scheduled", "enrolled")]
    assert told == ["referral.requested", "referral.accepted", *progress]
    for effect, *causes in (
        ("referral.rejected", "placement.declined"),
        ("referral.accepted", "placement.accepted"),
        ("referral.progressed waitlisted", "seat.waitlisted", "placement.accepted"),  # whichever is heard last
        ("referral.progressed scheduled", "seat.reserved"),
    ):
        caused(found, effect, *causes)


def test_the_answer_was_due_on_the_handbooks_day_and_the_pk_is_told_at_once(played: Played) -> None:
    assert played.seen["first of Frans"]["due_on"] == "2027-01-18"
    own = [one for one in played.seen["messages at the refusal"] if one["case_ref"] == played.frans.refs[DINKOP]]
    assert [(one["recipient_role"], one["created_at"][:16]) for one in own] == [
        ("PROBATION_OFFICER", "2027-01-13T00:00")  # 09:00 in WIT: the minute in which the office said no
    ]


def test_a_consent_that_names_the_other_agency_is_no_consent(played: Played) -> None:
    assert played.seen["second refused"]["type"] == "urn:basudara:problem:no_consent"
    assert played.seen["second of Frans"]["replaces"] == played.frans.referrals[0]


def test_seats_that_fall_free_go_down_the_line_in_its_order(stack: Stack, played: Played) -> None:
    place = played.seen["place of Frans"]
    assert (place["state"], place["place_in_line"]) == ("waitlisted", 3)
    baristas = [ref for one in (*played.crowd[:3], played.frans) for ref in one.refs.values()]
    moves = [
        (label(event), event.data["enrolment_id"])
        for event in events(records(stack), *baristas)
        if event.kind in ("seat.released", "seat.reserved") and event.data["cohort_code"] == BAR
    ]
    first: str = played.crowd[0].enrolments[0]
    line: list[str] = played.seen["line before"]
    expected = [("seat.reserved", first)]
    for left, next_one in zip([first, *line[:-1]], line, strict=True):
        expected += [("seat.released", left), ("seat.reserved", next_one)]
    assert moves == expected


def test_what_was_rejected_stays_rejected_for_ever(stack: Stack, played: Played) -> None:
    offices, first = Offices(stack), played.frans.referrals[0]
    for move in ("request", "pause", "resume", "cancel", "fail"):
        version = offices.referral(first)["version"]
        body = {"expected_version": version, "reason_code": "PARTICIPANT_UNAVAILABLE"}
        assert offices.referrals.refused(f"/referrals/{first}/moves/{move}", body)["status"] == 409
    put(stack, _changed_mind(stack, first))
    settled(stack)
    seen = offices.referral(first)
    assert (seen["state"], seen["reason_code"]) == ("rejected", "CAPACITY_FULL")
    told = story_of(events(records(stack), *played.frans.refs.values()))
    own = [label(one) for one in told if one.topic.startswith("bapas") and one.data.get("referral_id") == first]
    assert own == ["referral.requested", "referral.rejected"]


def _changed_mind(stack: Stack, referral_id: str) -> Record:
    """The first office's `placement.accepted`, long after its refusal."""
    declined = next(
        one
        for one in records(stack)
        if one.said.get("type", "").endswith("placement.declined.v1") and one.said["subject"] == referral_id
    )
    said = {**declined.said, "id": str(uuid.uuid4()), "type": "id.basudara.training.placement.accepted.v1"}
    said |= {"aggregateversion": said["aggregateversion"] + 1, "dataschema": f"urn:basudara:events:{said['type']}"}
    data = {"referral_id": referral_id, "case_ref": said["data"]["case_ref"], "accepted_at": said["time"]}
    value = json.dumps({**said, "data": data}).encode()
    return replace(declined, value=value, headers=(("content-type", b"application/cloudevents+json"),))


def test_the_first_office_can_never_read_of_the_second_referral(stack: Stack, played: Played) -> None:
    second, strange = played.frans.referrals[1], played.frans.refs[DISNAKER]
    texts = [second, strange, played.frans.enrolments[0]]
    readable = [one for one in records(stack) if DINKOP in one.topic or one.topic.endswith("programme.v1")]
    assert any(played.frans.referrals[0].encode() in one.whole for one in readable)
    held = {name: json.dumps(kinds) for name, kinds in documents(stack).items() if name.startswith(DINKOP)}
    nowhere(texts, {**whole(readable), **held})
    assert Offices(stack).opd(DINKOP).ask("GET", f"/placements/{second}").status_code == 404


def test_two_officers_who_accept_the_last_seat_at_once_give_one_seat_and_one_place_in_line(
    stack: Stack, played: Played
) -> None:
    offices, today = Offices(stack), date(2027, 8, 28)
    officer = offices.opd(DISNAKER)
    plan = {"cohort_code": "BAR-2027-09", "programme_code": "BAR", "capacity": 1, "place_code": "dapur-waai"}
    dates = {"starts_on": "2027-11-01", "ends_on": "2027-11-12", "minors_only": False, "budget_line": "DPA"}
    officer.post("/cohorts", {**plan, **dates})
    staff = {"instructor_id": "instructor-disnaker-1", "assessor_ids": ["assessor-disnaker-1"]}
    officer.move("/cohorts/BAR-2027-09", "open", **staff)
    both = [klien(n, f"Serentak {n}", None, "1990-01-01", "PAROLE", "2028-11-30") for n in (201, 202)]
    for one in both:
        offices.ready(one, today, DISNAKER, "BARISTA")
        offices.refer(one, DISNAKER, "BARISTA")
    desks = [offices.opd(DISNAKER, number=number) for number in (1, 2)]
    body = {"expected_version": 1, "place_code": "dapur-waai", "accommodations_met": True}
    paths = [f"/placements/{one.referrals[0]}/moves/accept" for one in both]
    with ThreadPoolExecutor(2) as at_once:
        answers = list(at_once.map(lambda desk, path: desk.post(path, body), desks, paths))
    seen = [officer.get(f"/enrolments/{one['enrolment_id']}") for one in answers]
    assert sorted(one["state"] for one in seen) == ["reserved", "waitlisted"]
    assert [one["place_in_line"] for one in seen if one["state"] == "waitlisted"] == [1]
    settled(stack)
    told = [label(one) for one in events(records(stack), *(one.refs[DISNAKER] for one in both))]
    assert (told.count("seat.reserved"), told.count("seat.waitlisted")) == (1, 1)
