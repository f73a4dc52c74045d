"""Promise 49: a day is the agency's. From midnight to nine in Ambon it is still the day before in UTC."""

from datetime import UTC, datetime

from intake_office import DENI, SALMA, Office

LATE, EARLY = (datetime(2027, 3, 4, hour, 30, tzinfo=UTC) for hour in (14, 15))  # 23:30 of the 4th, 0:30 of the 5th


async def test_at_half_past_midnight_the_day_that_began_in_ambon_decides(office: Office) -> None:
    """Who is a child and must have a guardian, what lies in the future, and until when a person may consent."""
    grown = {**DENI, "register_no": "REG/0044/X", "birth_date": "2009-03-05", "guardian": None}
    handed = {**SALMA, "register_no": "REG/0045/X", "handed_over_on": "2027-03-05"}
    case = await office.assessed()
    office.running.set_clock(LATE)
    for body, field in ((grown, "guardian"), (handed, "handed_over_on")):
        refused = await office.post("/cases", body)
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    await office.registered(DENI, birth_date="2009-03-05")
    assert (await office.ask(case, valid_until="2027-03-04")).status_code == 201
    office.running.set_clock(EARLY)
    await office.registered(grown)
    await office.registered(handed)
    late = await office.ask(case, "MESSAGING", valid_until="2027-03-04")
    assert (late.status_code, late.json()["field"]) == (422, "valid_until")
    told = [one.data["age_group"] for one in await office.events("case.registered")]
    assert told == ["ADULT", "CHILD_16_17", "ADULT", "ADULT"]
