"""A store that was put back: its service hears what came since before anybody can ask it (decision 0017)."""

import pytest
import toy
from test_a_running_service import CASE, referral, tell

from chassis.restored import NOTE, RESTORED, HalfRestored
from chassis.running import Service
from chassis.testing import Running

SINCE = [number for number in range(3, 60) if not set("89") & set(str(number))]  # an id has no such digit


async def test_a_door_opens_and_duties_fall_due_when_all_was_heard_that_came_since(toy_service: Running) -> None:
    await tell(toy_service, 2)
    await toy_service.settled()
    before = toy_service.service
    await before.stop()
    for number in SINCE:
        await toy_service.hear(toy.REQUESTED, referral(number), source=toy_service.partner, subject=f"ref-{number}")
    topic = f"{toy_service.partner}.referral.referral.to.{toy_service.agency}.v1"
    ends = {one.partition: one.offset + 1 for one in await toy_service.records(topic)}
    until = [{"topic": topic, "partition": partition, "until": end} for partition, end in ends.items()]
    after = toy_service.service = Service("training", before.settings, toy.build(before.settings))
    await _note(after, whole=True, until=until)
    await after.start()
    tally = await after.store.get(toy.Tally, CASE)
    assert len(tally.seen) == 1 + len(SINCE), "its door is open"
    assert await after.database.find(RESTORED, {}) == [], "and the next start waits for nothing"


async def test_what_was_half_put_back_is_not_started_on(toy_service: Running) -> None:
    before = toy_service.service
    await before.stop()
    after = Service("training", before.settings, toy.build(before.settings))
    await _note(after, whole=False, until=[])
    with pytest.raises(HalfRestored):
        await after.start()
    toy_service.service = Service("training", before.settings, toy.build(before.settings))
    await toy_service.service.database[RESTORED].delete_one({"_id": NOTE})
    await toy_service.service.start()


async def _note(service: Service, **more: object) -> None:
    await service.database[RESTORED].insert_one({"_id": NOTE, "database": service.settings.database, **more})
