"""What time does to a message."""

from datetime import timedelta

import pytest
from notification_examples import NOON, POLICY, asked, sending, wit

from notification.domain.message import Step
from notification.domain.waking import after_bounce, after_failure, wake

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def done(step: Step | None) -> tuple[str, str | None, object]:
    assert step is not None
    return step.message.state, step.told.name if step.told else None, step.message.reason_code


def test_nothing_happens_before_it_is_due() -> None:
    assert wake(asked(), NOON, POLICY) is None
    assert wake(sending(), NOON + 29 * MINUTE, POLICY) is None


def test_a_held_message_goes_when_quiet_hours_end() -> None:
    held = asked(at=wit("2027-01-13", "22:10"), due_at=NOON).hold(wit("2027-01-14", "06:00")).message
    step = wake(held, wit("2027-01-14", "06:00"), POLICY)
    assert step is not None
    assert (step.message.state, step.message.stage) == ("held", "ready")


def test_a_reminder_that_is_due_in_quiet_hours_is_held() -> None:
    reminder = asked(due_at=wit("2027-01-13", "21:30"))
    step = wake(reminder, wit("2027-01-13", "21:30"), POLICY)
    assert done(step) == ("held", None, None)
    assert step is not None
    assert step.message.due_at == wit("2027-01-14", "06:00")


@pytest.mark.parametrize("hold", [True, False])
def test_news_that_is_past_expires(hold: bool) -> None:
    message = asked().hold(NOON + 80 * HOUR).message if hold else asked()
    assert done(wake(message, NOON + 80 * HOUR, POLICY)) == ("expired", "message.expired", None)


def test_whatsapp_undelivered_for_half_an_hour_goes_on_as_sms() -> None:
    step = wake(sending(), NOON + 30 * MINUTE, POLICY)
    assert done(step) == ("sending", "message.rerouted", "UNDELIVERED")
    assert step is not None
    assert [one.channel for one in step.message.attempts] == ["WHATSAPP", "SMS"]


def test_an_sms_unknown_for_two_hours_becomes_a_human_task_of_the_next_working_day() -> None:
    assert wake(sending("SMS"), NOON + 119 * MINUTE, POLICY) is None
    step = wake(sending("SMS"), NOON + 120 * MINUTE, POLICY)
    assert done(step) == ("escalated", "message.escalated", "UNKNOWN")
    assert step is not None
    assert step.message.due_at == wit("2027-01-14", "23:59:59")


def test_the_second_channel_rests_in_quiet_hours_and_has_its_own_two_hours() -> None:
    evening = wit("2027-01-13", "20:45")
    step = wake(sending(at=evening), wit("2027-01-13", "21:15"), POLICY)
    assert step is not None
    rerouted = step.message
    assert rerouted.due_at == wit("2027-01-14", "06:00")
    assert wake(rerouted, wit("2027-01-14", "05:59"), POLICY) is None
    ready = wake(rerouted, wit("2027-01-14", "06:00"), POLICY)
    assert ready is not None
    assert (ready.message.stage, ready.message.due_at) == ("ready", wit("2027-01-14", "08:00"))


def test_what_is_past_takes_no_next_channel_and_becomes_no_task() -> None:
    late = NOON + 80 * HOUR
    assert done(wake(sending(), late, POLICY))[0] == "expired"
    assert done(wake(sending("SMS"), late, POLICY))[0] == "expired"
    assert done(after_failure(sending(), "FAILED", late, POLICY))[0] == "expired"
    assert after_bounce(sending(), late, POLICY) is None


def test_a_call_whose_caller_is_gone_is_made_again() -> None:
    calling = asked().send("WHATSAPP", NOON, NOON + POLICY.answer_within).message
    step = wake(calling, NOON + POLICY.answer_within, POLICY)
    assert step is not None
    assert (step.message.stage, step.message.reference) == ("ready", calling.reference)


def test_a_call_that_a_receipt_showed_to_have_gone_through_is_not_made_again() -> None:
    calling = asked().send("WHATSAPP", NOON, NOON + POLICY.answer_within).message
    told = calling.told_accepted(1)
    assert told is not None
    step = wake(told.message, NOON + POLICY.answer_within, POLICY)
    assert step is not None
    assert (step.message.stage, step.message.due_at) == ("waiting", NOON + POLICY.sms_after)


def test_failures_take_the_next_channel_then_a_human() -> None:
    assert done(after_failure(sending(), "FAILED", NOON, POLICY)) == ("sending", "message.rerouted", "FAILED")
    assert done(after_failure(sending(), "NO_OPT_IN", NOON, POLICY))[2] == "NO_OPT_IN"
    assert done(after_failure(sending("SMS"), "NO_OPT_IN", NOON, POLICY)) == (
        "escalated",
        "message.escalated",
        "FAILED",
    )
