"""Promise 37 over the whole stack: facts that are told again, as other events, change nothing anywhere."""

import json
import uuid
from collections import Counter
from dataclasses import replace

from deploy.basudara.stack import Stack
from tests.system.play import Played
from tests.system.seeing import Record, at_rest, put, records

NOTED = "inbox"  # that it was heard: of each event by its id
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
REGISTER = "id.basudara.agreement."
UNSENT = tuple(f"id.basudara.notification.message.{what}." for what in ("expired", "suppressed"))


def again(one: Record) -> Record:
    """The same fact at the same version of its subject, by an event that shares no id with the first."""
    fresh = {name: str(uuid.uuid4()) for name in ("id", "correlationid", "causationid")}
    trace = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    return replace(one, value=json.dumps({**one.said, **fresh, "traceparent": trace}).encode(), headers=STRUCTURED)


def test_every_fact_of_the_stories_told_again_under_another_id_changes_nothing(stack: Stack, played: Played) -> None:
    """Notification forgets its news when no topic holds them any more, and these are older: told again, it tells nobody
    of what is past. That it knows news of late is its own test (`test_stops_and_limits`)."""
    persons = (played.yopi, played.frans, *played.crowd)
    refs = {ref for one in persons for ref in one.refs.values()}
    held, before = at_rest(stack), records(stack)
    facts = [
        one
        for one in before
        if one.topic.rsplit(".", 2)[-2] not in ("retry", "parked")
        and (one.said.get("data", {}).get("case_ref") in refs or one.said.get("type", "").startswith(REGISTER))
    ]
    assert len({one.said["type"] for one in facts}) > 20
    put(stack, *(again(one) for one in facts))
    after = at_rest(stack)
    told = Counter(one.said.get("type", "set aside") for one in records(stack))
    more = told - Counter(one.said.get("type", "set aside") for one in (*before, *facts))
    assert [kind for kind in more if not kind.startswith(UNSENT)] == [], "somebody answered, told, or set one aside"
    changed = []
    for name, kinds in after.items():
        if not name.endswith("/notification"):
            changed += [f"{name} {kind}" for kind, rows in kinds.items() if kind != NOTED and rows != held[name][kind]]
    assert changed == []
    heard = sum(len(kinds[NOTED]) - len(held[name][NOTED]) for name, kinds in after.items())
    assert heard > len(facts) / 2, "they were heard as events of their own"
