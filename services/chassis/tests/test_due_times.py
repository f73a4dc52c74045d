"""When a copy on the retry topic is due, whatever its header says: one that never is would shut its partition."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from chassis.delivery import DUE, is_due

NOW = datetime(2027, 1, 18, 0, 0, tzinfo=UTC)


def copy(due: bytes | None) -> SimpleNamespace:
    return SimpleNamespace(headers=[(DUE, due)])


@pytest.mark.parametrize(
    ("due", "now"),
    [
        (b"2027-01-17T23:59:59.000Z", True),
        (b"2027-01-18T09:00:00+09:00", True),
        (b"2027-01-18T00:05:00.000Z", False),
        (b"2027-01-18T23:59:59.000Z", False),
    ],
)
def test_a_copy_is_due_when_its_header_says(due: bytes, now: bool) -> None:
    assert is_due(copy(due), NOW) is now


@pytest.mark.parametrize("due", [None, b"", b"\xff\xfe", b"soon", b"2027-01-18T00:05:00", b"20270119", b"2027-W03-2"])
def test_a_copy_without_a_due_time_that_can_be_compared_is_due(due: bytes | None) -> None:
    assert is_due(copy(due), NOW)


@pytest.mark.parametrize("due", [b"9999-12-31T23:59:59Z", b"9999-12-31T23:59:59-14:00", b"2027-01-19T00:00:01Z"])
def test_a_due_time_further_off_than_any_pause_is_none(due: bytes) -> None:
    """Of a clock that went wrong, or of somebody else: the copies behind it would wait as long."""
    assert is_due(copy(due), NOW)
