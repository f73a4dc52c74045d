"""What the doctor finds between an outbox and its topics: on a real store and broker, with rows and records planted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Binary

from chassis import ids
from chassis.envelope import Event, mirrored, value_of
from deploy.basudara import records
from deploy.basudara.agreements import Site
from deploy.basudara.doctor_gaps import DELETED, FOREIGN, LOST, gaps

AGENCY, SERVICE, DATABASE = "disperindag-ambon", "training", "disperindag-ambon-training"
SEATS, SEAT = f"{AGENCY}.training.enrolment.to.bapas-ambon.v1", "training.enrolment.to"
COHORTS, COHORT = f"{AGENCY}.training.programme.v1", "training.programme"  # compacted
AN_HOUR = timedelta(hours=1)


class Planted:
    """An outbox and its topics as a relay leaves them, but for what a test leaves out."""

    def __init__(self, site: Site, outbox: Any) -> None:
        self._site, self._outbox = site, outbox

    def say(self, topic: str, key: str, version: int, *, row: bool = True, record: bool = True, **more: Any) -> str:
        """Returns the event's id. `more`: members of the document that are otherwise than after a good sending."""
        fresh = ids.event_id()
        event = Event(
            id=fresh, source=f"/{AGENCY}/{SERVICE}", type="id.basudara.training.seat.reserved.v1", subject=key,
            time=datetime.now(UTC), correlationid=fresh, causationid=fresh, traceparent=ids.traceparent(),
            aggregateversion=version, data={},
        )  # fmt: skip
        value = value_of(event)
        if record:
            records.send(self._site.reach.broker, topic, key.encode(), value, mirrored(value))
        if row:
            kept = {
                "id": fresh, "topic": topic, "key": Binary(key.encode()), "value": Binary(value), "headers": None,
                "aggregate": f"Seat:{key}", "version": version,
            }  # fmt: skip
            gone = datetime.now(UTC) - AN_HOUR
            self._outbox.insert_one({"_id": fresh, "at": gone, "sent": True, "sent_at": gone, "rows": [kept], **more})
        return fresh

    def found(self) -> list[tuple[str, str]]:
        return list(gaps(self._site, AGENCY, SERVICE, DATABASE))


@pytest.fixture(scope="module")
def planted(site: Site) -> Iterator[Planted]:
    with site.reach.store() as client:
        yield Planted(site, client[DATABASE]["outbox"])


def test_gaps_of_versions_and_what_is_on_its_way_are_no_findings(planted: Planted) -> None:
    for version in (1, 4, 9):
        planted.say(SEATS, "case-1", version)
    planted.say(SEATS, "case-1", 10, record=False, sent=False, sent_at=None)
    planted.say(SEATS, "case-1", 11, record=False, sent_at=datetime.now(UTC))  # while the doctor looks
    planted.say(SEATS, "case-2", 1, record=False, sent_at=datetime.now(UTC) - timedelta(days=31))  # let go of
    planted.say(COHORTS, "WELD", 1, record=False)  # a later one of its key stands
    planted.say(COHORTS, "WELD", 2)
    assert planted.found() == []


def test_what_was_sent_and_is_not_there_is_counted_and_named(planted: Planted) -> None:
    first = planted.say(SEATS, "case-3", 1, record=False)
    planted.say(SEATS, "case-3", 2, record=False)
    planted.say(SEATS, "case-3", 3)
    newest = planted.say(COHORTS, "WELD", 3, record=False)
    assert set(planted.found()) == {
        (f"1 sent and not on a topic of {COHORT} (first {newest})", LOST),
        (f"2 sent and not on a topic of {SEAT} (first {first})", LOST),
    }


def test_what_was_deleted_before_it_was_sent_is_named_and_nothing_that_was_sent(planted: Planted, site: Site) -> None:
    """Inserted and marked in transactions, as a store and a relay do."""
    unsent: dict[str, Any] = {"record": False, "sent": False, "sent_at": None}
    before, first, second, sent = (planted.say(SEATS, "case-5", number, **unsent) for number in (1, 2, 3, 4))
    marked = {"$set": {"sent": True, "sent_at": datetime.now(UTC)}}
    with site.reach.store() as client, client.start_session() as session:
        outbox = client[DATABASE]["outbox"]
        row = {"id": "in-a-transaction", "topic": SEATS, "key": Binary(b"k"), "version": 1}
        with session.start_transaction():
            outbox.insert_many([{"_id": one, "sent": False, "rows": [row]} for one in ("a", "b")], session=session)
        with session.start_transaction():
            outbox.update_many({"_id": {"$in": [sent, "b"]}}, marked, session=session)
        outbox.replace_one({"_id": second}, {"_id": second, "sent": True, "rows": []})
        outbox.delete_many({"_id": {"$in": [first, second, sent, "a", "b"]}})
    told = [one for one in planted.found() if one[1] == DELETED]
    assert told == [(f"2 deleted from its outbox and never sent (first {first})", DELETED)]
    with site.reach.store() as client:
        assert client[DATABASE]["outbox"].count_documents({"_id": before}) == 1


def test_what_is_there_and_was_never_said_is_named(planted: Planted, site: Site) -> None:
    """A second writer, or a store that was put back."""
    stranger = planted.say(SEATS, "case-4", 1, row=False)
    assert (f"1 on a topic of {SEAT} and not in its outbox (first {stranger})", FOREIGN) in planted.found()
    records.send(site.reach.broker, SEATS, b"case-4", b"no event", [])
    assert any(told.startswith(f"2 on a topic of {SEAT} and not in its outbox") for told, _ in planted.found())
