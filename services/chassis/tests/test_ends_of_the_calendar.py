"""What is heard is far from the first and the last day of the calendar: terms are added to it and taken from it."""

import json
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import AwareDatetime

from chassis.delivery import Reader, read
from chassis.wire import Heard

KIND = "id.basudara.referral.referral.requested.v1"
SOME_TIME = "2027-01-18T00:00:00.000Z"


class Asked(Heard):
    TYPE: ClassVar[str] = KIND
    due_on: date | None
    asked_at: AwareDatetime | None = None


async def nothing(_event: object, _work: object) -> None:
    """Is not called."""


def told(data: dict[str, Any], time: str = SOME_TIME) -> Any:
    """What a reader makes of such an event."""
    said = {
        "specversion": "1.0", "id": "1", "source": "/an-agency/referral", "type": KIND, "subject": "s", "time": time,
        "correlationid": "c", "causationid": "c", "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "aggregateversion": 1, "data": data,
    }  # fmt: skip
    record = SimpleNamespace(
        topic="an-agency.referral.referral.to.another.v1", partition=0, offset=0, headers=[], value=json.dumps(said)
    )
    record.value = record.value.encode()
    return read(record, {KIND: Reader(Asked, nothing, None)}, "retry")


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "9000-01-01", "9999-12-31"])
def test_a_day_at_an_end_of_the_calendar_is_refused_with_its_reason(day: str) -> None:
    assert told({"due_on": day}).error.reason() == "invalid field=data rule=value_error"
    at = f"{day}T00:00:00Z"
    assert told({"due_on": None, "asked_at": at}).error.reason() == "invalid field=data rule=value_error"


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "1899-12-31T23:59:59Z", "9000-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"]
)
def test_an_event_of_such_a_time_is_refused(time: str) -> None:
    assert told({"due_on": None}, time).error.reason() == "invalid field=time rule=must be in the years 1900 to 8999"


def test_a_day_of_our_years_is_heard() -> None:
    for day in ("1900-01-01", "2027-01-18", "8999-12-31"):
        found = told({"due_on": day, "asked_at": f"{day}T00:00:00Z"}, f"{day}T23:59:59.999-14:00")
        assert found.error is None
        assert found.heard.due_on == date.fromisoformat(day)
        assert found.event.time.tzinfo is not None
    assert told({"due_on": None}).heard == Asked(due_on=None)
    assert told({"due_on": "2027-01-18"}).event.time == datetime.fromisoformat(SOME_TIME)
