"""From an event to a message on somebody's phone: who gets it, by which way, in which words, and who does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notification_examples import CONSENT, OWN, PAIR, REFERRAL, wit
from notification_office import (
    FACILITY_PHONE,
    GUARDIAN_PHONE,
    KLIEN_PHONE,
    OFFICERS,
    PK_PHONE,
    Office,
    office_open,
    referral,
)


async def test_a_klien_with_a_seat_is_told_by_whatsapp(office: Office) -> None:
    await office.knows_a_klien()
    await office.has_seat()
    message = await office.one("delivered", "SCHEDULE_NEWS")
    await office.has_recorded(("WHATSAPP", KLIEN_PHONE))
    (row,) = await office.rows()
    assert row["template"] == "schedule_news"
    assert row["reference"] == f"{message.id}:1"
    assert [name for name, _ in await office.told()] == ["message.sent", "message.delivered"]
    assert (await office.told("message.sent"))[0][1] == {
        "message_id": message.id,
        "case_ref": PAIR,
        "template": "SCHEDULE_NEWS",
        "recipient_role": "KLIEN",
        "channel": "WHATSAPP",
        "attempt": 1,
    }


async def test_all_that_happens_to_a_message_is_told_under_the_event_that_asked_for_it(office: Office) -> None:
    await office.knows_a_klien()
    data = {"referral_id": REFERRAL, "case_ref": PAIR, "accepted_at": "2027-01-13T02:00:00Z"}
    event = await office.svc.hear(referral("referral.accepted"), data, subject=REFERRAL, correlation="story-of-one")
    await office.one("delivered")
    assert {one.correlationid for one in await office.svc.said()} == {"story-of-one"}
    assert {one.traceparent.split("-")[1] for one in await office.svc.said()} == {event.traceparent.split("-")[1]}


async def test_without_opt_in_it_is_an_sms_without_content(office: Office) -> None:
    office.intake.standing["whatsapp_optin"] = False
    await office.knows_a_klien()
    await office.has_seat()
    await office.one("delivered", "SCHEDULE_NEWS")
    (row,) = await office.rows()
    assert (row["channel"], row["to"]) == ("SMS", KLIEN_PHONE)
    assert row["text"] == "Ada kabar tentang jadwal Anda. Silakan hubungi +62911000000 pada jam kerja."


async def test_neither_number_nor_text_is_kept_or_told(office: Office, capfd: Any) -> None:
    office.intake.standing["whatsapp_optin"] = False
    await office.knows_a_klien()
    await office.has_seat()
    await office.one("delivered", "SCHEDULE_NEWS")
    await office.svc.settled()
    kept = ""
    for name in ("messages", "persons", "pairs", "mailboxes", "newest", "turns", "duties", "inbox", "outbox"):
        kept += str(await office.svc.service.database.find(name, {}))
    assert PAIR in kept
    logged = "".join(capfd.readouterr())
    for secret in (KLIEN_PHONE, KLIEN_PHONE[1:], "Ada kabar"):
        assert secret not in kept
        assert secret not in logged


async def test_of_a_minor_the_guardian_is_told_and_nobody_else(office: Office) -> None:
    office.intake.phones["GUARDIAN"] = GUARDIAN_PHONE
    await office.knows_a_klien("CHILD_16_17", "2028-05-20")
    await office.has_seat()
    await office.one("delivered", "SCHEDULE_NEWS", recipient_role="GUARDIAN")
    await office.has_recorded(("SMS", GUARDIAN_PHONE))
    assert len(await office.messages()) == 1


async def test_in_custody_the_facility_is_told_and_never_the_klien(office: Office) -> None:
    office.intake.standing["in_custody"] = True
    office.intake.phones["FACILITY_OFFICER"] = FACILITY_PHONE
    await office.knows_a_klien()
    await office.has_seat()
    await office.one("delivered", recipient_role="FACILITY_OFFICER")
    suppressed = await office.one("suppressed", recipient_role="KLIEN")
    assert suppressed.reason_code == "IN_CUSTODY"
    await office.has_recorded(("SMS", FACILITY_PHONE))


async def test_in_custody_without_any_number_the_facility_is_told_too(office: Office) -> None:
    office.intake.standing["in_custody"] = True
    office.intake.phones = {"FACILITY_OFFICER": FACILITY_PHONE}
    await office.knows_a_klien()
    await office.has_seat()
    await office.one("delivered", recipient_role="FACILITY_OFFICER")
    assert (await office.one("suppressed", recipient_role="KLIEN")).reason_code == "NO_CONTACT"


async def test_whoever_is_free_and_has_no_number_is_not_told_by_a_facility(office: Office) -> None:
    office.intake.phones = {"FACILITY_OFFICER": FACILITY_PHONE}
    await office.knows_a_klien()
    await office.has_seat()
    for role in ("KLIEN", "FACILITY_OFFICER"):
        assert (await office.one("suppressed", recipient_role=role)).reason_code == "NO_CONTACT"
    assert await office.recorded() == []


async def test_story_c_a_child_in_custody_at_night(office: Office) -> None:
    """Created at 22:10: the aunt's notice goes as SMS at 06:00; the facility's officer gets the schedule."""
    office.intake.standing["in_custody"] = True
    office.intake.phones |= {"GUARDIAN": GUARDIAN_PHONE, "FACILITY_OFFICER": FACILITY_PHONE}
    await office.knows_a_klien("CHILD_16_17", "2028-05-20")
    office.svc.set_clock(wit("2027-01-13", "22:10"))
    await office.has_seat()
    held = await office.one("held", recipient_role="GUARDIAN")
    assert held.due_at == wit("2027-01-14", "06:00")
    await office.at_rest()
    assert office.intake.asked == [], "nobody is looked up before it is time"
    office.svc.set_clock(wit("2027-01-14", "06:00"))
    await office.one("delivered", recipient_role="GUARDIAN")
    await office.one("delivered", recipient_role="FACILITY_OFFICER")
    assert sorted(await office.recorded()) == [("SMS", GUARDIAN_PHONE), ("SMS", FACILITY_PHONE)]
    assert "KLIEN" not in {one.recipient_role for one in await office.messages()}


async def test_without_consent_the_klien_is_not_told_but_the_officer_is(office: Office) -> None:
    office.intake.standing["messaging_consent"] = False
    await office.knows_a_klien()
    await office.trained("enrolment.dropped", reason_code="NO_SHOW")
    await office.trained("seat.waitlisted", place_in_line=3, reason_code=None)
    assert (await office.one("suppressed", "WAITLIST_NEWS")).reason_code == "NO_CONSENT"
    await office.one("delivered", "OFFICER_DROPPED")
    await office.has_recorded(("SMS", PK_PHONE))


async def test_story_d_the_officer_is_told_at_once_of_a_rejection(office: Office) -> None:
    await office.knows_a_klien()
    await office.referred("referral.rejected", reason_code="CAPACITY_FULL")
    message = await office.one("delivered", "OFFICER_REJECTED")
    (row,) = await office.rows()
    assert row["to"] == PK_PHONE
    assert row["text"] == f"Rujukan {REFERRAL} tidak dapat diterima. Perlu langkah Anda, lihat aplikasi."
    assert message.recipient_role == "PROBATION_OFFICER"


async def test_a_consent_that_runs_out_and_a_stop_that_is_late_are_told_to_the_officer(office: Office) -> None:
    await office.knows_a_klien()
    await office.consent("expired", "MESSAGING", expired_at="2027-01-13T02:00:00Z", cause="COMING_OF_AGE")
    late = {"consent_id": CONSENT, "case_ref": PAIR, "purpose": "TRAINING", "stop_by": "2027-01-13T02:00:00Z"}
    await office.svc.hear(
        "id.basudara.intake.deadline.missed.v1",
        {**late, "missing": ["training"], "late_seconds": 1},
        subject=CONSENT,
        version=90,
    )
    await office.one("delivered", "OFFICER_CONSENT_ENDED")
    await office.one("delivered", "OFFICER_STOP_LATE")


REQUEST = {
    "field": "WELDING",
    "age_group": "ADULT",
    "accommodations": ["NONE"],
    "availability": ["MORNING"],
    "agreement_number": "PKS-001/CONTOH",
    "eligible_until": "2027-04-15",
    "due_on": "2027-01-20",
    "requested_at": "2027-01-13T03:00:00Z",
}


async def test_a_training_agency_tells_each_of_its_programme_officers(office: Office) -> None:
    partner = office.svc.partner
    await office.referred("referral.requested", source=partner, **REQUEST)
    for staff_id in OFFICERS:
        await office.one("delivered", "REFERRAL_NEW", staff_id=staff_id)
    await office.referred("deadline.neared", source=partner, kind="ANSWER", due_on="2027-01-20")
    await office.referred("deadline.missed", source=partner, kind="ANSWER", due_on="2027-01-20", late_seconds=1)
    await office.referred("referral.cancelled", source=partner, reason_code="PARTICIPANT_UNAVAILABLE")
    for template in ("REFERRAL_DUE_SOON", "REFERRAL_OVERDUE", "REFERRAL_STOPPED"):
        for staff_id in OFFICERS:
            await office.one("delivered", template, staff_id=staff_id)
    assert {to for _, to in await office.recorded()} == set(OFFICERS.values())
    assert office.intake.asked == [], "its own officers' numbers are its own"


async def test_an_own_request_is_no_news_to_the_senders_people(office: Office) -> None:
    await office.knows_a_klien()
    await office.referred("referral.requested", **REQUEST)
    assert await office.messages() == []


async def test_an_officer_who_left_gets_nothing(office: Office) -> None:
    office.svc.set_clock(wit("2027-01-13", "22:00"))
    await office.referred("referral.requested", source=office.svc.partner, **REQUEST)
    file = office.svc.service.settings.staff_file
    file.write_text(
        json.dumps({"officer-contoh-2": {"phone": OFFICERS["officer-contoh-2"], "role": "programme_officer"}})
    )
    office.svc.set_clock(wit("2027-01-14", "06:00"))
    assert (await office.one("suppressed", staff_id="officer-contoh-1")).reason_code == "NO_CONTACT"
    await office.one("delivered", staff_id="officer-contoh-2")


async def test_news_that_comes_before_the_person_is_known_waits_for_it(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    async with office_open(running_service, tmp_path, retry_seconds=(0.2,) * 200) as office:
        await office.trained("seat.waitlisted", settle=False, place_in_line=1, reason_code=None)

        async def put_off() -> bool:
            return bool(await office.svc.records(office.svc.service.consumer.retry_topic))

        await office.until(put_off, office.messages)
        await office.knows_a_klien()
        await office.one("delivered", "WAITLIST_NEWS", recipient_role="KLIEN", person=OWN)
        assert await office.svc.parked() == []
