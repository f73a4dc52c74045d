"""Rights come and go as agencies and agreements do, and nothing else is ever touched."""

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from pymongo.errors import OperationFailure

from chassis.login import Login
from deploy.basudara import agreements
from deploy.basudara.agreements import Site
from deploy.basudara.manifests import Agreement, BadFile
from deploy.basudara.manifests import agency as read_manifest
from deploy.basudara.reach import Reach
from tests.rights import trying
from tests.rights.place import FOREIGN_TOPIC, agreement, as_user, site_of

GONE_WITHIN_SECONDS = 60
NEWCOMER = "dinkop-ambon"
BOARD = "subscribers: [{name: board, channels: [training.programme]}]"


def lines(site: Site, *codes: str, what: str = "missing") -> list[str]:
    found = site.rights(codes or site.agencies, filter(agreements.is_open, site.agreements()))
    return [step.line for step in getattr(found, what)()]


def rights_at_broker(reach: Reach) -> set[str]:
    admin = AdminClient(reach.broker)
    found = admin.describe_acls(trying.EVERY_RIGHT).result(20)
    return {f"{one.principal} {one.operation.name} {one.restype.name} {one.name}" for one in found}


@contextmanager
def manifest(site: Site, home: Path, code: str, text: str) -> Iterator[Site]:
    """The installation with one manifest more, as its operator sees it; what came of it is taken away again."""
    file = home / "agencies" / f"{code}.yaml"
    file.write_text(text)
    with_it = site_of(site.reach, home)
    try:
        yield with_it
    finally:
        rights = with_it.rights([code], [])
        rights.do(rights.removal())
        file.unlink()


@pytest.fixture
def home(site: Site) -> Path:
    return site.passwords.folder.parent


def test_applied_twice_is_applied_once_and_nothing_foreign_is_touched(site: Site) -> None:
    admin = AdminClient(site.reach.broker)
    foreign = AclBinding(
        ResourceType.TOPIC, FOREIGN_TOPIC, ResourcePatternType.LITERAL, "User:somebody-else.reader", "*",
        AclOperation.READ, AclPermissionType.ALLOW,
    )  # fmt: skip
    admin.create_acls([foreign])[foreign].result(20)
    before = rights_at_broker(site.reach)
    assert lines(site) == lines(site, what="surplus") == []
    own = site.rights(site.agencies, filter(agreements.is_open, site.agreements()))
    own.do([*own.missing(), *own.surplus()])
    for name in ("kb-001", "pks-001", "pks-002"):
        assert agreements.apply(agreement(name), site) == "unchanged"
    assert rights_at_broker(site.reach) == before
    assert "User:somebody-else.reader READ TOPIC " + FOREIGN_TOPIC in before
    assert FOREIGN_TOPIC in admin.list_topics(timeout=20).topics


def test_who_is_removed_hears_and_says_nothing_more_and_his_data_stay(site: Site, home: Path) -> None:
    """A reader busy on an open connection: what is said after the removal does not reach him."""
    text = "agency: leaver\nname: leaver\nservices: [training]\n" + BOARD
    topic = "leaver.training.programme.v1"
    with manifest(site, home, "leaver", text) as with_it:
        rights = with_it.rights(["leaver"], [])
        rights.do(rights.missing())
        with with_it.reach.store() as client:
            client["leaver-training"]["cases"].insert_one({"kept": True})
        board, service = as_user(with_it, "leaver.board"), as_user(with_it, "leaver.training")
        stored = as_user(with_it, "leaver.training", "mongo")
        with hearing(board, topic, "leaver.board.1") as heard, stored.store("leaver-training") as connected:
            assert connected["leaver-training"]["cases"].count_documents({}) == 1
            producer = Producer(service.broker)
            say(producer, topic, b"before")
            until(lambda: b"before" in heard.values, "the reader hears")
            before = rights_at_broker(site.reach)
            began = time.monotonic()
            rights.do(rights.removal())
            until(lambda: heard.refused, "the reader is refused", GONE_WITHIN_SECONDS - (time.monotonic() - began))
            say(Producer(site.reach.broker), topic, b"after")
            time.sleep(2)  # four times as long as a fetch waits at the broker
            with pytest.raises(KafkaException) as refused:
                say(producer, topic, b"late")
            assert refused.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
            with pytest.raises(OperationFailure):  # the connection that was open
                connected["leaver-training"]["cases"].find_one()
        assert heard.values == [b"before"]
        left = {one for one in before if not one.startswith("User:leaver.")}
        assert rights_at_broker(site.reach) == left
        with site.reach.store() as client:
            assert client["leaver-training"]["cases"].count_documents({}) == 1
        assert topic in AdminClient(site.reach.broker).list_topics(timeout=20).topics
        assert list(rights.removal()) == []


