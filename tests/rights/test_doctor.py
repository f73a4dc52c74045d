"""The doctor finds nothing where nothing is wrong, and each fault by its name; what he advises mends it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary

from deploy.basudara import agreements
from deploy.basudara.applying import Rights
from deploy.basudara.rights import Acl
from deploy.basudara.stack import Stack, _end
from tests.system.command import basudara
from tests.system.offices import BAPAS
from tests.system.seeing import Record, put

USER, CASES, MESSAGES = f"{BAPAS}.intake", f"{BAPAS}.intake.case.v1", f"{BAPAS}.notification.message.v1"


def doctor(stack: Stack) -> list[dict[str, str]]:
    ended = basudara(stack, "agency", "doctor", BAPAS, "--json")
    found: list[dict[str, str]] = json.loads(ended.shown)
    assert ended.status == (1 if found else 0)
    return found


def rights_of(stack: Stack) -> Rights:
    site = stack.site
    return site.rights([BAPAS], filter(agreements.is_open, site.agreements()))


def take(stack: Stack) -> None:
    user = next(user for user in rights_of(stack).users if user.name == USER)
    rights = rights_of(stack)
    rights._take([(user.name, acl) for acl in user.acls if acl.name == CASES])


def give(stack: Stack) -> None:
    rights_of(stack)._give([(USER, Acl(kind="TOPIC", name=f"{BAPAS}.referral.referrals.parked.v1", operation="READ"))])


def spoil_password(stack: Stack) -> None:
    stack.secrets.passwords.file(USER, "kafka").write_text("not the one")


def lose_password(stack: Stack) -> None:
    stack.secrets.passwords.file(USER, "mongo").unlink()


def end_service(stack: Stack) -> None:
    _end(stack._pid_file(f"{BAPAS}/intake"))


def drop_store_user(stack: Stack) -> None:
    rights_of(stack)._drop_at_store([(f"{BAPAS}-intake", USER)])


@dataclass(frozen=True)
class Fault:
    """What is done, what the doctor says of it, and the command that mends it."""

    make: Callable[[Stack], None]
    where: str
    found: str
    mend: tuple[str, ...]


APPLY, ROTATE = ("agency", "apply", BAPAS), ("agency", "rotate", BAPAS)
FAULTS = [
    Fault(take, USER, f"does not see {CASES}", APPLY),
    Fault(take, BAPAS, f"missing: right {USER} WRITE topic {CASES}", APPLY),
    Fault(spoil_password, USER, "the broker does not let it in", ROTATE),
    Fault(lose_password, USER, "no password file for the store", APPLY),
    Fault(end_service, f"{BAPAS}/intake", "does not answer", APPLY),
    Fault(drop_store_user, USER, "the store does not let it write", APPLY),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.make.__name__}: {fault.found[:24]}")
def test_each_fault_is_named_and_what_is_advised_mends_it(town: Stack, fault: Fault) -> None:
    assert doctor(town) == []
    fault.make(town)
    found = doctor(town)
    assert [one for one in found if one["where"] == fault.where and fault.found in one["found"]], found
    assert f"basudara {' '.join(fault.mend)}" in " ".join(one["mend"] for one in found)
    assert basudara(town, *fault.mend).status == 0
    if fault.make in (lose_password, drop_store_user):
        town.restart(f"{BAPAS}/intake")
    assert doctor(town) == []


def test_a_right_too_much_is_named(town: Stack) -> None:
    give(town)
    found = doctor(town)
    assert [one["found"] for one in found if one["where"] == BAPAS] == [
        f"too much: {USER} READ topic {BAPAS}.referral.referrals.parked.v1"
    ]
    assert {one["where"] for one in found} == {BAPAS, USER}
    told = basudara(town, *APPLY).shown
    assert "too much, and left" in told, "an onboarding takes nothing away"
    extra = rights_of(town)
    extra.do(extra.surplus())
    assert doctor(town) == []


def test_an_event_that_cannot_be_sent_is_named_until_it_can(town: Stack) -> None:
    """As a relay notes it: `held`, by the row's id, with why."""
    row = {
        "id": "held-1", "topic": "nobodys.topic", "key": Binary(b"k"), "value": Binary(b"{}"), "headers": None,
        "aggregate": "Case:c", "version": 1,
    }  # fmt: skip
    held = {"_id": "held-1", "at": datetime.now(UTC), "sent": False, "rows": [row], "held": {"held-1": "no such topic"}}
    with town.reach.store() as client:
        outbox: Any = client[f"{BAPAS}-referral"]["outbox"]
        outbox.insert_one(held)
        found = doctor(town)
        outbox.delete_one({"_id": "held-1"})
    assert any("event held-1 can't be sent" in one["found"] for one in found), found
    assert doctor(town) == []


def test_a_partner_learns_why_nobody_hears_his_events(town: Stack) -> None:
    """Last: what stands on a topic stays there."""
    foreign = Record(
        topic=MESSAGES, partition=0, offset=-1, key=b"k",
        value=json.dumps({"specversion": "1.0", "type": "made.up.v1"}).encode(),
        headers=(("content-type", b"application/cloudevents+json"),),
    )  # fmt: skip
    put(town, foreign)
    found = [one for one in doctor(town) if one["where"] == MESSAGES]
    assert any("missing" in one["found"] or "required" in one["found"] for one in found), found
    assert {one["mend"] for one in found} == {f"basudara contracts conform {MESSAGES}"}
