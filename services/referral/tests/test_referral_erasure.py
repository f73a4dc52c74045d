"""A person is erased at intake: what referral keeps of the case tells of nobody."""

from referral_story import Story

from chassis.ids import new_id
from referral.domain.participant import Participant


async def erased(story: Story, case: str) -> None:
    facts = {"case_ref": case, "reason_code": "ORDERED", "erase_by": "2027-02-17T03:00:00.000Z"}
    erasure_id = new_id("era")
    await story.hear("intake.erasure.begun", erasure_id, {"erasure_id": erasure_id, **facts}, version=1)


async def test_no_birthday_home_or_end_of_supervision_stays_and_a_second_word_changes_nothing(story: Story) -> None:
    case, _, _ = await story.ready(age_group="CHILD_16_17", age_group_until="2028-05-20")
    other, _, _ = await story.ready(age_group="CHILD_16_17", age_group_until="2028-06-21")
    await story.case("closed", case, reason_code="ENDED", aftercare=False)
    await erased(story, case)
    await story.svc.settled()
    before = await story.svc.service.store.get(Participant, case)
    assert (before.age_group, before.age_group_until) == ("CHILD_16_17", None)
    assert (before.home_area, before.referable_until) == (None, None)
    await erased(story, case)
    await story.svc.settled()
    assert await story.svc.service.store.get(Participant, case) == before
    kept = await story.svc.service.store.get(Participant, other)
    assert kept.age_group_until is not None, "nobody else was touched"
    assert await story.svc.parked() == []
