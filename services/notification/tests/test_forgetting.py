"""A person is erased at intake: notification forgets the one day that tells of them."""

from notification_examples import OWN
from notification_office import Office, intake

from notification.domain.people import Person

ERASURE = "era_" + "k" * 26


async def erased(office: Office) -> None:
    data = {"erasure_id": ERASURE, "case_ref": OWN, "reason_code": "ORDERED", "erase_by": "2027-02-12T03:00:00.000Z"}
    await office.svc.hear(intake("erasure.begun"), data, subject=ERASURE)
    await office.svc.settled()


async def test_a_childs_birthday_goes_and_a_second_word_or_one_of_nobody_changes_nothing(office: Office) -> None:
    await erased(office)
    await office.knows_a_klien("CHILD_16_17", "2028-05-20")
    assert (await office.svc.service.store.get(Person, OWN)).adult_on is not None
    await erased(office)
    before = await office.svc.service.store.get(Person, OWN)
    assert (before.age_group, before.adult_on) == ("CHILD_16_17", None)
    await erased(office)
    assert await office.svc.service.store.get(Person, OWN) == before
    assert await office.svc.parked() == []
