"""Stories of the domain handbook, section 8, as intake lives them, on a real broker and store."""

import asyncio
from datetime import UTC, datetime, timedelta

from intake_office import DENI, HEAD, NOON, PK, SALMA, Office


async def until_said(office: Office, short: str, count: int = 1) -> list[dict[str, object]]:
    """A duty of the clock runs soon, not at once."""
    for _ in range(60):
        events = await office.events(short)
        if len(events) >= count:
            return [dict(event.data) for event in events]
        await asyncio.sleep(0.1)
    raise AssertionError(f"{short} was not said")


async def test_yopi_is_registered_assessed_asked_and_ready(office: Office) -> None:
    case = await office.assessed()
    consents = [await office.granted(case, purpose) for purpose in ("TRAINING", "LIVELIHOOD_FOLLOWUP", "MESSAGING")]
    ready = await office.moved(case, "open", PK)
    assert (ready["state"], ready["version"]) == ("ready", 4)

    told = {event.type.removeprefix("id.basudara.intake."): event for event in await office.running.said()}
    assert set(told) == {
        "case.registered.v1",
        "case.assigned.v1",
        "eligibility.decided.v1",
        "consent.asked.v1",
        "consent.granted.v1",
        "case.opened.v1",
    }
    ref = consents[0]["agency_case_ref"]
    assert {consent["agency_case_ref"] for consent in consents} == {ref} != {case["case_ref"]}
    granted = told["consent.granted.v1"]
    assert (granted.data["case_ref"], granted.data["valid_until"]) == (ref, "2027-12-31")
    assert told["case.registered.v1"].data["age_group"] == "ADULT"
    assert told["case.opened.v1"].aggregateversion == 4


async def test_no_topic_joins_a_name_with_supervision_or_number(office: Office) -> None:
    case = await office.assessed(nik="8171025703929001", sdp_ref="SDP-77-CONTOH")
    consent = await office.granted(case)
    await office.answered(consent, "withdraw", given_by="PERSON")
    await office.running.settled()
    topics = [
        channel.topic(owner=office.agency, reader=office.partner)
        for channel in office.running.catalogue.channels.values()
        if channel.service == "intake" and channel.types
    ]
    records = await office.running.records(*topics)
    assert records
    for record in records:
        bytes_ = b" ".join([record.key, record.value, *(value for _, value in record.headers)])
        for secret in ("Salma", "8171025703929001", "PAROLE", "REG/0042", "SDP-77", "81000000021", "1992", "Rahasia"):
            assert secret.encode() not in bytes_


async def test_two_agencies_do_not_share_a_pseudonym_and_no_topic_of_theirs_has_the_own(office: Office) -> None:
    other = office.other
    await office.agreement(partner=other)
    case = await office.assessed()
    here, there = await office.asked(case), await office.asked(case, agency=other)
    assert len({case["case_ref"], here["agency_case_ref"], there["agency_case_ref"]}) == 3
    again = await office.asked(case, "MESSAGING")
    assert again["agency_case_ref"] == here["agency_case_ref"]


async def test_two_officers_asking_at_once_give_one_pseudonym(office: Office) -> None:
    case = await office.assessed()
    purposes = ["TRAINING", "LIVELIHOOD_FOLLOWUP", "MESSAGING"] * 4
    consents = await asyncio.gather(*(office.asked(case, purpose) for purpose in purposes))
    assert len({consent["agency_case_ref"] for consent in consents}) == 1


