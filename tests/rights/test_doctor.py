"""The doctor finds nothing where nothing is wrong, and each fault by its name; what he advises mends it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Binary

from deploy.basudara import agreements, quotas
from deploy.basudara.applying import Rights
from deploy.basudara.rights import Acl
from deploy.basudara.stack import Stack, _end
from tests.system.command import basudara
from tests.system.offices import BAPAS
from tests.system.seeing import Record, put

INTAKE, REFERRAL, NOTIFICATION = (f"{BAPAS}.{service}" for service in ("intake", "referral", "notification"))
CASES, MESSAGES = f"{INTAKE}.case.v1", f"{NOTIFICATION}.message.v1"


def doctor(stack: Stack) -> list[dict[str, str]]:
    ended = basudara(stack, "agency", "doctor", BAPAS, "--json")
    found: list[dict[str, str]] = json.loads(ended.shown)
    assert ended.status == (1 if found else 0)
    return found


def rights_of(stack: Stack) -> Rights:
    site = stack.site
    return site.rights([BAPAS], filter(agreements.is_open, site.agreements()))


def take(stack: Stack) -> None:
    user = next(user for user in rights_of(stack).users if user.name == INTAKE)
    rights_of(stack)._take([(user.name, acl) for acl in user.acls if acl.name == CASES])


def lift_limit(stack: Stack) -> None:
    quotas.put(stack.reach, {INTAKE: {"producer_byte_rate": None}})


def spoil_password(stack: Stack) -> None:
    stack.secrets.passwords.file(REFERRAL, "kafka").write_text("not the one")


def lose_password(stack: Stack) -> None:
    stack.secrets.passwords.file(NOTIFICATION, "mongo").unlink()


def drop_store_user(stack: Stack) -> None:
    rights_of(stack)._drop_at_store([(f"{BAPAS}-referral", REFERRAL)])


def open_record(stack: Stack) -> None:
    more = [{"resource": {"db": f"{BAPAS}-intake-audit", "collection": "audit"}, "actions": ["update"]}]
    with stack.reach.store() as client:
        client[f"{BAPAS}-intake-audit"].command({"grantPrivilegesToRole": "adds", "privileges": more})


def end_service(stack: Stack) -> None:
    _end(stack._pid_file(f"{BAPAS}/intake"))


APPLY, ROTATE = ("agency", "apply", BAPAS), ("agency", "rotate", BAPAS)
FAULTS = [  # what is done, where the doctor finds it, what he says, and the command that mends it
    (take, INTAKE, f"does not see {CASES}", APPLY),
    (take, BAPAS, f"missing: right {INTAKE} WRITE topic {CASES}", APPLY),
    (lift_limit, BAPAS, f"missing: quota {INTAKE} producer_byte_rate", APPLY),
    (spoil_password, REFERRAL, "the broker does not let it in", ROTATE),
    (lose_password, NOTIFICATION, "no password file for the store", APPLY),
    (drop_store_user, REFERRAL, "the store does not let it write", ROTATE),
    (open_record, INTAKE, "may change what its record has sealed", ROTATE),
    (open_record, BAPAS, f"too much: {INTAKE} update on {BAPAS}-intake-audit.audit", ROTATE),
    (end_service, f"{BAPAS}/intake", "does not answer", APPLY),
]


def test_each_fault_is_named_and_what_is_advised_mends_it(town: Stack) -> None:
    """All at once: none hides another."""
    assert doctor(town) == []
    for make in dict.fromkeys(fault[0] for fault in FAULTS):
        make(town)
    found = doctor(town)
    down = town.not_running(town.site.agencies[BAPAS])
    assert down == [f"{BAPAS}/intake"], "who is not let in any more waits, and does not end"
    for _, where, told, command in FAULTS:
        named = [one for one in found if one["where"] == where and told in one["found"]]
        assert len(named) == 1, (where, told, found)
        assert f"basudara {' '.join(command)}" in named[0]["mend"]
    for command in (APPLY, ROTATE):
        assert basudara(town, *command).status == 0
    assert doctor(town) == []


def test_a_right_too_much_is_named(town: Stack) -> None:
    too_much = Acl(kind="TOPIC", name=f"{REFERRAL}.referrals.parked.v1", operation="READ")  # of the same agency, even
    rights_of(town)._give([(INTAKE, too_much)])
    found = doctor(town)
    assert [one["found"] for one in found if one["where"] == BAPAS] == [
        f"too much: {INTAKE} READ topic {too_much.name}"
    ]
    assert {one["where"] for one in found} == {BAPAS, INTAKE}
    told = basudara(town, *APPLY).shown
    assert "too much, and left" in told
    extra = rights_of(town)
    assert len(list(extra.surplus())) == 1, "an onboarding takes nothing away"
    extra.do(extra.surplus())


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
    assert [one["found"] for one in found] == ["event held-1 can't be sent: no such topic"]


def test_an_event_that_is_not_on_its_topic_any_more_is_named(town: Stack) -> None:
    row = {
        "id": "lost-1", "topic": CASES, "key": Binary(b"k"), "value": Binary(b"{}"), "headers": None,
        "aggregate": "Case:c", "version": 1,
    }  # fmt: skip
    gone = datetime.now(UTC) - timedelta(hours=1)
    with town.reach.store() as client:
        outbox: Any = client[f"{BAPAS}-intake"]["outbox"]
        outbox.insert_one({"_id": "lost-1", "at": gone, "sent": True, "sent_at": gone, "rows": [row]})
        found = doctor(town)
        outbox.delete_one({"_id": "lost-1"})
    assert [one["found"] for one in found if one["where"] == f"{BAPAS}/intake"] == [
        "1 sent and not on a topic of intake.case (first lost-1)"
    ]


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