def test_who_is_removed_has_a_code_of_his_own(site: Site) -> None:
    """Rights end at a separator: what is `koperasi`'s is not `kop`'s."""
    taken = lines(site, "kop", what="removal")
    assert any(" kop.training" in line for line in taken)
    assert not any("koperasi" in line for line in taken)


def test_two_agreements_applied_at_once_give_what_both_give(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither takes away what it does not know of yet. One is held up between its look at the register and its word."""
    one, other = new_pks("kop"), new_pks("koperasi")
    held_up, other_done, record = threading.Event(), threading.Event(), agreements._record

    def late(data: Mapping[str, Any], *more: Any) -> None:
        if data["number"] == one.number:
            held_up.set()
            other_done.wait(5)  # in vain, where one at a time is let in
        record(data, *more)

    monkeypatch.setattr(agreements, "_record", late)
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(agreements.apply, one, site)
        assert held_up.wait(20)
        assert agreements.apply(other, site) == "recorded"
        other_done.set()
        assert first.result() == "recorded"
    assert lines(site) == lines(site, what="surplus") == []


def test_a_new_password_works_and_the_old_one_no_longer(site: Site) -> None:
    user, rights = f"{NEWCOMER}.training", site.rights([NEWCOMER], [])
    old = {kind: as_user(site, user, kind) for kind in ("kafka", "mongo")}
    rights.rotate_at_broker(rights.users)
    rights.rotate_at_store(rights.users)
    assert lets_in_at_broker(as_user(site, user))
    assert not lets_in_at_broker(old["kafka"])
    database = f"{NEWCOMER}-training"
    with as_user(site, user, "mongo").store(database) as client:
        assert client[database].list_collection_names() is not None
    with pytest.raises(OperationFailure), old["mongo"].store(database) as client:
        client[database].list_collection_names()
    for kind in ("kafka", "mongo"):
        file = site.passwords.file(user, kind)
        assert file.stat().st_mode & 0o777 == 0o600


def test_nobody_gets_in_without_a_password(site: Site) -> None:
    for login in (Login("operator", "guessed"), Login(f"{NEWCOMER}.training", "guessed")):
        reach = site.reach.as_(login)
        assert not lets_in_at_broker(reach)
        with pytest.raises(OperationFailure), reach.store() as client:
            client["bapas-ambon-intake"]["cases"].find_one()
    assert not lets_in_at_broker(replace(site.reach, login=None))


def test_an_agreement_that_ends_is_heard_to_its_end_unless_its_readers_are_taken_off(site: Site) -> None:
    pks, user = agreement("pks-002"), "disperindag-ambon.training"
    asked = "bapas-ambon.referral.referral.to.disperindag-ambon.v1"
    assert agreements.end(pks, site, readers_off=False) == []
    assert next(one for one in site.agreements() if one.number == pks.number).state == "ENDED"
    assert may(site, user, asked) == "rd"
    assert lines(site) == [], "what another command gives anew"
    taken = agreements.end(pks, site, readers_off=True)
    assert lines(site) == [], "an ended agreement asks for nothing"
    assert f"right taken {user} READ topic {asked}" in taken
    assert may(site, user, asked) == ""
    kept = "bapas-ambon.referral.referral.to.dinkop-ambon.v1"
    assert may(site, "dinkop-ambon.training", kept) == "rd"
    assert agreements.apply(agreement("pks-001"), site) == "unchanged"
    assert may(site, user, asked) == "", "another agreement gives nothing back"
    assert agreements.apply(pks, site) == "recorded"  # in force again
    assert may(site, user, asked) == "rd"


def test_who_is_no_party_any_more_is_taken_off_the_same_moment(site: Site) -> None:
    pks = agreement("pks-001")
    without = pks.model_copy(update={"parties": tuple(one for one in pks.parties if one.agency != NEWCOMER)})
    asked = f"bapas-ambon.referral.referral.to.{NEWCOMER}.v1"
    assert agreements.apply(without, site) == "recorded"
    assert may(site, f"{NEWCOMER}.training", asked) == ""
    assert agreements.apply(pks, site) == "recorded"
    assert may(site, f"{NEWCOMER}.training", asked) == "rd"


@pytest.mark.parametrize(
    ("code", "rest", "rule"),
    [
        ("'*'", "services: [training]", "agency"),
        ("a-*", "services: [training]", "agency"),
        ("a.b", "services: [training]", "agency"),
        ("a", "services: ['*']", "services.0"),
        ("a", "services: []\n" + BOARD.replace("board", "'*'"), "subscribers.0.name"),
        ("a", "services: []\n" + BOARD.replace("board", "b."), "subscribers.0.name"),
        ("a", "services: []\n" + BOARD.replace("board", "training"), "subscribers.0"),
    ],
)
def test_a_manifest_can_express_no_wildcard(tmp_path: Path, code: str, rest: str, rule: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"agency: {code}\nname: n\n{rest}\n")
    with pytest.raises(BadFile, match=rf"a\.yaml: {rule}"):
        read_manifest(file)


def test_a_subscriber_names_channels_of_the_catalogue(site: Site, home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "agencies", tmp_path / "agencies")
    for channel in ("*", "retry", "training.enrolment.to.*", "nobodys.channel"):
        told = f"agency: asker\nname: a\nservices: []\nsubscribers: [{{name: b, channels: ['{channel}']}}]"
        (tmp_path / "agencies" / "asker.yaml").write_text(told)
        asking = site_of(site.reach, tmp_path)
        with pytest.raises(BadFile, match=r"no channel .* carries events"):
            asking.rights(["asker"], [])


# -- readers and writers -----------------------------------------------------------------------------------------------


class Heard:
    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.refused = self.ended = False


@contextmanager
def hearing(reach: Reach, topic: str, group: str) -> Iterator[Heard]:
    """A foreign client in a group of its own, reading on."""
    heard = Heard()
    consumer = Consumer({**reach.broker, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])

    def listen() -> None:
        while not heard.ended:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error() is not None:
                heard.refused = heard.refused or trying.refused(message.error())
            else:
                heard.values.append(bytes(message.value() or b""))

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield heard
    finally:
        heard.ended = True
        listening.join()
        consumer.close()


def say(producer: Producer, topic: str, value: bytes) -> None:
    failed: list[KafkaError] = []
    producer.produce(topic, value, b"key", on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(20) == 0
    if failed:
        raise KafkaException(failed[0])


def until(seen: Any, what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def new_pks(trainer: str) -> Agreement:
    """Between Bapas and an agency that the example joins to nobody."""
    known = agreement("pks-002")
    parties = (known.parties[0], known.parties[1].model_copy(update={"agency": trainer}))
    return known.model_copy(update={"number": f"PKS-{trainer.upper()}/CONTOH", "parties": parties})


def may(site: Site, user: str, topic: str) -> str:
    """What the user may do with a topic on which something stands."""
    say(Producer(site.reach.broker), topic, b"there")
    return trying.topics(as_user(site, user), [topic])[topic]


def lets_in_at_broker(reach: Reach) -> bool:
    try:
        AdminClient({**reach.broker, "socket.timeout.ms": 3000}).list_topics(timeout=3)
    except KafkaException:
        return False
    return True
