"""What keeps messages from being sent: consent, closing, suspension, repetition, the day's limit."""

from datetime import timedelta

from notification_examples import CONSENT, NOON, OWN, PAIR, wit
from notification_office import KLIEN_PHONE, PK_PHONE, Office, intake, training

NIGHT, MORNING = wit("2027-01-13", "22:00"), wit("2027-01-14", "06:00")
WITHDRAWN = {"received_at": "2027-01-13T13:00:00Z", "stop_by": "2027-01-16T13:00:00Z"}
GRANTED = {"given_by": ["PERSON"], "granted_at": "2027-01-13T02:00:00Z", "valid_until": "2027-12-31"}


async def waiting_at_night(office: Office) -> None:
    """The klien's and the officer's news wait for the morning."""
    await office.knows_a_klien()
    office.svc.set_clock(NIGHT)
    await office.consent("granted", "MESSAGING", **GRANTED)
    await office.has_seat()
    await office.referred("referral.rejected", reason_code="CAPACITY_FULL")
    assert [one.state for one in await office.messages()] == ["held", "held"]


async def test_story_e_withdrawal_stops_what_waits_and_is_answered_once(office: Office) -> None:
    await waiting_at_night(office)
    await office.consent("withdrawn", "MESSAGING", **WITHDRAWN)
    assert (await office.one("suppressed", "SCHEDULE_NEWS")).reason_code == "NO_CONSENT"
    await office.consent("withdrawn", "MESSAGING", **WITHDRAWN)
    (stopped,) = await office.told("consent.stopped")
    assert {name: stopped[1][name] for name in ("consent_id", "case_ref", "purpose")} == {
        "consent_id": CONSENT,
        "case_ref": PAIR,
        "purpose": "MESSAGING",
    }
    office.svc.set_clock(MORNING)
    await office.one("delivered", "OFFICER_REJECTED")
    assert await office.recorded() == [("SMS", PK_PHONE)]
    await office.trained("seat.waitlisted", place_in_line=2, reason_code=None)
    assert (await office.one("suppressed", "WAITLIST_NEWS")).reason_code == "NO_CONSENT"


async def test_withdrawal_of_each_purpose_is_answered_and_only_some_stop_messages(office: Office) -> None:
    await waiting_at_night(office)
    follow_up, train = "csn_" + "g" * 26, "csn_" + "h" * 26
    await office.consent("withdrawn", "LIVELIHOOD_FOLLOWUP", follow_up, **WITHDRAWN)
    assert (await office.one("held", "SCHEDULE_NEWS")).reason_code is None
    await office.consent("withdrawn", "TRAINING", train, **WITHDRAWN)
    await office.one("suppressed", "SCHEDULE_NEWS")
    assert [row["consent_id"] for _, row in await office.told("consent.stopped")] == [follow_up, train]


async def test_whoever_consents_anew_is_told_again_and_old_events_bring_nothing_back(office: Office) -> None:
    await waiting_at_night(office)
    await office.consent("withdrawn", "MESSAGING", **WITHDRAWN)
    old = {"consent_id": CONSENT, "case_ref": PAIR, "purpose": "MESSAGING", **GRANTED}
    await office.svc.hear(intake("consent.granted"), old, subject=CONSENT, version=2)  # a replay
    await office.trained("enrolment.resumed", make_up_hours=0)
    assert {one.reason_code for one in await office.messages(template="SCHEDULE_NEWS")} == {"NO_CONSENT"}
    await office.consent("granted", "MESSAGING", "csn_" + "g" * 26, **GRANTED)
    office.svc.set_clock(MORNING)
    await office.trained("enrolment.completed", passed=True, percent=90.0, completed_on="2027-01-13")
    await office.one("delivered", "ACTIVITY_COMPLETED")


async def test_an_expired_consent_stops_what_waits_and_asks_for_no_receipt(office: Office) -> None:
    await waiting_at_night(office)
    await office.consent("expired", "MESSAGING", expired_at="2027-01-13T13:00:00Z", cause="DATE")
    await office.one("suppressed", "SCHEDULE_NEWS")
    assert await office.told("consent.stopped") == []
    await office.one("held", "OFFICER_CONSENT_ENDED")


async def test_story_f_suspension_ends_reminders_and_nobody_is_messaged_about_it(office: Office) -> None:
    await waiting_at_night(office)
    await office.case("suspended", reason_code="CUSTODY")
    await office.referred("referral.paused", reason_code="PARTICIPANT_UNAVAILABLE")
    await office.trained("enrolment.suspended", reason_code="PARTICIPANT_UNAVAILABLE")
    assert {one.state for one in await office.messages(recipient_role="KLIEN")} == {"expired"}
    assert await office.told("message.suppressed") == [], "no event says why"
    await office.trained("seat.waitlisted", place_in_line=2, reason_code=None)
    office.svc.set_clock(MORNING)
    await office.one("delivered", "OFFICER_REJECTED")
    assert await office.recorded() == [("SMS", PK_PHONE)]
    await office.case("resumed")
    await office.trained("enrolment.resumed", make_up_hours=8)
    await office.has_recorded(("SMS", PK_PHONE), ("WHATSAPP", KLIEN_PHONE))


