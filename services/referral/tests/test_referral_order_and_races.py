"""What must hold whatever arrives first, twice, late or at the same time."""

import asyncio
from datetime import date

import pytest
from referral_story import KB, Story, at

from chassis.ids import new_id


async def test_a_seat_read_before_the_answer_keeps_the_order_of_the_story(story: Story) -> None:
    case, _, pseudonym = await story.ready()
    referral = await story.requested(case)
    enrolment = new_id("enr")
    await story.reserve(enrolment, referral, pseudonym)
    await story.enrolment("confirmed", enrolment, referral, pseudonym, cohort_code="WELD-2027-01")
    assert await story.names(referral) == ["referral.requested"]
    await story.accept(referral, pseudonym)
    told = await story.told(referral)
    assert [name for name, _ in told[1:]] == ["referral.accepted", "referral.progressed", "referral.progressed"]
    assert [data["business_status"] for _, data in told[2:]] == ["scheduled", "enrolled"]
    view = await story.view(referral)
    assert (view["state"], view["business_status"]) == ("accepted", "enrolled")


@pytest.mark.parametrize("first", ["granted", "asked"])
async def test_a_consent_counts_whichever_half_arrives_first(story: Story, first: str) -> None:
    case = await story.register()
    await story.decide(case, "WELDING")
    await story.case("opened", case)
    consent, pseudonym = new_id("csn"), new_id("prt")
    story._versions[consent] = 1
    if first == "asked":
        await story.ask(case, story.trainer, pseudonym, consent=consent)
    await story.svc.settled()
    await story.grant(consent, pseudonym, story.trainer)
    await story.svc.settled()
    if first == "granted":
        assert (await story.person(case))["consents"] == []
        await story.ask(case, story.trainer, pseudonym, consent=consent)
        await story.svc.settled()
    (known,) = (await story.person(case))["consents"]
    assert (known["consent_id"], known["state"], known["agency"]) == (consent, "active", story.trainer)
    await story.requested(case)


async def test_a_consent_withdrawn_before_it_was_known_whose_it_is_never_counts(story: Story) -> None:
    case = await story.register()
    await story.decide(case, "WELDING")
    await story.case("opened", case)
    consent, pseudonym = new_id("csn"), new_id("prt")
    story._versions[consent] = 1
    await story.grant(consent, pseudonym, story.trainer)
    await story.withdraw(consent, pseudonym, story.trainer)
    await story.svc.settled()
    await story.ask(case, story.trainer, pseudonym, consent=consent)
    await story.svc.settled()
    referral = await story.drafted(case)
    assert (await story.move(referral, "request")).json()["type"] == "urn:basudara:problem:no_consent"


async def test_a_case_heard_before_its_registration_waits_for_it(story: Story) -> None:
    case = new_id("prt")
    await story.hear("intake.case.opened", case, {"case_ref": case}, version=4)
    await asyncio.sleep(0.2)
    facts = {"age_group": "ADULT", "age_group_until": None, "home_area": None, "voluntary": True}
    data = {"case_ref": case, "referable_until": None, **facts}
    await story.hear("intake.case.registered", case, data, version=1)
    for _ in range(40):
        await story.svc.settled()
        if (await story.person(case))["state"] == "ready":
            break
        await asyncio.sleep(0.1)
    assert (await story.person(case))["state"] == "ready"


async def test_a_suspension_that_comes_after_the_return_holds_nobody(story: Story) -> None:
    case, _, _, referral, _ = await story.running()
    await story.hear("intake.case.resumed", case, {"case_ref": case}, version=6)
    await story.hear("intake.case.suspended", case, {"case_ref": case, "reason_code": "ILLNESS"}, version=5)
    assert (await story.names(referral))[-1] == "referral.started"
    assert (await story.person(case))["state"] == "ready"


async def test_the_echo_of_a_hold_that_is_over_does_not_start_a_loop(story: Story) -> None:
    _, _, pseudonym, referral, enrolment = await story.running()
    assert (await story.move(referral, "pause", reason_code="PARTICIPANT_UNAVAILABLE")).status_code == 200
    assert (await story.move(referral, "resume")).status_code == 200
    said = [one for one in await story.svc.said() if one.subject == referral][-2:]
    for happened, cause, facts in (
        ("suspended", said[0], {"reason_code": "PARTICIPANT_UNAVAILABLE"}),
        ("resumed", said[1], {"make_up_hours": 0}),
    ):
        how = {"correlation": cause.correlationid}
        await story.enrolment(happened, enrolment, referral, pseudonym, how, **facts)
    assert (await story.names(referral))[-2:] == ["referral.paused", "referral.resumed"]
    assert (await story.view(referral))["state"] == "in-progress"