async def test_salmas_nik_is_found_later_and_stored_with_a_warning(office: Office) -> None:
    case = await office.registered()
    assert case["tasks"] == ["DUKCAPIL"]
    waiting = (await office.get("/cases?task=DUKCAPIL")).json()
    assert [row["case_ref"] for row in waiting] == [case["case_ref"]]
    reply = await office.post(
        f"/cases/{case['case_ref']}/corrections",
        {"expected_version": 1, "corrections": {"nik": "8171995703929001"}},
    )
    assert reply.status_code == 200, reply.text
    assert (reply.json()["warnings"], reply.json()["tasks"]) == ([{"field": "nik", "rule": "area unknown"}], [])
    assert (await office.get("/cases?task=DUKCAPIL")).json() == []
    whole = (await office.get(f"/cases/{case['case_ref']}")).json()
    assert (whole["nik"], whole["phone"], whole["version"]) == ("8171995703929001", "+6281000000021", 2)


async def test_denis_consent_needs_his_aunt_and_himself(office: Office) -> None:
    case = await office.assessed(DENI)
    consent = await office.asked(case)
    alone = await office.answer(consent, "grant", given_by=["GUARDIAN"], channel="WRITTEN", proof_ref="ARSIP-8")
    assert (alone.status_code, alone.json()["giver"]) == (422, "CHILD")
    both = await office.answered(
        consent, "grant", given_by=["GUARDIAN", "CHILD"], channel="RECORDED", proof_ref="ARSIP-8"
    )
    assert both["state"] == "active"


async def test_on_his_eighteenth_birthday_consent_ends_and_the_guardian_is_no_longer_told(office: Office) -> None:
    case = await office.assessed(DENI, birth_date="2009-05-20")
    consent = await office.granted(case, by=("GUARDIAN", "CHILD"))
    assert (await office.contact(case["case_ref"], "GUARDIAN")).status_code == 200

    office.running.set_clock(datetime(2027, 5, 19, 14, 59, 50, tzinfo=UTC))
    await asyncio.sleep(1)
    assert (await office.consent(consent))["state"] == "active"

    office.running.set_clock(datetime(2027, 5, 19, 15, 0, tzinfo=UTC))
    told = await until_said(office, "consent.expired")
    assert told == [
        {
            "consent_id": consent["consent_id"],
            "case_ref": consent["agency_case_ref"],
            "purpose": "TRAINING",
            "expired_at": "2027-05-19T15:00:00Z",
            "cause": "COMING_OF_AGE",
        }
    ]
    assert (await office.contact(case["case_ref"], "GUARDIAN")).status_code == 404
    anew = await office.granted(case, by=("PERSON",))
    assert anew["state"] == "active"


async def test_a_consent_ends_by_its_date_also_when_intake_slept_through_it(office: Office) -> None:
    case = await office.assessed()
    consent = await office.granted(case, valid_until="2027-03-31")
    office.at(days=40)
    told = await until_said(office, "consent.expired")
    assert (told[0]["cause"], str(told[0]["expired_at"])[:16]) == ("DATE", "2027-03-31T15:00")
    assert (await office.consent(consent))["state"] == "expired"


async def test_onas_withdrawal_counts_from_what_she_said_offline_and_the_missing_are_named(office: Office) -> None:
    case = await office.assessed()
    consent = await office.granted(case)
    office.running.set_clock(datetime(2027, 4, 9, 10, 5, tzinfo=UTC))  # Friday 19:05 WIT, the device syncs
    stopping = await office.answered(consent, "withdraw", given_by="PERSON", made_at="2027-04-09T16:20:00+09:00")
    assert stopping["state"] == "stopping"
    assert stopping["stop_by"][:19] == "2027-04-12T07:20:00"  # Monday 16:20 WIT
    withdrawn = (await office.events("consent.withdrawn"))[0].data
    assert (withdrawn["received_at"][:16], withdrawn["stop_by"][:16]) == ("2027-04-09T07:20", "2027-04-12T07:20")

    await office.stopped(stopping, "training")
    office.running.set_clock(datetime(2027, 4, 12, 7, 19, 57, tzinfo=UTC))
    await asyncio.sleep(1)
    assert await office.events("deadline.missed") == []
    missed = await until_said(office, "deadline.missed")
    assert (missed[0]["missing"], missed[0]["late_seconds"]) == (["notification"], 0)
    assert (await office.consent(consent))["state"] == "stopping"

    await office.stopped(stopping, "notification")
    assert (await office.consent(consent))["state"] == "withdrawn"
    assert len(await office.events("consent.closed")) == 1
    anew = await office.granted(case)
    assert anew["state"] == "active"