async def test_closing_a_case_stops_all_under_whichever_pseudonym(office: Office) -> None:
    await waiting_at_night(office)
    await office.case("closed", reason_code="ENDED", aftercare=False)
    found = await office.messages()
    assert {(one.state, one.reason_code, one.case_ref, one.person) for one in found} == {
        ("suppressed", "CASE_CLOSED", PAIR, OWN)
    }
    await office.trained("seat.waitlisted", place_in_line=2, reason_code=None)
    assert (await office.one("suppressed", "WAITLIST_NEWS")).reason_code == "CASE_CLOSED"


async def test_what_intake_says_at_that_moment_decides(office: Office) -> None:
    await waiting_at_night(office)
    office.intake.standing["case_closed"] = True
    office.svc.set_clock(MORNING)
    assert (await office.one("suppressed", "SCHEDULE_NEWS")).reason_code == "CASE_CLOSED"
    assert await office.recorded() == []


async def test_a_guardians_message_does_not_outlive_the_eighteenth_birthday(office: Office) -> None:
    office.intake.phones["GUARDIAN"] = "+6281000000022"
    await office.knows_a_klien("CHILD_16_17", "2027-01-14")
    office.svc.set_clock(NIGHT)
    await office.has_seat()
    await office.one("held", "SCHEDULE_NEWS", recipient_role="GUARDIAN")
    office.svc.set_clock(MORNING)
    assert (await office.one("suppressed", "SCHEDULE_NEWS")).reason_code == "NO_CONSENT"


async def test_a_fact_told_twice_is_one_message(office: Office) -> None:
    """The same version of a subject under another event id is the same fact."""
    await office.knows_a_klien()
    data = {"enrolment_id": "enr_" + "f" * 26, "referral_id": "ref_" + "c" * 26, "case_ref": PAIR}
    data |= {"place_in_line": 1, "reason_code": None}
    for _ in range(3):
        await office.svc.hear(
            training("seat.waitlisted"), data, subject="enrolment-1", source=office.svc.partner, version=7
        )
    await office.svc.hear(
        training("seat.waitlisted"), data, subject="enrolment-1", source=office.svc.partner, version=6
    )
    await office.svc.settled()
    await office.one("delivered", "WAITLIST_NEWS")
    assert len(await office.messages()) == 1


async def test_one_template_for_one_case_in_a_day(office: Office) -> None:
    await office.knows_a_klien()
    await office.trained(
        "certificate.issued", certificate_id="crt_" + "j" * 26, kind="TRAINING_PASS", issued_on="2027-01-13"
    )
    await office.one("delivered", "DOCUMENT_READY")
    second = {"certificate_id": "crt_" + "k" * 26, "kind": "COMPLETION_STATEMENT", "issued_on": "2027-01-13"}
    await office.trained("certificate.issued", **second)
    states = sorted((one.state, one.reason_code) for one in await office.messages())
    assert states == [("delivered", None), ("suppressed", "DUPLICATE")]
    office.svc.set_clock(NOON + timedelta(hours=25))
    await office.trained("certificate.issued", **{**second, "certificate_id": "crt_" + "m" * 26})

    async def told_again() -> bool:
        return len([one for one in await office.messages() if one.state == "delivered"]) == 2

    await office.until(told_again, office.messages)


async def test_a_third_message_waits_for_the_next_day_of_ambon(office: Office) -> None:
    await office.knows_a_klien()
    await office.trained("seat.waitlisted", place_in_line=1, reason_code=None)
    await office.one("delivered", "WAITLIST_NEWS")
    await office.has_seat()
    await office.one("delivered", "SCHEDULE_NEWS")
    await office.trained("enrolment.completed", passed=True, percent=90.0, completed_on="2027-01-13")
    third = await office.one("held", "ACTIVITY_COMPLETED")
    assert third.due_at == MORNING
    await office.trained("enrolment.started", cohort_code="WELD-2027-01", started_on="2027-01-13")
    office.svc.set_clock(wit("2027-01-13", "23:59"))
    await office.at_rest()
    assert len(await office.recorded()) == 2
    office.svc.set_clock(MORNING)
    await office.one("delivered", "ACTIVITY_COMPLETED")


async def test_what_would_be_past_by_the_next_day_is_not_told(office: Office) -> None:
    await office.knows_a_klien()
    await office.trained("seat.waitlisted", place_in_line=1, reason_code=None)
    await office.one("delivered", "WAITLIST_NEWS")
    await office.trained("enrolment.completed", passed=True, percent=90.0, completed_on="2027-01-13")
    await office.one("delivered", "ACTIVITY_COMPLETED")
    office.svc.set_clock(NOON - timedelta(hours=8))  # told of at 04:00, so past at 04:00
    await office.trained("enrolment.started", cohort_code="WELD-2027-01", started_on="2027-01-13")
    office.svc.set_clock(NOON)
    assert (await office.one("suppressed", "SESSION_START")).reason_code == "DAILY_LIMIT"


async def test_officers_have_no_daily_limit(office: Office) -> None:
    await office.knows_a_klien()
    await office.referred("referral.accepted", accepted_at="2027-01-13T02:00:00Z")
    await office.referred("deadline.missed", kind="HOLD", due_on="2027-01-12", late_seconds=1)
    await office.referred("referral.completed", passed=True)
    for template in ("OFFICER_ACCEPTED", "OFFICER_DEADLINE_MISSED", "OFFICER_COMPLETED"):
        await office.one("delivered", template)
