"""Every type of event that the catalogue has is said by its owner, and no other: both stories and what they leave out.

Last of all, for its clock ends in November: its name sorts it behind the tests that are not in the order of days.
"""

from dataclasses import dataclass

import pytest

from chassis.catalogue import Catalogue
from chassis.clock import Clock
from deploy.basudara import records as found
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.judging import Judge
from deploy.basudara.records import Record
from deploy.basudara.stack import ROOT, Stack
from tests.system.every_type import play_the_rest
from tests.system.play import Played
from tests.system.seeing import events, records

CATALOGUE = Catalogue(ROOT / "contracts")


@dataclass(frozen=True)
class Said:
    """(service, type) as the agencies' own records say it, and the records of the second part."""

    types: frozenset[tuple[str, str]]
    later: tuple[Record, ...]


@pytest.fixture(scope="module")
def said(stack: Stack, played: Played) -> Said:
    """Of the time before only what tells of the stories' persons: other tests put records of their own there."""
    persons = [ref for one in (played.yopi, played.frans, *played.crowd) for ref in one.refs.values()]
    ids = {event.id for event in events(records(stack), *persons)}
    before = list(found.until_now(stack.reach.broker, _any))
    play_the_rest(stack, played)
    ends = {(one.topic, one.partition): one.offset for one in before}
    later = [
        one
        for one in found.until_now(stack.reach.broker, _any)
        if one.offset > ends.get((one.topic, one.partition), -1)
    ]
    told = [found.seen(one) for one in (*before, *later)]
    new = {one.place for one in later}
    place = "{0.topic}:{0.partition}:{0.offset}".format
    own = [one for one in told if one is not None and (one.id in ids or place(one) in new or one.ref is None)]
    return Said(frozenset((one.service, one.type) for one in own if one.service == _writer(one)), tuple(later))


def _any(topic: str) -> bool:
    return not topic.startswith("__")


def _writer(event: found.Seen) -> str:
    return event.source.split("/")[2]


def test_types_on_the_wire_are_the_types_of_the_catalogue_service_by_service(said: Said) -> None:
    declared = {(channel.service, kind) for channel in CATALOGUE.channels.values() for kind in channel.types}
    assert sorted(said.types - declared) == [], "said, and in no catalogue"
    assert sorted(declared - said.types) == [], "in the catalogue, and never said"


def test_every_record_of_what_the_stories_leave_out_obeys_the_published_document(stack: Stack, said: Said) -> None:
    judge = Judge(Contracts(ROOT / "contracts"), Clock(stack.clock_file).now())
    broken = [f"{record.place} {one}" for record in said.later for one in judge.findings(record)]
    assert broken == []
    assert len(said.later) > 200
