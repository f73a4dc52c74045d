"""Quiet hours and days are those of Ambon (UTC+9), whatever the server's clock says."""

from datetime import time, timedelta

import pytest
from notification_examples import NIGHT, POLICY, wit

from notification.domain.timing import Quiet, next_allowed_time


@pytest.mark.parametrize(
    ("day", "asked_at", "allowed_day", "allowed_at"),
    [
        ("2027-01-13", "12:00:00", "2027-01-13", "12:00:00"),  # Wednesday
        ("2027-01-13", "20:59:59", "2027-01-13", "20:59:59"),
        ("2027-01-13", "21:00:00", "2027-01-14", "06:00:00"),
        ("2027-01-13", "23:30:00", "2027-01-14", "06:00:00"),
        ("2027-01-14", "00:30:00", "2027-01-14", "06:00:00"),
        ("2027-01-14", "05:59:59", "2027-01-14", "06:00:00"),
        ("2027-01-14", "06:00:00", "2027-01-14", "06:00:00"),
        ("2027-01-15", "11:29:59", "2027-01-15", "11:29:59"),  # Friday
        ("2027-01-15", "11:30:00", "2027-01-15", "13:30:00"),
        ("2027-01-15", "13:30:00", "2027-01-15", "13:30:00"),
        ("2027-01-14", "12:00:00", "2027-01-14", "12:00:00"),  # Thursday noon is no Friday noon
        ("2027-01-16", "22:00:00", "2027-01-17", "12:00:00"),  # Saturday night runs into Sunday morning
        ("2027-01-17", "08:00:00", "2027-01-17", "12:00:00"),
        ("2027-01-17", "12:00:00", "2027-01-17", "12:00:00"),
        ("2027-01-17", "21:30:00", "2027-01-18", "06:00:00"),
    ],
)
def test_a_message_waits_for_the_end_of_quiet_hours(day: str, asked_at: str, allowed_day: str, allowed_at: str) -> None:
    assert POLICY.allowed(wit(day, asked_at)) == wit(allowed_day, allowed_at)


def test_the_next_day_begins_at_midnight_of_ambon_not_of_utc() -> None:
    assert POLICY.tomorrow(wit("2027-01-13", "23:30")) == wit("2027-01-14", "06:00")
    assert POLICY.tomorrow(wit("2027-01-14", "00:30")) == wit("2027-01-15", "06:00")
    assert POLICY.tomorrow(wit("2027-01-16", "10:00")) == wit("2027-01-17", "12:00")


def test_quiet_hours_without_an_end_are_a_mistake_not_a_loop() -> None:
    day = Quiet(begins=time(6), ends=time(21))
    with pytest.raises(ValueError, match="no time to send"):
        next_allowed_time(wit("2027-01-13", "12:00"), (NIGHT, day))


def test_an_escalated_message_is_due_on_the_next_working_day() -> None:
    assert str(POLICY.escalated_due_on(wit("2027-01-15", "16:00"))) == "2027-01-18"  # Friday to Monday
    assert str(POLICY.escalated_due_on(wit("2027-02-04", "10:00"))) == "2027-02-08"  # over cuti bersama, 5 February
    assert str(POLICY.escalated_due_on(wit("2027-01-14", "23:30") + timedelta(hours=1))) == "2027-01-18"