async def test_with_both_receipts_in_time_nobody_is_named(office: Office) -> None:
    case = await office.assessed()
    stopping = await office.answered(await office.granted(case), "withdraw", given_by="PERSON")
    await office.stopped(stopping, "notification")
    await office.stopped(stopping, "training")
    await office.stopped(stopping, "training")  # a second copy under another id
    assert [dict(event.data)["consent_id"] for event in await office.events("consent.closed")] == [
        stopping["consent_id"]
    ]
    office.at(hours=100)
    await asyncio.sleep(1.5)
    assert await office.events("deadline.missed") == []
    assert await office.running.parked() == []


async def test_a_receipt_from_an_agency_that_was_not_named_is_parked(office: Office) -> None:
    case = await office.assessed()
    await office.agreement(partner=office.other)
    elsewhere = await office.asked(case, agency=office.other)
    elsewhere = await office.answered(elsewhere, "grant", given_by=["PERSON"], channel="WRITTEN", proof_ref="ARSIP-9")
    stopping = await office.answered(elsewhere, "withdraw", given_by="PERSON")
    await office.stopped(stopping, "training", source=office.partner)
    assert len(await office.running.parked()) == 1
    assert (await office.consent(stopping))["missing"] == ["notification", "training"]


async def test_a_withdrawal_touches_neither_the_case_nor_what_is_known_of_the_person(office: Office) -> None:
    case = await office.assessed()
    before = (await office.get(f"/cases/{case['case_ref']}")).json()
    consent = await office.granted(case)
    await office.answered(consent, "withdraw", given_by="PERSON")
    refused = await office.answered(await office.asked(case), "refuse")
    assert refused["state"] == "refused"
    assert (await office.get(f"/cases/{case['case_ref']}")).json() == before
    told = (await office.events("consent.refused"))[0].data
    assert told == {"consent_id": refused["consent_id"], "case_ref": case["case_ref"]}


async def test_a_reason_for_a_refusal_is_never_taken_in(office: Office) -> None:
    consent = await office.asked(await office.assessed())
    for extra in ({"reason_code": "LAZY"}, {"reason": "malas"}, {"violation": True}):
        assert (await office.answer(consent, "refuse", **extra)).status_code == 422
    assert (await office.consent(consent))["state"] == "asked"


async def test_rudi_is_suspended_decided_against_and_closed(office: Office) -> None:
    case = await office.assessed()
    consent = await office.granted(case)
    ready = await office.moved(case, "open", PK)
    suspended = await office.moved(ready, "suspend", PK, reason_code="CUSTODY")
    assert suspended["in_custody"]
    against = await office.moved(
        suspended,
        "re-decide",
        outcome="NOT_ELIGIBLE",
        reason_code="REVOCATION",
        review_board_heard_on="2027-03-04",
        facts_changed=True,
    )
    assert against["state"] == "assessed"
    closed = await office.moved(against, "close", reason_code="REVOKED", aftercare=False)
    assert closed["state"] == "closed"
    expired = [dict(event.data) for event in await office.events("consent.expired")]
    assert [(row["consent_id"], row["cause"]) for row in expired] == [(consent["consent_id"], "CASE_CLOSED")]


async def test_closing_without_aftercare_ends_training_alone_and_lets_nothing_new_begin(office: Office) -> None:
    case = await office.assessed()
    training = await office.granted(case)
    followup = await office.granted(case, "LIVELIHOOD_FOLLOWUP")
    waiting = await office.asked(case, "MESSAGING")
    await office.moved(case, "close", reason_code="ENDED", aftercare=False)
    assert (await office.consent(training))["state"] == "expired"
    assert (await office.consent(followup))["state"] == "active"
    late = await office.answer(waiting, "grant", given_by=["PERSON"], channel="WRITTEN", proof_ref="ARSIP-9")
    assert (late.status_code, late.json()["type"]) == (409, "urn:basudara:problem:case_over")
    assert (await office.ask(case)).status_code == 409


