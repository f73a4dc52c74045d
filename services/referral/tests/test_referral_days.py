"""Promise 49: a day is the agency's. From midnight to nine in Ambon it is still the day before in UTC."""

from datetime import date

from referral_story import Story, at

THURSDAY, FRIDAY = date(2027, 1, 21), date(2027, 1, 22)


async def test_who_asks_at_half_past_midnight_asks_on_the_day_that_began_in_ambon(story: Story) -> None:
    """The answer is due five working days after that day, and what held until the day before holds no more."""
    late, early, lapsed = [(await story.ready(until=until))[0] for until in ("2027-01-21", "2027-04-15", "2027-01-21")]
    story.svc.set_clock(at(THURSDAY, 23, 30))
    asked = await story.requested(late)
    assert (await story.told(asked))[0][1]["due_on"] == "2027-01-28"
    story.svc.set_clock(at(FRIDAY, 0, 30))
    asked = await story.requested(early)
    assert (await story.told(asked))[0][1]["due_on"] == "2027-01-29"
    refused = await story.move(await story.drafted(lapsed), "request")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:basudara:problem:not_eligible")
