"""One message on its way: channels, receipts, and everything that can fail between us and a phone."""

import asyncio
from datetime import timedelta

import httpx
from notification_examples import NOON, POLICY, wit
from notification_office import KLIEN_PHONE, LOOK_SECONDS, PK_PHONE, Office

from chassis import ids
from chassis.work import Cause, Work
from notification.application import sending
from notification.domain.message import Message
from notification.domain.policy import Reach

SMS, WHATSAPP = ("SMS", KLIEN_PHONE), ("WHATSAPP", KLIEN_PHONE)


async def a_seat_is_told(office: Office) -> None:
    await office.knows_a_klien()
    await office.has_seat()


def later(office: Office, **by: float) -> None:
    office.svc.set_clock(office.svc.now() + timedelta(**by))


async def test_what_whatsapp_cannot_deliver_goes_by_sms(office: Office) -> None:
    await office.gateway_does("fail", "WHATSAPP")
    await a_seat_is_told(office)
    message = await office.one("delivered", "SCHEDULE_NEWS")
    await office.has_recorded(WHATSAPP, SMS)
    assert [one.status for one in message.attempts] == ["failed", "delivered"]
    sent, rerouted, delivered = await office.told()
    assert (sent[0], rerouted[0], delivered[0]) == ("message.sent", "message.rerouted", "message.delivered")
    assert {name: rerouted[1][name] for name in ("from_channel", "to_channel", "reason_code")} == {
        "from_channel": "WHATSAPP",
        "to_channel": "SMS",
        "reason_code": "FAILED",
    }
    assert delivered[1]["channel"] == "SMS"


async def test_what_fails_by_sms_too_is_a_task_that_an_officer_resolves(office: Office) -> None:
    await office.gateway_does("fail")
    await a_seat_is_told(office)
    message = await office.one("escalated", "SCHEDULE_NEWS")
    (escalated,) = await office.told("message.escalated")
    assert (escalated[1]["reason_code"], escalated[1]["due_on"]) == ("FAILED", "2027-01-14")
    door, svc = f"/messages/{message.id}", office.svc
    view = (await svc.http.get(door, headers=svc.as_("probation_officer"))).json()
    assert (view["state"], view["due_at"]) == ("escalated", "2027-01-14T14:59:59Z")
    body = {"expected_version": view["version"], "reached": True}
    resolve = f"{door}/moves/resolve"
    refused = await svc.http.post(resolve, json=body, headers=svc.as_("head_of_bapas"))
    assert refused.status_code == 403
    stale = {**body, "expected_version": view["version"] - 1}
    assert (await svc.http.post(resolve, json=stale, headers=svc.as_("probation_officer"))).status_code == 409
    done = await svc.http.post(resolve, json=body, headers=svc.as_("probation_officer"))
    assert (done.status_code, done.json()["state"]) == (200, "resolved")
    again = {**body, "expected_version": done.json()["version"]}
    assert (await svc.http.post(resolve, json=again, headers=svc.as_("probation_officer"))).status_code == 409
    assert (await office.told("message.resolved"))[0][1]["reached"] is True


async def test_silence_leads_to_sms_after_half_an_hour_and_to_a_human_after_two_more(office: Office) -> None:
    await office.gateway_does("silent")
    await a_seat_is_told(office)
    await office.accepted("SCHEDULE_NEWS")
    later(office, minutes=29)
    await office.at_rest()
    assert await office.recorded() == [WHATSAPP]
    later(office, minutes=2)
    await office.has_recorded(WHATSAPP, SMS)
    await office.accepted("SCHEDULE_NEWS")
    assert (await office.told("message.rerouted"))[0][1]["reason_code"] == "UNDELIVERED"
    later(office, hours=2, minutes=1)
    await office.one("escalated", "SCHEDULE_NEWS")
    assert (await office.told("message.escalated"))[0][1]["reason_code"] == "UNKNOWN"


async def test_a_receipt_that_comes_before_the_providers_answer_counts(office: Office) -> None:
    await office.gateway_does("receipt-first")
    await a_seat_is_told(office)
    await office.one("delivered", "SCHEDULE_NEWS")
    await office.has_recorded(WHATSAPP)
    later(office, hours=3)
    await office.at_rest()
    assert [name for name, _ in await office.told()] == ["message.sent", "message.delivered"]


async def test_a_later_bounce_opens_the_next_channel_and_is_remembered(office: Office) -> None:
    await office.gateway_does("bounce", "WHATSAPP")
    await a_seat_is_told(office)
    await office.has_recorded(WHATSAPP, SMS)
    message = await office.one("delivered", "SCHEDULE_NEWS")
    assert [one.status for one in message.attempts] == ["bounced", "delivered"]
    names = [name for name, _ in await office.told()]
    assert names == ["message.sent", "message.delivered", "message.rerouted", "message.delivered"]
    assert (await office.told("message.rerouted"))[0][1]["reason_code"] == "BOUNCED"
    await office.trained("seat.waitlisted", place_in_line=1, reason_code=None)
    await office.one("delivered", "WAITLIST_NEWS")
    await office.has_recorded(WHATSAPP, SMS, SMS)


async def test_an_sms_that_bounces_becomes_a_task(office: Office) -> None:
    office.intake.standing["whatsapp_optin"] = False
    await office.gateway_does("bounce")
    await a_seat_is_told(office)
    await office.one("escalated", "SCHEDULE_NEWS")
    assert [name for name, _ in await office.told()] == ["message.sent", "message.delivered", "message.escalated"]