async def test_of_two_requests_in_one_field_one_wins(story: Story) -> None:
    case, _, _ = await story.ready()
    drafts = [await story.drafted(case) for _ in range(8)]
    replies = await asyncio.gather(*(story.move(one, "request", expected_version=1) for one in drafts))
    assert sorted(reply.status_code for reply in replies) == [200] + [409] * 7
    types = {reply.json().get("type") for reply in replies if reply.status_code == 409}
    assert types == {"urn:basudara:problem:field_already_open"}
    assert len((await story.person(case))["open_referrals"]) == 1


async def test_of_twenty_twins_of_one_command_one_wins(story: Story) -> None:
    case, _, _ = await story.ready()
    draft = await story.drafted(case)
    replies = await asyncio.gather(*(story.move(draft, "request", expected_version=1) for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [200] + [409] * 19
    assert await story.names(draft) == ["referral.requested"]


async def test_a_withdrawal_and_a_request_never_both_win(story: Story) -> None:
    async def once(case: str, consent: str, pseudonym: str, draft: str) -> tuple[int, str, list[str]]:
        reply, _ = await asyncio.gather(
            story.move(draft, "request", expected_version=1), story.withdraw(consent, pseudonym, story.trainer)
        )
        await story.svc.settled()
        state = (await story.view(draft))["state"]
        return reply.status_code, state, list((await story.person(case))["open_referrals"])

    seen = set()
    for _ in range(12):
        case, consent, pseudonym = await story.ready()
        draft = await story.drafted(case)
        status, state, still_open = await once(case, consent, pseudonym, draft)
        assert (status, state) in {(200, "cancelled"), (409, "draft")}
        assert still_open == []
        seen.add(status)
    assert seen


async def test_another_agency_can_not_speak_of_a_referral(story: Story) -> None:
    case, _, pseudonym = await story.ready()
    referral = await story.requested(case)
    await story.accept(referral, pseudonym, source=story.other)
    await story.answer("declined", referral, new_id("prt"), reason_code="CAPACITY_FULL")
    assert await story.names(referral) == ["referral.requested"]
    assert [reason.split()[0] for reason in await story.parked_reasons()] == ["not_its_referral"] * 2


async def test_an_answer_after_the_pks_ended_cancels_and_a_running_training_finishes(story: Story) -> None:
    case, _, pseudonym, running, enrolment = await story.running()
    await story.decide(case, "WELDING", "BARISTA")
    await story.svc.settled()
    waiting = await story.requested(case, field="BARISTA")
    await story.agree(state="ENDED")
    await story.svc.settled()
    await story.accept(waiting, pseudonym)
    await story.reserve(new_id("enr"), waiting, pseudonym)
    assert (await story.told(waiting))[-1][1]["reason_code"] == "PARTICIPANT_UNAVAILABLE"
    assert await story.names(waiting) == ["referral.requested", "referral.cancelled"]
    refused = await story.move(await story.drafted(case, field="FISH_PROCESSING"), "request")
    assert refused.status_code == 409
    done = {"passed": True, "percent": 90.0, "completed_on": "2027-03-01"}
    await story.enrolment("completed", enrolment, running, pseudonym, **done)
    assert (await story.names(running))[-1] == "referral.completed"


async def test_an_answer_after_eligibility_lapsed_cancels(story: Story) -> None:
    case, _, pseudonym = await story.ready(until="2027-01-20")
    referral = await story.requested(case)
    story.svc.set_clock(at(date(2027, 1, 21), 9))
    await story.accept(referral, pseudonym)
    name, data = (await story.told(referral))[-1]
    assert (name, data["reason_code"]) == ("referral.cancelled", "PARTICIPANT_UNAVAILABLE")


async def test_losing_one_field_ends_only_what_runs_in_it(story: Story) -> None:
    case, _, _ = await story.ready("WELDING", "BARISTA")
    welding, barista = await story.requested(case), await story.requested(case, field="BARISTA")
    await story.decide(case, "WELDING")
    assert await story.names(barista) == ["referral.requested", "referral.cancelled"]
    assert await story.names(welding) == ["referral.requested"]


async def test_a_hold_over_its_limit_is_told_once_and_a_pk_decides(story: Story) -> None:
    _, _, _, referral, _ = await story.running()
    assert (await story.move(referral, "pause", reason_code="PARTICIPANT_UNAVAILABLE")).status_code == 200
    assert (await story.move(referral, "fail", reason_code="HOLD_LIMIT")).json()["type"].endswith(":too_early")
    story.svc.set_clock(at(date(2027, 2, 18), 0, 0, 2))
    await asyncio.sleep(1.5)
    name, data = (await story.told(referral))[-1]
    assert (name, data["kind"], data["due_on"]) == ("deadline.missed", "HOLD", "2027-02-17")
    assert (await story.view(referral))["state"] == "on-hold"
    assert (await story.move(referral, "fail", reason_code="HOLD_LIMIT")).status_code == 200
    assert (await story.names(referral))[-1] == "referral.failed"


@pytest.mark.parametrize("anew", [True, False])
async def test_coming_of_age_leaves_thirty_days_for_a_new_consent(story: Story, anew: bool) -> None:
    case, consent, pseudonym, referral, _ = await story.running()
    expired = {"expired_at": "2027-01-18T03:00:00.000Z", "cause": "COMING_OF_AGE"}
    await story.consent("expired", consent, pseudonym, story.trainer, **expired)
    assert (await story.names(referral))[-1] == "referral.started"
    if anew:
        own, _ = await story.ask(case, story.trainer, pseudonym)
        await story.grant(own, pseudonym, story.trainer)
        await story.svc.settled()
    story.svc.set_clock(at(date(2027, 2, 17), 0, 0, 1))
    await asyncio.sleep(1.5)
    last = (await story.told(referral))[-1]
    assert last[0] == ("referral.started" if anew else "referral.cancelled")
    assert last[1].get("reason_code") == (None if anew else "CONSENT_WITHDRAWN")


async def test_a_consent_that_expires_ends_what_rests_on_it(story: Story) -> None:
    _, consent, pseudonym, referral, _ = await story.running()
    expired = {"expired_at": "2027-01-18T03:00:00.000Z", "cause": "DATE"}
    await story.consent("expired", consent, pseudonym, story.trainer, **expired)
    assert (await story.told(referral))[-1][1].get("reason_code") == "CONSENT_WITHDRAWN"


async def test_a_new_consent_text_carries_the_referral_on(story: Story) -> None:
    case, consent, pseudonym, referral, _ = await story.running()
    newer, _ = await story.ask(case, story.trainer, pseudonym)
    await story.grant(newer, pseudonym, story.trainer)
    await story.consent("superseded", consent, pseudonym, story.trainer, replaced_by=newer)
    assert (await story.names(referral))[-1] == "referral.started"
    await story.withdraw(newer, pseudonym, story.trainer)
    assert (await story.told(referral))[-1][1].get("reason_code") == "CONSENT_WITHDRAWN"


async def test_an_umbrella_that_ends_stops_new_requests(story: Story) -> None:
    case, _, _ = await story.ready()
    await story.agree(KB, "UMBRELLA", state="SUSPENDED")
    await story.svc.settled()
    refused = await story.move(await story.drafted(case), "request")
    assert refused.json()["type"] == "urn:basudara:problem:no_agreement"


async def test_the_outcome_reaches_the_referral_only_while_the_case_is_open(story: Story) -> None:
    case, _, pseudonym, referral, enrolment = await story.running()
    known = {"enrolment_id": enrolment, "referral_id": referral, "case_ref": pseudonym}
    answer = {"followup_id": new_id("fol"), "day": 30, "outcome_code": "JOB_SEEKING", "recorded_on": "2027-03-31"}
    kind = "training.followup.recorded"
    await story.hear(kind, answer["followup_id"], {**answer, **known}, source=story.trainer)
    await story.svc.settled()
    await story.case("closed", case, reason_code="ENDED", aftercare=True)
    await story.svc.settled()
    later = {**answer, "followup_id": new_id("fol"), "day": 90, "outcome_code": "EMPLOYED_FORMAL"}
    await story.hear(kind, later["followup_id"], {**later, **known}, source=story.trainer)
    nobody = dict.fromkeys(known)
    last = {**answer, "followup_id": new_id("fol"), "day": 180, "outcome_code": "SELF_EMPLOYED"}
    for _ in range(2):
        await story.hear(kind, last["followup_id"], {**last, **nobody}, source=story.trainer)
    await story.svc.settled()
    assert [one["day"] for one in (await story.view(referral))["outcomes"]] == [30]
    reply = await story.svc.http.get("/outcomes", headers=story.svc.as_("probation_officer"))
    assert [(one["day"], one["count"]) for one in reply.json()] == [(30, 1), (90, 1), (180, 1)]
