"""The broker itself holds up who takes more than its share, and nobody else; shares come and go as rights do."""

import os

import pytest
from confluent_kafka import Producer

from deploy.basudara import quotas
from deploy.basudara.agreements import Site
from deploy.basudara.reach import Reach
from tests.rights.place import as_user
from tests.rights.test_changes import lines

FOREIGN = "somebody-else.reader"
SHARE = 100_000.0  # bytes a second, so small that a busy machine exceeds it too
LARGE, SMALL = os.urandom(250_000), b"a word"  # noise: it can't be packed
ENOUGH = 16  # four times what is let through: what a user sends is spread over ten seconds


class Sender:
    """One user's foreign client. `held_up`: how often the broker told it to wait."""

    def __init__(self, reach: Reach, topic: str) -> None:
        self.held_up = 0
        self._producer = Producer({**reach.broker, "throttle_cb": self._told})
        self._topic = topic

    def _told(self, event: object) -> None:
        self.held_up += 1

    def send(self, value: bytes) -> None:
        self._producer.produce(self._topic, value, b"key", partition=0)
        assert self._producer.flush(60) == 0


@pytest.fixture(autouse=True)
def as_wanted(site: Site) -> None:
    """What a test changed is put right before the next."""
    for code in ("kop", "koperasi"):
        rights = site.rights([code], [])
        rights.do([*rights.missing(), *rights.surplus()])


def test_who_takes_more_than_its_share_waits_and_another_agency_does_not(site: Site) -> None:
    greedy, modest = (
        Sender(as_user(site, f"{code}.training"), f"{code}.training.programme.v1") for code in ("kop", "koperasi")
    )
    with pytest.MonkeyPatch.context() as changed:
        changed.setitem(quotas.WANTED, "producer_byte_rate", SHARE)
        rights = site.rights(["kop", "koperasi"], [])
        rights.do(rights.missing())
        for _ in range(ENOUGH):
            if not greedy.held_up:
                greedy.send(LARGE)
            modest.send(SMALL)
    assert greedy.held_up
    assert not modest.held_up


def test_a_share_that_is_missing_or_another_is_named_and_set(site: Site) -> None:
    user, set_by_hand = "kop.training", {"producer_byte_rate": 1.0, "consumer_byte_rate": None}
    quotas.put(site.reach, {user: set_by_hand, FOREIGN: {"producer_byte_rate": 7.0}})
    assert lines(site, "kop") == [f"quota {user} producer_byte_rate=5242880 consumer_byte_rate=20971520"]
    assert lines(site, "koperasi") == []
    rights = site.rights(["kop"], [])
    rights.do(rights.missing())
    assert lines(site) == []
    assert quotas.known(site.reach)[user] == quotas.WANTED
    assert quotas.known(site.reach)[FOREIGN] == {"producer_byte_rate": 7.0}


def test_the_share_of_who_is_in_no_manifest_any_more_is_too_much_and_goes(site: Site) -> None:
    quotas.put(site.reach, {"kop.former": {"producer_byte_rate": 1.0}})
    assert lines(site, "kop", what="surplus") == ["quota taken kop.former producer_byte_rate"]
    assert lines(site, "koperasi", what="surplus") == []
    rights = site.rights(["kop"], [])
    rights.do(rights.surplus())
    assert "kop.former" not in quotas.known(site.reach)


def test_who_is_removed_has_no_share_any_more(site: Site) -> None:
    rights = site.rights(["kop"], [])
    assert f"quota taken kop.training {' '.join(sorted(quotas.WANTED))}" in lines(site, "kop", what="removal")
    rights.do(rights.removal())
    known = quotas.known(site.reach)
    assert "kop.training" not in known
    assert known["koperasi.training"] == quotas.WANTED


def test_what_the_broker_refuses_is_told_in_one_line(site: Site) -> None:
    with pytest.raises(RuntimeError, match=r"^quotas: .*no_such_share"):
        quotas.put(site.reach, {"kop.training": {"no_such_share": 1.0}})
    service = as_user(site, "koperasi.training")
    with pytest.raises(RuntimeError, match=r"^quotas: .*[Aa]uthoriz"):
        quotas.put(service, {"koperasi.training": {"producer_byte_rate": None}})
    with pytest.raises(RuntimeError, match=r"^quotas: .*[Aa]uthoriz"):
        quotas.known(service)