async def test_while_providers_are_down_messages_wait_and_then_go_once(office: Office) -> None:
    await office.gateway_does("refuse")
    await office.knows_a_klien()
    await office.referred("referral.rejected", reason_code="CAPACITY_FULL")
    await office.has_seat()
    await office.trained("enrolment.completed", passed=True, percent=92.5, completed_on="2027-03-01")
    await office.at_rest()
    assert {one.state for one in await office.messages()} <= {"created", "sending"}
    assert await office.recorded() == []
    await office.gateway_does("deliver")
    for template in ("OFFICER_REJECTED", "SCHEDULE_NEWS", "ACTIVITY_COMPLETED"):
        await office.goes_when_it_has_rested(template)
    assert sorted(await office.recorded()) == [("SMS", PK_PHONE), WHATSAPP, WHATSAPP]
    assert await office.told("message.escalated") == []
    assert await office.svc.parked() == []


async def test_whatsapp_alone_down_is_no_reason_to_wait(office: Office) -> None:
    await office.gateway_does("refuse", "WHATSAPP")
    await office.knows_a_klien()
    await office.has_seat()
    for _ in range(2):
        await office.at_rest()
        later(office, seconds=65)
    await office.at_rest()
    later(office, minutes=30)
    await office.one("delivered", "SCHEDULE_NEWS")
    await office.has_recorded(SMS)


async def test_while_intake_is_down_messages_wait(office: Office) -> None:
    office.intake.down = True
    await a_seat_is_told(office)
    await office.at_rest()
    assert (await office.one("created", "SCHEDULE_NEWS")).reason_code is None
    office.intake.down = False
    await office.goes_when_it_has_rested("SCHEDULE_NEWS")


async def claimed_and_then_the_power_was_cut(office: Office) -> Message:
    """What a sender commits before its call, by a sender that never makes it.

    Made ready and claimed in one commit: in between, the running sender would find it and put it off again.
    """
    (waiting,) = await office.messages(template="SCHEDULE_NEWS")
    fresh = ids.event_id()
    cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=office.svc.now())
    reach = Reach(whatsapp_optin=True, in_custody=False, case_closed=False, messaging_consent=True)
    reaches = {waiting.id: reach}
    command = sending.Claim(reaches=reaches, down=frozenset(), again_at=office.svc.now(), policy=POLICY)

    async def claim_what_rests(command: sending.Claim, work: Work) -> list[Message]:
        message = await work.get(Message, waiting.id)
        work.save(message.ready(message.expires_at).message)
        return await sending.claim(command, work)

    (claimed,) = await office.svc.service.store.transact(claim_what_rests, command, cause)
    return claimed


async def a_message_that_nobody_takes(office: Office) -> None:
    """Intake is down, so the running sender leaves it resting."""
    office.intake.down = True
    await a_seat_is_told(office)
    await office.at_rest()


async def test_a_sender_that_dies_before_its_call_loses_nothing(office: Office) -> None:
    await a_message_that_nobody_takes(office)
    claimed = await claimed_and_then_the_power_was_cut(office)
    office.intake.down = False
    await asyncio.sleep(2 * LOOK_SECONDS)  # while it is claimed nobody else takes it, however often he looks
    assert await office.recorded() == []
    later(office, seconds=20)
    await office.has_recorded(WHATSAPP)
    message = await office.one("delivered", "SCHEDULE_NEWS")
    assert message.reference == claimed.reference
    assert [name for name, _ in await office.told()] == ["message.sent", "message.delivered"]


async def test_a_sender_that_dies_after_its_call_sends_nothing_twice(office: Office) -> None:
    await office.gateway_does("silent")
    await a_message_that_nobody_takes(office)
    claimed = await claimed_and_then_the_power_was_cut(office)
    body = {
        "messaging_product": "whatsapp",
        "to": KLIEN_PHONE,
        "type": "template",
        "template": {"name": "schedule_news", "language": {"code": "id"}},
        "biz_opaque_callback_data": claimed.reference,
    }
    url = office.svc.service.settings.gateway_url
    headers = {"Authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        assert (await client.post(f"{url}/v21.0/0/messages", json=body)).status_code == 200
    office.intake.down = False
    later(office, seconds=20)

    async def answered() -> bool:
        (message,) = await office.messages(template="SCHEDULE_NEWS")
        return message.attempts[0].status == "accepted"

    await office.until(answered, office.messages)
    assert await office.recorded() == [WHATSAPP], "the gateway knew the reference again"


async def test_a_reminder_goes_the_day_before_and_moves_with_the_seat(office: Office) -> None:
    await office.knows_a_klien()
    await office.has_seat("2027-02-01")
    await office.one("delivered", "SCHEDULE_NEWS")
    later(office, hours=25)
    await office.has_seat("2027-02-03")
    reminders = [one for one in await office.svc.service.store.read(Message) if one.template == "SESSION_REMINDER"]
    assert sorted((one.state, str(one.due_at)) for one in reminders if one.state == "created") == [
        ("created", str(wit("2027-02-02", "16:00")))
    ]
    assert sorted(one.state for one in reminders) == ["created", "expired"]
    office.svc.set_clock(wit("2027-02-02", "16:00"))

    async def reminded() -> bool:
        found = await office.svc.service.store.read(Message)
        return "delivered" in {one.state for one in found if one.template == "SESSION_REMINDER"}

    await office.until(reminded, office.recorded)


async def test_news_that_is_past_when_the_service_comes_back_is_not_told(office: Office) -> None:
    office.intake.down = True
    await a_seat_is_told(office)
    await office.at_rest()
    office.svc.set_clock(NOON + timedelta(days=4))
    await office.one("expired", "SCHEDULE_NEWS")
    office.intake.down = False
    await office.at_rest()
    assert await office.recorded() == []
    assert [name for name, _ in await office.told()] == ["message.expired"]
