"""The officers' door: who may do what, and how each refusal reads."""

from typing import Any

from referral_story import Story

from chassis.ids import new_id


async def test_only_officers_of_the_own_agency_come_in(story: Story) -> None:
    case, _, _ = await story.ready()
    http, svc = story.svc.http, story.svc
    body = {"case_ref": case, "to_agency": story.trainer, "field": "WELDING", "availability": ["MORNING"]}
    for role, status in (
        ("probation_officer", 201),
        ("facility_officer", 201),
        ("assistant_probation_officer", 403),
        ("head_of_bapas", 403),
        ("programme_officer", 403),
        ("service", 403),
        ("system", 403),
    ):
        assert (await http.post("/referrals", json=body, headers=svc.as_(role))).status_code == status
        if status == 403:
            for path in ("/referrals?state=draft", f"/participants/{case}", "/outcomes"):
                assert (await http.get(path, headers=svc.as_(role))).status_code == 403
    foreign = svc.as_("probation_officer", agency=story.trainer)
    assert (await http.post("/referrals", json=body, headers=foreign)).status_code == 403
    assert (await http.get(f"/participants/{case}", headers=foreign)).status_code == 403
    assert (await http.get(f"/participants/{case}")).status_code == 401


async def test_no_token_speaks_for_events_and_clocks(story: Story) -> None:
    case, _, _ = await story.ready()
    referral = await story.requested(case)
    for move in ("accept", "reject", "start", "complete", "cancel"):
        reply = await story.move(referral, move, role="system", reason_code="NO_SHOW")
        assert reply.status_code == 403
    for move in ("accept", "reject", "progress", "start", "complete"):
        reply = await story.move(referral, move, reason_code="CAPACITY_FULL")
        assert reply.status_code == 403
    assert (await story.move(referral, "draft")).status_code == 409
    assert (await story.move(referral, "approve")).status_code == 404
    assert (await story.view(referral))["state"] == "requested"


async def test_a_facility_officer_refers_but_does_not_cancel(story: Story) -> None:
    case, _, _ = await story.ready()
    referral = await story.drafted(case)
    assert (await story.move(referral, "request", role="facility_officer")).status_code == 200
    refused = await story.move(referral, "cancel", role="facility_officer", reason_code="MOVED")
    assert refused.status_code == 403


GROUNDS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"suspended": True}, {}, "not_ready"),
    ({"fields": ("BARISTA",)}, {}, "not_eligible"),
    ({"until": "2027-01-17"}, {}, "not_eligible"),
    ({"withdrawn": True}, {}, "no_consent"),
    ({}, {"state": "SUSPENDED"}, "no_agreement"),
    ({}, {"valid_until": "2027-01-17"}, "no_agreement"),
    ({}, {"scope": ["BAKERY"]}, "out_of_scope"),
    ({}, {"territory": ["81.06"]}, "out_of_territory"),
    ({"home_area": None}, {}, "out_of_territory"),
    ({"age_group": "CHILD_12_13", "age_group_until": "2027-06-01"}, {}, "age_rule"),
    ({"voluntary": False}, {}, "not_voluntary"),
    ({"referable_until": "2027-01-18"}, {}, "supervision_ends"),
]


async def test_each_missing_ground_has_its_own_refusal(story: Story) -> None:
    for facts, agreement, code in GROUNDS:
        person = dict(facts)
        suspended, withdrawn = person.pop("suspended", False), person.pop("withdrawn", False)
        case, consent, pseudonym = await story.ready(*person.pop("fields", ()), **person)
        draft = await story.drafted(case)
        if suspended:
            await story.case("suspended", case, reason_code="ILLNESS")
        if withdrawn:
            await story.withdraw(consent, pseudonym, story.trainer)
        await story.agree(**agreement)
        await story.svc.settled()
        reply = await story.move(draft, "request")
        assert (reply.status_code, reply.json()["type"]) == (409, f"urn:basudara:problem:{code}")
        assert reply.headers["content-type"] == "application/problem+json"
        assert (await story.view(draft))["state"] == "draft"
        assert await story.told(draft) == []
        await story.agree()


