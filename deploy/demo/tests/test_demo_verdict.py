"""A lost, doubled or unasked event, or a parked record, turns the verdict."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.demo.expected import Expected, Person
from deploy.demo.stories import story_kinds
from deploy.demo.town import read_persons
from deploy.demo.verdict import in_topics, personal_texts
from deploy.demo.watching import Watch

REF = "prt_" + "a" * 26
KIND = "intake.case.registered"


@dataclass
class Record:
    """As aiokafka hands one over."""

    value: bytes
    topic: str = "bapas-ambon.intake.case.v1"
    partition: int = 0
    offset: int = 0
    key: bytes = REF.encode()
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Town:
    """One person whose registration is expected, and a subscriber."""

    watch: Watch = field(default_factory=lambda: Watch({}))
    expected: Expected = field(default_factory=lambda: Expected(persons={}))

    def person(self) -> Person:
        person = Person(number=1, register_no="REG/2027/0001/X", row={}, officer="pk-001", refs={"bapas-ambon": REF})
        self.expected.persons[person.register_no] = person
        person.expects(KIND)
        return person

    def hears(self, id: str, kind: str = KIND, *, version: int = 1, ref: str = REF, topic: str = "") -> None:
        said = {
            "id": id,
            "source": "/bapas-ambon/intake",
            "type": f"id.basudara.{kind}.v1",
            "subject": ref,
            "aggregateversion": version,
            "correlationid": id,
            "causationid": id,
            "time": "2027-01-11T00:00:00.000Z",
            "data": {"case_ref": ref},
        }
        place = topic or "bapas-ambon.intake.case.v1"
        self.watch._take(Record(json.dumps(said).encode(), place, offset=len(self.watch.raw)))

    def differences(self, *killed: str) -> list[str]:
        return in_topics(self.watch, self.expected, frozenset(killed))[0]


@pytest.fixture
def town() -> Town:
    found = Town()
    found.person()
    return found


def test_what_was_expected_and_came_once_is_no_difference(town: Town) -> None:
    town.hears("e1")
    assert town.differences() == []


def test_a_lost_event_is_named(town: Town) -> None:
    assert town.differences() == [f"never came: REG/2027/0001/X: {KIND} ×1"]


def test_an_effect_that_happened_twice_is_named_although_each_event_has_its_own_id(town: Town) -> None:
    town.hears("e1")
    town.hears("e2")
    assert f"happened 2 times: {KIND} of {REF} version 1" in town.differences()


def test_an_event_nobody_asked_for_is_named(town: Town) -> None:
    town.hears("e1")
    town.hears("e2", "intake.case.closed", version=2)
    assert town.differences() == ["came unasked: REG/2027/0001/X: intake.case.closed ×1 too many"]


def test_an_event_of_nobody_in_the_register_is_named(town: Town) -> None:
    town.hears("e1")
    town.hears("e2", ref="prt_" + "b" * 26)
    assert town.differences() == [f"came unasked: of nobody: {KIND} ×1"]


def test_the_same_record_again_is_harmless_only_from_a_service_that_was_killed(town: Town) -> None:
    town.hears("e1")
    town.hears("e1")
    assert town.differences("bapas-ambon/intake") == []
    assert town.differences() == [f"sent twice: {KIND} of {REF}"]


def test_a_record_that_the_client_reads_again_was_not_sent_again(town: Town) -> None:
    town.hears("e1")
    town.watch._take(Record(town.watch.raw[0], offset=0))
    assert town.differences() == []


def test_a_parked_record_is_named(town: Town) -> None:
    town.hears("e1")
    town.hears("e1", topic="bapas-ambon.referral.referrals.parked.v1")
    assert town.differences() == ["parked: 1 records in bapas-ambon.referral.referrals.parked.v1"]


def test_a_story_that_went_another_way_than_the_handbook_says_is_named(town: Town) -> None:
    person = town.expected.persons["REG/2027/0001/X"]
    handbook = person.kinds + person.kinds
    assert story_kinds(person, person.kinds, handbook) == [f"REG/2027/0001/X: {KIND}: handbook 2, script 1, seen 1"]


@pytest.mark.parametrize(
    "text", ["Yopi Contoh", "8171991405990022", "+6281000000022", "81000000022", "REG/2027/0022/X"]
)
def test_a_personal_text_in_a_record_or_a_log_is_found(text: str, tmp_path: Path) -> None:
    persons, watch = read_persons().values(), Watch({})
    assert personal_texts(persons, watch, tmp_path) == []
    (tmp_path / "bapas-ambon.intake.log").write_text(f"so said {text} to us")
    watch.raw.append(f'{{"data": "{text}"}}'.encode())
    found = personal_texts(persons, watch, tmp_path)
    assert [line.split(":")[0] for line in found] == ["topics", "log bapas-ambon.intake.log"]
