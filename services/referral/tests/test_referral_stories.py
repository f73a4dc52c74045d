"""The handbook's acceptance stories as referral lives them, on a real broker and a real database."""

import asyncio
from datetime import date

from referral_story import Story, at

from chassis.ids import new_id


async def test_yopi_is_referred_trained_and_the_referral_completes(story: Story) -> None:
    case, _, pseudonym = await story.ready()
    referral = await story.requested(case, accommodations=["NONE"])
    enrolment = new_id("enr")
    await story.accept(referral, pseudonym)
    await story.reserve(enrolment, referral, pseudonym)
    await story.enrolment("confirmed", enrolment, referral, pseudonym, cohort_code="WELD-2027-01")
    started = {"cohort_code": "WELD-2027-01", "started_on": "2027-02-01"}
    await story.enrolment("started", enrolment, referral, pseudonym, **started)
    done = {"passed": True, "percent": 92.5, "completed_on": "2027-03-01"}
    await story.enrolment("completed", enrolment, referral, pseudonym, **done)
    told = await story.told(referral)
    assert [name for name, _ in told] == [
        "referral.requested",
        "referral.accepted",
        "referral.progressed",
        "referral.progressed",
        "referral.started",
        "referral.completed",
    ]
    assert [data["business_status"] for name, data in told if name == "referral.progressed"] == [
        "scheduled",
        "enrolled",
    ]
    asked = told[0][1]
    assert (asked["due_on"], asked["eligible_until"], asked["age_group"]) == ("2027-01-25", "2027-04-15", "ADULT")
    assert asked["agreement_number"] == "PKS-001/CONTOH"
    view = await story.view(referral)
    assert (view["state"], view["case_ref"], view["agency_case_ref"]) == ("completed", case, pseudonym)
    assert (await story.person(case))["open_referrals"] == {}
    assert await story.parked_reasons() == []


async def test_nothing_that_leaves_the_agency_names_its_own_case(story: Story) -> None:
    case, _, pseudonym, referral, _ = await story.running()
    await story.svc.settled()
    topics = [f"{story.svc.agency}.referral.referral.to.{one}.v1" for one in (story.trainer, story.other)]
    records = await story.svc.records(*topics)
    assert records
    for record in records:
        said = (record.key or b"") + (record.value or b"") + b"".join(value for _, value in record.headers)
        assert case.encode() not in said
        assert record.key == pseudonym.encode()
        assert record.topic == topics[0]
    assert referral


async def test_a_second_copy_of_every_event_changes_nothing(story: Story) -> None:
    case, _, pseudonym, referral, enrolment = await story.running()
    before, told = await story.view(referral), await story.told(referral)
    await story.accept(referral, pseudonym)
    await story.hear("intake.case.opened", case, {"case_ref": case}, version=3)
    data = {"enrolment_id": enrolment, "referral_id": referral, "case_ref": pseudonym}
    seat = {**data, "cohort_code": "WELD-2027-01", "starts_on": "2027-02-01"}
    await story.hear("training.seat.reserved", enrolment, seat, source=story.trainer, version=1)
    await story.hear("training.enrolment.confirmed", enrolment, {**data, "cohort_code": "WELD-2027-01"},
                     source=story.trainer, version=2)  # fmt: skip
    assert await story.told(referral) == told
    assert await story.view(referral) == before
    assert await story.parked_reasons() == []


async def test_salma_gets_a_due_day_across_the_holiday_block_and_one_reminder(story: Story) -> None:
    story.svc.set_clock(at(date(2027, 3, 4), 10))
    case, _, pseudonym = await story.ready("FISH_PROCESSING")
    referral = await story.requested(case, field="FISH_PROCESSING", accommodations=["CHILDCARE", "FEMALE_INSTRUCTOR"])
    asked = (await story.told(referral))[0][1]
    assert asked["due_on"] == "2027-03-19"
    assert asked["accommodations"] == ["CHILDCARE", "FEMALE_INSTRUCTOR"]
    story.svc.set_clock(at(date(2027, 3, 17), 23, 59, 50))
    await asyncio.sleep(1.2)
    assert await story.names(referral) == ["referral.requested"]
    story.svc.set_clock(at(date(2027, 3, 18), 0, 0, 1))
    await asyncio.sleep(1.2)
    assert (await story.told(referral))[1:] == [
        ("deadline.neared", {"referral_id": referral, "case_ref": pseudonym, "kind": "ANSWER", "due_on": "2027-03-19"})
    ]
    enrolment = new_id("enr")
    await story.accept(referral, pseudonym)
    await story.enrolment("waitlisted", enrolment, referral, pseudonym, place_in_line=2, reason_code=None)
    await story.svc.settled()
    story.svc.set_clock(at(date(2027, 3, 29), 9))
    await asyncio.sleep(1.2)
    await story.reserve(enrolment, referral, pseudonym)
    told = await story.told(referral)
    assert [name for name, _ in told[2:]] == ["referral.accepted", "referral.progressed", "referral.progressed"]
    assert [data["business_status"] for _, data in told[3:]] == ["waitlisted", "scheduled"]


async def test_an_answer_that_never_comes_is_told_to_both_sides_and_nothing_is_decided(story: Story) -> None:
    case, _, _ = await story.ready()
    referral = await story.requested(case)
    story.svc.set_clock(at(date(2027, 1, 25), 23, 59, 55))
    await asyncio.sleep(1.2)
    assert await story.names(referral) == ["referral.requested", "deadline.neared"]
    story.svc.set_clock(at(date(2027, 1, 26), 2, 0, 0))  # noticed two hours late
    await asyncio.sleep(1.2)
    name, data = (await story.told(referral))[-1]
    assert (name, data["kind"], data["due_on"]) == ("deadline.missed", "ANSWER", "2027-01-25")
    assert 7200 <= data["late_seconds"] < 7300
    assert (await story.view(referral))["state"] == "requested"
    story.svc.set_clock(at(date(2027, 2, 26), 2))
    await asyncio.sleep(1.2)
    assert (await story.names(referral)).count("deadline.missed") == 1