async def test_replaces_names_an_ended_referral_of_the_same_person(story: Story) -> None:
    case, _, _ = await story.ready("WELDING", "BARISTA")
    other_case, _, _ = await story.ready()
    still_open = await story.requested(case)
    of_another = await story.requested(other_case)
    assert (await story.move(of_another, "cancel", reason_code="MOVED")).status_code == 200
    for replaces in (still_open, of_another, new_id("ref")):
        reply = await story.draft(case, field="BARISTA", replaces=replaces)
        assert (reply.status_code, reply.json()["type"]) == (409, "urn:basudara:problem:not_replaceable")
    assert (await story.move(still_open, "cancel", reason_code="MOVED")).status_code == 200
    assert (await story.draft(case, replaces=still_open)).status_code == 201


async def test_what_was_entered_in_error_is_voided_by_two_and_frees_the_field(story: Story) -> None:
    case, _, pseudonym = await story.ready()
    referral = await story.requested(case)
    alone = await story.move(referral, "void", reason_code="DUPLICATE", second_person="tester-1")
    assert alone.status_code == 422
    assert (await story.move(referral, "void", reason_code="DUPLICATE")).json()["fact"] == "second_person"
    reply = await story.move(referral, "void", reason_code="DUPLICATE", second_person="pk-dua")
    assert (reply.status_code, reply.json()["state"]) == (200, "entered-in-error")
    assert (await story.told(referral))[-1] == (
        "referral.voided",
        {"referral_id": referral, "case_ref": pseudonym, "reason_code": "DUPLICATE"},
    )
    await story.requested(case)


async def test_who_saw_an_older_version_is_told_so(story: Story) -> None:
    case, _, _ = await story.ready()
    referral = await story.requested(case)
    reply = await story.move(referral, "cancel", reason_code="MOVED", expected_version=1)
    assert (reply.status_code, reply.json()["type"]) == (409, "urn:basudara:problem:stale_version")
    assert (reply.json()["seen"], reply.json()["now"]) == (1, 2)


async def test_a_command_from_the_future_is_refused(story: Story) -> None:
    case, _, _ = await story.ready()
    referral = await story.drafted(case)
    reply = await story.move(referral, "request", made_at="2027-01-18T12:10:00+09:00")
    assert (reply.status_code, reply.json()["field"]) == (422, "made_at")
    assert (await story.move(referral, "request", made_at="2027-01-18T09:00:00+09:00")).status_code == 200


SHAPES: list[dict[str, Any]] = [
    {"field": "BURGLARY"},
    {"availability": []},
    {"availability": ["NIGHT"]},
    {"accommodations": ["SECRET"]},
    {"to_agency": "OPD_1"},
    {"to_agency": "opd.*"},
    {"case_ref": "prt_x"},
    {"replaces": "ref_x"},
    {"full_name": "Salma Misal"},
]


async def test_a_body_of_another_shape_is_refused_without_quoting_it(story: Story) -> None:
    good = {"case_ref": new_id("prt"), "to_agency": story.trainer, "field": "WELDING", "availability": ["MORNING"]}
    for change in SHAPES:
        body = {**good, **change}
        reply = await story.svc.http.post("/referrals", json=body, headers=story.svc.as_("probation_officer"))
        assert reply.status_code == 422, change
        assert "Salma" not in reply.text
        assert "BURGLARY" not in reply.text


async def test_lists_are_by_person_or_state(story: Story) -> None:
    case, _, _ = await story.ready("WELDING", "BARISTA")
    first, second = await story.requested(case), await story.drafted(case, field="BARISTA")
    http, pk = story.svc.http, story.svc.as_("probation_officer")

    async def ids(query: str) -> set[str]:
        return {one["referral_id"] for one in (await http.get(f"/referrals?{query}", headers=pk)).json()}

    assert await ids(f"case_ref={case}") == {first, second}
    assert await ids(f"case_ref={case}&state=draft") == {second}
    assert await ids("state=requested") == {first}
    assert (await http.get("/referrals", headers=pk)).status_code == 422
    assert (await http.get(f"/referrals/{new_id('ref')}", headers=pk)).status_code == 404
    assert (await http.get(f"/participants/{new_id('prt')}", headers=pk)).status_code == 404
