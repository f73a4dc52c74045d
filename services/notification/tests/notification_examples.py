"""Invented people, days and ids that the tests of notification share."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from chassis.calendar import WIT, WorkingDays
from notification.adapters.files import catalogue
from notification.domain.message import Message
from notification.domain.policy import Policy
from notification.domain.timing import Quiet

OWN, PAIR = "prt_" + "a" * 26, "prt_" + "b" * 26
REFERRAL, CONSENT = "ref_" + "c" * 26, "csn_" + "d" * 26
NIGHT = Quiet(begins=time(21), ends=time(6))
FRIDAY = Quiet(begins=time(11, 30), ends=time(13, 30), weekdays=frozenset({5}))
SUNDAY = Quiet(begins=time(6), ends=time(12), weekdays=frozenset({7}))


def wit(day: str, clock: str) -> datetime:
    """That clock time in Ambon, in UTC."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=WIT).astimezone(UTC)


NOON = wit("2027-01-13", "12:00")  # a Wednesday

POLICY = Policy(
    agency="bapas-contoh",
    catalogue=catalogue(),
    working_days=WorkingDays.load(),
    quiet=(NIGHT, FRIDAY, SUNDAY),
    per_day=2,
    per_day_roles=frozenset({"KLIEN", "GUARDIAN"}),
    repeat_within=timedelta(hours=24),
    sms_after=timedelta(minutes=30),
    unknown_after=timedelta(hours=2),
    answer_within=timedelta(seconds=15),
    bounce_rests=timedelta(days=30),
    kept=timedelta(days=365),
    news_kept=timedelta(days=45),
)


def asked(**other: Any) -> Message:
    """A message to a klien, asked for at noon, past three days later."""
    told: dict[str, Any] = {
        "at": NOON,
        "due_at": NOON,
        "id": "msg_" + "e" * 26,
        "case_ref": PAIR,
        "person": OWN,
        "about": REFERRAL,
        "template": "SCHEDULE_NEWS",
        "recipient_role": "KLIEN",
        "staff_id": None,
        "expires_at": NOON + timedelta(days=3),
        "correlation_id": "correlation",
        "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    }
    return Message.ask(**{**told, **other})


def sending(channel: str = "WHATSAPP", at: datetime = NOON, **other: Any) -> Message:
    """The same, taken by the provider at `at` and not reported on yet."""
    message = asked(**other).send(channel, at, at + POLICY.answer_within).message
    step = message.answered(1, accepted=True, overdue_at=POLICY.overdue_at(message), again_at=at)
    assert step is not None
    return step.message
