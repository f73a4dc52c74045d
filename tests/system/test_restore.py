"""Promise 54, second half, and a backup that agrees with the world again: Bapas goes back to a copy of its stores.

After the copy an office answered, an officer referred somebody, and somebody was erased. Behind the erasure, whose
clock ends on 12 December.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from chassis.restored import NOTE, RESTORED
from deploy.basudara.backup import documents
from deploy.basudara.stack import Stack
from deploy.local.processes import CannotStart
from tests.resilience.checker import Finding, check
from tests.system.command import basudara, refused
from tests.system.offices import BAPAS, DISNAKER, Klien, Offices, View, klien, on
from tests.system.opened import everything, keys_in, opened, sealed_in
from tests.system.play import BAR_PLACE, Played
from tests.system.seeing import Record, at_rest, records, settled

STARTS = ("service.hears_what_came_since", "service.restored", "service.started")


@dataclass
class Back:
    """What was before the restore, and after it."""

    answered: Klien
    lost: Klien
    erased: Klien
    moved: Klien
    folder: Path
    told: list[View]
    referrals: tuple[View, View]
    messages: tuple[Any, Any]
    sent: tuple[int, int]
    records: tuple[list[Record], list[Record]]
    findings: tuple[set[Finding], set[Finding]]


@pytest.fixture(scope="module")
def back(stack: Stack, played: Played, tmp_path_factory: pytest.TempPathFactory) -> Back:
    folder, offices = tmp_path_factory.mktemp("kept") / "backup", Offices(stack)
    stack.move_clock(on(12, 13))
    answered, lost, erased, moved = (_person(number, offices) for number in (931, 932, 933, 934))
    offices.refer(answered, DISNAKER, "BARISTA")
    offices.head.move(f"/cases/{erased.case}", "close", reason_code="ENDED", aftercare=False)
    offices.settled()
    assert basudara(stack, "backup", BAPAS, str(folder)).status == 0

    offices.accept(answered, DISNAKER, BAR_PLACE)
    offices.refer(lost, DISNAKER, "BARISTA")
    offices.head.move(f"/cases/{moved.case}", "suspend", reason_code="ILLNESS")
    offices.head.move(f"/cases/{erased.case}", "erase", reason_code="ORDERED")
    at_rest(stack)
    before = _look(stack, offices, answered, folder.parent / "before.jsonl")
    told = basudara(stack, "restore", BAPAS, str(folder), "--yes", "--json").json
    at_rest(stack)
    after = _look(stack, offices, answered, folder.parent / "after.jsonl")
    return Back(answered, lost, erased, moved, folder, told, *zip(before, after, strict=True))


def _person(number: int, offices: Offices) -> Klien:
    name = f"Pulih Rekaan {number}"
    who = klien(number, name, None, "1995-05-17", "PAROLE", "2028-11-30")
    offices.ready(who, on(12, 13).date(), DISNAKER, "BARISTA")
    return who


def _look(stack: Stack, offices: Offices, who: Klien, export: Path) -> tuple[Any, ...]:
    assert basudara(stack, "events", "export", str(export)).status == 0
    referral = offices.referral(who.referrals[0])
    messages = offices.messages.get("/messages", case_ref=who.refs[DISNAKER])
    calls = httpx.get(f"{stack.gateway}/recorded").json()
    return referral, messages, len(calls), records(stack), set(check(export.read_text().splitlines()))


def test_what_an_office_told_since_is_heard_again_and_nobody_is_told_twice(back: Back) -> None:
    before, after = back.referrals
    assert {**after, "version": 0} == {**before, "version": 0}
    assert after["state"] == "accepted"
    asked = [{one["message_id"] for one in found} for found in back.messages]
    assert asked[0] == asked[1]
    assert back.sent[0] == back.sent[1] > 0, "no person gets a message once more"


def test_what_is_said_again_was_said_before(back: Back) -> None:
    """Nearly all under the ids of before; where two causes came in another order, a fact may have another id."""
    before, after = (_facts(found) for found in back.records)
    new = [fact for id, fact in after.items() if id not in before]
    assert set(new) <= set(before.values())
    assert {kind for kind, _ in new} <= {"id.basudara.referral.referral.progressed.v1"}
    counts = [sum(one.said.get("id") in before for one in found) for found in back.records]
    assert counts[0] < counts[1], "something was said again"


def _facts(found: list[Record]) -> dict[str, tuple[str, str]]:
    """Type and subject of each event, by id; what somebody put there that is none is left out."""
    told = [one.said for one in found if {"id", "type", "subject"} <= one.said.keys()]
    return {one["id"]: (one["type"], one["subject"]) for one in told}


def test_what_an_officer_commanded_since_is_named_and_not_there(stack: Stack, back: Back) -> None:
    assert {(one["event"], one["subject"]) for one in back.told} == {
        ("intake.case.suspended", back.moved.case),
        ("referral.referral.requested", back.lost.referrals[0]),
    }
    assert Offices(stack).referrals.ask("GET", f"/referrals/{back.lost.referrals[0]}").status_code == 404


def test_the_checker_finds_nothing_that_it_did_not_find_before_but_what_was_lost(back: Back) -> None:
    """Versions that were raised leave gaps, as private moves do."""
    before, after = back.findings
    new = {one for one in after - before if one.name != "gap"}
    assert {one for one in new if back.lost.referrals[0] not in one.about} == set()


def test_who_was_erased_since_stays_erased_before_a_door_opens(stack: Stack, back: Back) -> None:
    offices, who = Offices(stack), back.erased
    assert offices.pk.ask("GET", f"/cases/{who.case}").status_code == 410
    assert offices.pk.get(f"/cases/{who.case}/erasure")["state"] == "done"
    name = who.body["full_name"]
    found = everything(stack)
    texts = opened(sealed_in(found), keys_in(found, stack.secrets.folder))
    assert [one.place for one in texts if name in one.text] == []
    assert any(back.answered.body["full_name"] in one.text for one in texts), "the search finds whoever is there"
    said = [json.loads(line)["event"] for line in _log(stack).splitlines() if line.startswith("{")]
    order = [
        event for event in said if event in ("service.hears_what_came_since", "service.restored", "service.started")
    ]
    assert order == ["service.hears_what_came_since", "service.restored", "service.started"]


def _log(stack: Stack) -> str:
    return (stack.logs / f"{BAPAS}.intake.log").read_text()


def test_what_is_said_from_now_on_is_newer_than_all_that_was_told(stack: Stack, back: Back) -> None:
    """Of a case whose last move was lost: who keeps the newest that he heard hears this too."""
    offices = Offices(stack)
    assert offices.pk.get(f"/cases/{back.moved.case}")["state"] == "ready"
    offices.head.move(f"/cases/{back.moved.case}", "suspend", reason_code="LOST_CONTACT")
    settled(stack)
    told = [one.said for one in records(stack) if one.topic == f"{BAPAS}.intake.case.v1"]
    mine = [one for one in told if one.get("subject") == back.moved.case]
    versions = [one["aggregateversion"] for one in mine if one["type"].endswith(".case.suspended.v1")]
    assert len(versions) == 2
    assert versions[0] < versions[1]


def test_a_restore_that_ended_in_the_middle_is_not_started_on(stack: Stack) -> None:
    name = f"{BAPAS}/intake"
    with stack.reach.store() as client:
        client[stack.databases[name]][RESTORED].insert_one(
            {"_id": NOTE, "database": stack.databases[name], "whole": False, "until": []}
        )
        stack.end(name)
        with pytest.raises(CannotStart):
            stack.start(name)
        assert '"half_restored"' in _log(stack)
        client[stack.databases[name]][RESTORED].delete_one({"_id": NOTE})
    stack.start(name)


def test_no_key_of_a_card_is_copied(stack: Stack, back: Back, tmp_path: Path) -> None:
    """It is fetched anew, where its person still may be shown."""
    assert basudara(stack, "backup", DISNAKER, str(tmp_path / "cards")).status == 0
    [cards], [keys] = ((tmp_path / "cards").glob(f"*-training/{name}.bson") for name in ("cards", "person_keys"))
    assert any(card["sealed"] for card in documents(cards))
    assert [key for key in documents(keys) if key["wrapped"]] == []
    assert all(key["wrapped"] for file in back.folder.glob("*-intake/person_keys.bson") for key in documents(file))


def test_a_copy_older_than_what_a_topic_keeps_is_refused(stack: Stack, back: Back, tmp_path: Path) -> None:
    """It could not hear of an erasure since."""
    old = tmp_path / "old"
    shutil.copytree(back.folder, old)
    told = json.loads((old / "backup.json").read_text())
    [intake] = (one for one in told["services"] if one["service"] == "intake")
    [(topic, places)] = ((name, at) for name, at in intake["heard"].items() if name.endswith(".intake.case.v1"))
    admin = AdminClient(stack.reach.broker)
    part, had = next((int(part), at) for part, at in places.items() if at > 0)
    [kept] = admin.delete_records([TopicPartition(topic, part, had)]).values()
    kept.result(timeout=20)
    places[str(part)] = had - 1
    (old / "backup.json").write_text(json.dumps(told))
    assert f"{topic}: this backup had heard up to {had - 1}" in refused(stack, "restore", BAPAS, str(old), "--yes")
    assert basudara(stack, "restore", BAPAS, str(back.folder)).status == 1, "the newer one can be"


def test_a_copy_that_is_not_whole_or_not_of_this_agency_is_refused(stack: Stack, back: Back) -> None:
    assert "not of" in refused(stack, "restore", DISNAKER, str(back.folder), "--yes")
    assert "is there already" in refused(stack, "backup", BAPAS, str(back.folder))
    assert "holds no backup.json" in refused(stack, "restore", BAPAS, str(back.folder.parent), "--yes")
    file = next(back.folder.glob("*/cases.bson"))
    file.write_bytes(file.read_bytes()[:-1])
    assert "not as it was" in refused(stack, "restore", BAPAS, str(back.folder), "--yes")
    assert basudara(stack, "restore", BAPAS, str(back.folder)).status == 2