async def test_what_was_overdue_when_we_came_back_is_missed_without_a_stale_reminder(story: Story) -> None:
    case, _, _ = await story.ready()
    referral = await story.requested(case)
    story.svc.set_clock(at(date(2027, 2, 3), 9))
    await asyncio.sleep(1.2)
    assert await story.names(referral) == ["referral.requested", "deadline.missed"]


async def test_deni_at_sixteen_is_answered_in_three_working_days(story: Story) -> None:
    story.svc.set_clock(at(date(2027, 3, 4), 10))
    case, _, _ = await story.ready("SEWING", age_group="CHILD_16_17", age_group_until="2028-06-01")
    referral = await story.requested(case, field="SEWING")
    asked = (await story.told(referral))[0][1]
    assert (asked["age_group"], asked["due_on"]) == ("CHILD_16_17", "2027-03-17")


async def test_frans_is_rejected_for_ever_and_referred_anew_elsewhere(story: Story) -> None:
    case, _, pseudonym = await story.ready("BARISTA")
    first = await story.requested(case, field="BARISTA")
    await story.answer("declined", first, pseudonym, reason_code="CAPACITY_FULL")
    assert (await story.told(first))[-1] == (
        "referral.rejected",
        {"referral_id": first, "case_ref": pseudonym, "reason_code": "CAPACITY_FULL"},
    )
    before = await story.view(first)
    second = await story.drafted(case, story.other, "BARISTA", replaces=first)
    refused = await story.move(second, "request")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:basudara:problem:no_consent")
    consent, elsewhere = await story.ask(case, story.other)
    await story.grant(consent, elsewhere, story.other)
    await story.svc.settled()
    assert (await story.move(second, "request")).status_code == 200
    assert await story.view(first) == before
    assert await story.told(second) == []  # the first trainer can't read of it
    told = await story.told(second, reader=story.other)
    assert [name for name, _ in told] == ["referral.requested"]
    assert "replaces" not in told[0][1]
    assert told[0][1]["case_ref"] == elsewhere != pseudonym


async def test_ona_withdraws_and_her_referral_is_cancelled_whatever_comes_late(story: Story) -> None:
    case, consent, pseudonym = await story.ready()
    referral = await story.requested(case)
    await story.withdraw(consent, pseudonym, story.trainer)
    await story.svc.settled()
    await story.accept(referral, pseudonym)
    await story.reserve(new_id("enr"), referral, pseudonym)
    assert (await story.told(referral))[1:] == [
        ("referral.cancelled", {"referral_id": referral, "case_ref": pseudonym, "reason_code": "CONSENT_WITHDRAWN"})
    ]
    again = await story.drafted(case)
    assert (await story.move(again, "request")).json()["type"] == "urn:basudara:problem:no_consent"
    anew, _ = await story.ask(case, story.trainer, pseudonym)
    await story.grant(anew, pseudonym, story.trainer)
    await story.svc.settled()
    assert (await story.move(again, "request")).status_code == 200
    await story.hear(
        "intake.consent.withdrawn",
        consent,
        {"consent_id": consent, "case_ref": pseudonym, "purpose": "TRAINING"},
        to=story.trainer,
    )
    await story.svc.settled()
    assert (await story.view(again))["state"] == "requested", "an old withdrawal can't end what a new consent carries"


async def test_rudi_is_held_and_comes_back_as_after_any_illness(story: Story) -> None:
    case, _, pseudonym, referral, _ = await story.running()
    await story.case("suspended", case, reason_code="CUSTODY")
    assert (await story.told(referral))[-1] == (
        "referral.paused",
        {"referral_id": referral, "case_ref": pseudonym, "reason_code": "PARTICIPANT_UNAVAILABLE"},
    )
    refused = await story.move(referral, "resume")
    assert refused.json()["type"] == "urn:basudara:problem:not_ready"
    await story.case("resumed", case)
    assert (await story.names(referral))[-1] == "referral.resumed"
    assert (await story.view(referral))["hold_due_on"] is None


async def test_rudi_loses_eligibility_and_it_looks_like_any_absence(story: Story) -> None:
    case, _, pseudonym, referral, _ = await story.running()
    await story.case("suspended", case, reason_code="EXAMINATION")
    await story.decide(case)
    await story.case("closed", case, reason_code="REVOKED", aftercare=False)
    told = await story.told(referral)
    assert told[-2:] == [
        ("referral.paused", {"referral_id": referral, "case_ref": pseudonym, "reason_code": "PARTICIPANT_UNAVAILABLE"}),
        (
            "referral.cancelled",
            {"referral_id": referral, "case_ref": pseudonym, "reason_code": "PARTICIPANT_UNAVAILABLE"},
        ),
    ]
    person = await story.person(case)
    assert (person["state"], person["eligible_fields"], person["open_referrals"]) == ("closed", [], {})


async def test_a_case_that_closes_into_aftercare_lets_training_finish(story: Story) -> None:
    case, _, pseudonym, referral, enrolment = await story.running()
    await story.case("closed", case, reason_code="ENDED", aftercare=True)
    done = {"passed": False, "percent": 81.0, "completed_on": "2027-03-01"}
    await story.enrolment("completed", enrolment, referral, pseudonym, **done)
    assert (await story.told(referral))[-1][0] == "referral.completed"
