"""Story A: Yopi, welding. The straight way, a release in between, and a livelihood at the end. Domain handbook, 8."""

import json

from deploy.basudara.stack import Stack
from tests.system.offices import BAPAS, DISNAKER, Offices
from tests.system.play import Played
from tests.system.seeing import at_rest, documents, events, logs, put, records
from tests.system.told import caused, nowhere, of_subject, story_of, tells, whole

# Every event of the story as the handbook lists it; private ones (consent.asked) and the end of consent with the case
# (section 5, consent: "TRAINING also at case closure without aftercare") are spelled out. A tuple is one moment.
STORY = [
    ("case.registered",),
    ("case.assigned",),
    ("eligibility.decided",),
    ("consent.asked TRAINING",),
    ("consent.granted TRAINING",),
    ("consent.asked LIVELIHOOD_FOLLOWUP",),
    ("consent.granted LIVELIHOOD_FOLLOWUP",),
    ("consent.asked MESSAGING",),
    ("consent.granted MESSAGING",),
    ("case.opened",),
    ("referral.requested",),
    ("placement.accepted", "seat.reserved"),
    ("referral.accepted", "referral.progressed scheduled"),
    ("enrolment.confirmed",),
    ("referral.progressed enrolled",),
    ("enrolment.started",),
    ("referral.started",),
    ("enrolment.completed",),
    ("referral.completed", "certificate.issued TRAINING_PASS", "certificate.issued COMPLETION_STATEMENT"),
    ("certificate.registered BNSP_COMPETENCE",),
    ("followup.due 30",),
    ("followup.recorded 30",),
    ("followup.due 90",),
    ("followup.recorded 90",),
    ("case.closed", "consent.expired TRAINING"),
]
REFERRAL = [
    "referral.requested",
    "referral.accepted",
    "referral.progressed scheduled",
    "referral.progressed enrolled",
    "referral.started",
    "referral.completed",
]
CAUSES = [
    ("referral.accepted", "placement.accepted"),
    ("referral.progressed scheduled", "seat.reserved", "placement.accepted"),  # the seat may be heard of first
    ("referral.progressed enrolled", "enrolment.confirmed"),
    ("referral.started", "enrolment.started"),
    ("referral.completed", "enrolment.completed"),
]


def test_his_events_are_those_of_the_handbook_in_order(stack: Stack, played: Played) -> None:
    found = story_of(events(records(stack), *played.yopi.refs.values()))
    tells(found, STORY)
    told = of_subject(found, played.yopi.referrals[0])
    assert [one for one in told if one.startswith("referral.")] == REFERRAL
    for effect, *causes in CAUSES:
        caused(found, effect, *causes)


def test_dates_hours_and_tries_are_those_of_the_handbook(stack: Stack, played: Played) -> None:
    enrolment = Offices(stack).opd(DISNAKER).get(f"/enrolments/{played.yopi.enrolments[0]}")
    assert played.seen["referral of Yopi"]["due_on"] == "2027-01-25"
    assert (enrolment["hours_present"], enrolment["percent"], enrolment["passed"]) == (148, 92.5, True)
    assert enrolment["units"]["WELD-2"] == {"attempts": 2, "result": "PASS"}
    assert played.seen["session on cuti bersama"]["type"].endswith(":not_a_working_day")


def test_the_class_started_and_finished_once(stack: Stack, played: Played) -> None:
    told = [one.said["type"].split(".")[4] for one in records(stack, f"{DISNAKER}.training.programme.v1")
            if one.said["data"].get("cohort_code") == "WELD-2027-01"]  # fmt: skip
    assert told == ["planned", "opened", "started", "finished"]


def test_nothing_outside_intake_joins_his_name_with_his_case(stack: Stack, played: Played) -> None:
    body = played.yopi.body
    person = [body["full_name"], "Yopi", body["nik"], body["phone"], body["phone"].removeprefix("+62"), "REG/0022/X"]
    shown = Offices(stack).pk.get(f"/cases/{played.yopi.case}")
    assert body["full_name"] in json.dumps(
        shown
    )  # the one door that has it: so the texts looked for are the right ones
    held = documents(stack)
    intake = json.dumps(held.pop(f"{BAPAS}/intake"))
    elsewhere = {name: json.dumps(kinds) for name, kinds in held.items()}
    nowhere([*person, body["supervision_basis"]], {**whole(records(stack)), **logs(stack), **elsewhere})
    nowhere(person[:5], {"intake at rest": intake})


def test_his_certificates_name_no_office_no_basis_and_no_person(stack: Stack, played: Played) -> None:
    found = Offices(stack).opd(DISNAKER).get("/certificates", enrolment_id=played.yopi.enrolments[0])
    kinds = sorted(one["kind"] for one in found if one["state"] == "issued")
    assert kinds == ["BNSP_COMPETENCE", "COMPLETION_STATEMENT", "TRAINING_PASS"]
    body = played.yopi.body
    shown: dict[str, str | bytes] = {"certificates": json.dumps(found).lower()}
    nowhere(["yopi", body["nik"], "bapas", "conditional_leave", body["phone"], played.yopi.case], shown)


def test_the_answer_after_his_release_is_nobodys(stack: Stack, played: Played) -> None:
    """Bapas counts an answer; nothing in it leads to him, not even the trace of the request that made it."""
    found = records(stack)
    own = [one for one in found if one.said.get("data", {}).get("case_ref") in played.yopi.refs.values()]
    last = [
        one
        for one in found
        if one.said.get("type", "").endswith("followup.recorded.v1") and one.said["data"]["day"] == 180
    ]
    assert [one.said["data"]["outcome_code"] for one in last] == ["EMPLOYED_FORMAL"]
    said = last[0].said
    assert (said["data"]["case_ref"], said["data"]["referral_id"], said["data"]["enrolment_id"]) == (None, None, None)
    assert (last[0].key or b"").decode() == said["data"]["followup_id"] == said["subject"]
    known = {one.said[name] for one in own for name in ("subject", "correlationid", "traceparent", "causationid", "id")}
    known |= {*played.yopi.refs.values(), *played.yopi.referrals, *played.yopi.enrolments}
    nowhere([one for one in known if len(one) > 20], {"the answer of day 180": last[0].whole})


def test_a_second_copy_of_every_event_changes_nothing(stack: Stack, played: Played) -> None:
    held = at_rest(stack)
    before = records(stack)
    refs = set(played.yopi.refs.values())
    copies = [one for one in before if one.said.get("data", {}).get("case_ref") in refs and ".retry." not in one.topic]
    assert len(copies) > 40
    put(stack, *copies)
    after = at_rest(stack)
    assert len(records(stack)) == len(before) + len(copies), "a second copy made somebody say something"
    changed = []
    for name, kinds in after.items():
        changed += [f"{name} {kind}" for kind, rows in kinds.items() if rows != held[name][kind]]
    assert changed == []
