"""What belongs to one case, on topics where many persons' affairs cross."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.envelope import Event, to_record
from deploy.basudara.records import Record
from deploy.basudara.tracing import Step, trace

BEGAN = datetime(2027, 1, 4, tzinfo=UTC)
OWN, THERE, STRANGER = "prt_own", "prt_there", "prt_stranger"  # a person, as two agencies call him, and another
CASES, CONSENTS, SEATS = "sender.intake.case.v1", "sender.intake.consent.to.office.v1", "office.training.enrolment.v1"
COPIES = "office.training.placements.parked.v1"


class Topics:
    """Records as they stand there, each event a minute after the one before."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def tell(self, topic: str, id: str, correlation: str, cause: str = "command", **data: Any) -> None:
        service, kind = topic.split(".")[1], id.split("-")[0]
        event = Event(
            id=id,
            source=f"/{topic.split('.')[0]}/{service}",
            type=f"id.basudara.{service}.thing.{kind}.v1",
            subject=f"thing-{id}",
            time=BEGAN + timedelta(minutes=len(self.records)),
            correlationid=correlation,
            causationid=cause,
            traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
            aggregateversion=1,
            data=data,
        )
        self.put(topic, *to_record(event))

    def put(self, topic: str, value: bytes, headers: Iterable[tuple[str, bytes]]) -> None:
        offset = len(self.records)
        told = tuple(headers)
        self.records.append(
            Record(topic=topic, partition=0, offset=offset, at=BEGAN, key=None, value=value, headers=told)
        )

    def traced(self, ref: str) -> list[Step]:
        """Read in another order than that in which it happened: topics are not read by time."""
        return trace(lambda: reversed(self.records), ref, lambda topic: topic == COPIES)

    def ids(self, ref: str) -> list[str]:
        return [step.event.id for step in self.traced(ref)]


def crossing() -> Topics:
    """A person and a stranger at one office; a class that opens gives both a seat by one command."""
    topics = Topics()
    topics.tell(CASES, "registered-1", "c1", case_ref=OWN)
    topics.tell(CASES, "asked-1", "c2", case_ref=OWN, agency_case_ref=THERE)
    topics.tell(CONSENTS, "granted-1", "c3", case_ref=THERE)
    topics.tell(CONSENTS, "granted-2", "c4", case_ref=STRANGER)
    topics.tell(SEATS, "opened-1", "c5")
    topics.tell(SEATS, "reserved-1", "c5", case_ref=THERE)
    topics.tell(SEATS, "reserved-2", "c5", case_ref=STRANGER)
    topics.tell(SEATS, "opened-2", "c6")
    return topics


MINE = ["registered-1", "asked-1", "granted-1", "opened-1", "reserved-1"]


def test_two_pseudonyms_are_one_person_where_the_sender_said_so() -> None:
    topics = crossing()
    for ref in (OWN, THERE, "granted-1", "thing-reserved-1", "c1"):
        assert topics.ids(ref) == MINE


def test_one_command_for_two_persons_joins_nobody() -> None:
    assert crossing().ids(STRANGER) == ["granted-2", "opened-1", "reserved-2"]


def test_a_command_for_one_person_joins_what_it_brought_about_at_two_agencies() -> None:
    """Where the word that joins the pseudonyms is gone from the topics already."""
    topics = Topics()
    topics.tell(CASES, "suspended-1", "c1", case_ref=OWN)
    topics.tell(SEATS, "released-1", "c1", "suspended-1", case_ref=THERE)
    topics.tell(SEATS, "completed-1", "c2", case_ref=THERE)
    assert topics.ids(OWN) == ["suspended-1", "released-1", "completed-1"]
    assert [step.because_of for step in topics.traced(OWN)] == [None, 1, None]


def test_what_one_command_did_for_many_is_shown_when_the_command_is_asked_for_and_no_more() -> None:
    assert crossing().ids("c5") == ["opened-1", "reserved-1", "reserved-2"]


def test_what_is_no_event_and_what_comes_twice_is_passed_over() -> None:
    topics = crossing()
    again = topics.records[0]
    topics.put(CASES, again.value or b"", [])
    topics.put(CASES, b"\xff", [("ce_id", b"\xff")])
    assert topics.ids(OWN) == MINE


def test_a_copy_stands_under_its_event_with_its_reason() -> None:
    topics = crossing()
    held = topics.records[2].value or b""
    topics.put(COPIES, held, [("basudara-reason", b"not_covered"), ("basudara-attempts", b"1")])
    aside = {step.event.id: [(one.reason, one.attempts) for one in step.aside] for step in topics.traced(OWN)}
    assert aside == {**{id: [] for id in MINE}, "granted-1": [("not_covered", "1")]}


def test_time_between_steps_is_told() -> None:
    assert [step.after_seconds for step in crossing().traced(OWN)] == [0, 60, 60, 120, 60]


def test_nothing_is_found_where_nothing_tells_of_it() -> None:
    assert crossing().traced("prt_unknown") == []