async def test_closing_with_aftercare_keeps_every_consent(office: Office) -> None:
    case = await office.assessed()
    training = await office.granted(case)
    await office.moved(case, "close", reason_code="ENDED", aftercare=True)
    assert (await office.consent(training))["state"] == "active"
    assert (await office.asked(case, "MESSAGING"))["state"] == "asked"


async def test_a_grant_and_a_closing_at_once_leave_no_training_consent_behind(office: Office) -> None:
    for number in range(6):
        case = await office.assessed(register_no=f"REG/{number}/Y")
        consent = await office.asked(case)
        await asyncio.gather(
            office.answer(consent, "grant", given_by=["PERSON"], channel="WRITTEN", proof_ref="ARSIP-9"),
            office.move(case, "close", reason_code="ENDED", aftercare=False),
        )
        assert (await office.consent(consent))["state"] in ("asked", "expired")


async def test_a_newer_text_supersedes_only_once_it_is_granted(office: Office) -> None:
    case = await office.assessed()
    old = await office.granted(case)
    again = await office.asked(case)
    twin = await office.answer(again, "grant", given_by=["PERSON"], channel="WRITTEN", proof_ref="ARSIP-9")
    assert (twin.status_code, twin.json()["type"]) == (409, "urn:basudara:problem:consent_already_active")

    newer = await office.answered(old, "replace", text_version="2027-2", valid_until="2028-01-31")
    assert (newer["state"], newer["replaces"]) == ("asked", old["consent_id"])
    assert (await office.consent(old))["state"] == "active"
    await office.answered(newer, "grant", given_by=["PERSON"], channel="WRITTEN", proof_ref="ARSIP-9")
    assert (await office.consent(old))["state"] == "superseded"
    told = [dict(event.data) for event in await office.events("consent.superseded")]
    assert [row["replaced_by"] for row in told] == [newer["consent_id"]]


async def test_fifty_officers_moving_one_case_at_once_make_one_step(office: Office) -> None:
    case = await office.registered()
    replies = await asyncio.gather(
        *(office.move(case, "assign", officer_id="pk-1", conflict_free=True) for _ in range(50))
    )
    codes = sorted(reply.status_code for reply in replies)
    assert codes == [200] + [409] * 49
    assert len(await office.events("case.assigned")) == 1


async def test_a_withdrawal_told_from_the_future_is_refused(office: Office) -> None:
    consent = await office.granted(await office.assessed())
    ahead = (NOON + timedelta(minutes=10)).isoformat()
    assert (await office.answer(consent, "withdraw", given_by="PERSON", made_at=ahead)).status_code == 422


async def test_no_consent_without_an_agreement_in_force(office: Office) -> None:
    case = await office.assessed()
    assert (await office.ask(case, agency=office.other)).json()["type"] == "urn:basudara:problem:no_agreement"
    await office.agreement("SUSPENDED", version=2)
    assert (await office.ask(case)).json()["type"] == "urn:basudara:problem:no_agreement"
    await office.agreement("ACTIVE", version=1)  # an old event, replayed
    assert (await office.ask(case)).status_code == 409
    assert (await office.ask(case, agency=office.agency)).json()["type"] == "urn:basudara:problem:own_agency"


async def test_a_case_opens_only_with_a_consent(office: Office) -> None:
    case = await office.assessed()
    assert (await office.move(case, "open", PK)).json()["type"] == "urn:basudara:problem:no_consent"
    assert (await office.move(case, "open", HEAD)).status_code == 403
    assert SALMA["full_name"] not in (await office.move(case, "open", PK)).text
