"""Whom a message is for, and what keeps it from being asked twice."""

from datetime import date, timedelta

import pytest
from notification_examples import NOON, OWN, PAIR, wit

from notification.application.asking import sides
from notification.domain.people import Asked, Mailbox, Newest, Pair, Person, mailbox_id

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("age_group", "until", "day", "role"),
    [
        ("ADULT", None, "2027-01-13", "KLIEN"),
        ("CHILD_16_17", date(2027, 1, 14), "2027-01-13", "GUARDIAN"),
        ("CHILD_16_17", date(2027, 1, 13), "2027-01-13", "KLIEN"),
        ("CHILD_14_15", date(2025, 1, 14), "2027-01-13", "GUARDIAN"),
        ("CHILD_14_15", date(2025, 1, 13), "2027-01-13", "KLIEN"),
        ("CHILD_12_13", date(2023, 1, 14), "2027-01-13", "GUARDIAN"),
        ("CHILD_12_13", date(2023, 1, 13), "2027-01-13", "KLIEN"),
        ("CHILD_14_15", date(2024, 2, 29), "2026-02-28", "GUARDIAN"),  # born on 29 February
        ("CHILD_14_15", date(2024, 2, 29), "2026-03-01", "KLIEN"),
        ("CHILD_16_17", None, "2027-01-13", "GUARDIAN"),  # a child whose birthday is not told stays one
    ],
)
def test_a_minors_guardian_is_told_until_the_eighteenth_birthday(
    age_group: str, until: date | None, day: str, role: str
) -> None:
    person = Person(id=OWN, version=1).registered(age_group, until)
    assert person.told_by(wit(day, "00:00")) == role


def test_the_birthday_begins_at_midnight_of_ambon() -> None:
    person = Person(id=OWN, version=1).registered("CHILD_16_17", date(2027, 1, 14))
    assert person.told_by(wit("2027-01-13", "23:59")) == "GUARDIAN"
    assert person.told_by(wit("2027-01-14", "00:00")) == "KLIEN"


class TestConsents:
    def test_nothing_heard_is_no_stop(self) -> None:
        assert not Pair(id=PAIR, version=1).stopped

    @pytest.mark.parametrize(
        ("purpose", "stops"), [("MESSAGING", True), ("TRAINING", True), ("LIVELIHOOD_FOLLOWUP", False)]
    )
    def test_what_ended_stops_messages_where_messages_rest_on_it(self, purpose: str, stops: bool) -> None:
        pair = Pair(id=PAIR, version=1).permitted("c1", purpose, True).permitted("c1", purpose, False)
        assert pair.stopped == stops

    def test_a_new_consent_allows_again(self) -> None:
        pair = Pair(id=PAIR, version=1).permitted("c1", "MESSAGING", False).permitted("c2", "MESSAGING", True)
        assert not pair.stopped

    def test_a_superseded_consent_does_not_outlive_the_end_of_its_successor(self) -> None:
        pair = Pair(id=PAIR, version=1).permitted("c1", "MESSAGING", True).permitted("c2", "MESSAGING", True)
        assert pair.permitted("c1", "MESSAGING", False).permitted("c2", "MESSAGING", False).stopped


class TestOldNews:
    def test_an_event_heard_before_is_old(self) -> None:
        heard = Newest(id="x", version=0).hear(3, "a")
        assert heard is not None
        assert heard.hear(3, "a") is None
        assert heard.hear(2, "b") is None

    def test_two_events_of_one_move_are_both_new(self) -> None:
        heard = Newest(id="x", version=0).hear(3, "a")
        assert heard is not None
        both = heard.hear(3, "b")
        assert both is not None
        assert both.hear(3, "a") is None
        assert both.hear(4, "a") is not None


class TestMailbox:
    def box(self, at_hours: float = 0) -> Mailbox:
        asked = Asked(message_id="m1", template="NEWS", case_ref=PAIR, at=NOON + timedelta(hours=at_hours))
        return Mailbox(id="x", version=0).note_asked(asked, DAY)

    def test_one_template_for_one_case_within_a_day(self) -> None:
        assert self.box().repeats("NEWS", PAIR, NOON + timedelta(hours=23, minutes=59), DAY)
        assert not self.box().repeats("NEWS", PAIR, NOON + DAY, DAY)
        assert not self.box().repeats("OTHER", PAIR, NOON, DAY)
        assert not self.box().repeats("NEWS", OWN, NOON, DAY)

    def test_what_was_never_sent_keeps_nothing_from_being_sent(self) -> None:
        assert not self.box().forget_asked("m1").repeats("NEWS", PAIR, NOON, DAY)

    def test_messages_are_counted_by_the_day_of_ambon(self) -> None:
        box = Mailbox(id="x", version=0).note_sent(wit("2027-01-13", "20:00")).note_sent(wit("2027-01-13", "20:30"))
        assert box.sent_on(date(2027, 1, 13)) == 2
        assert box.note_sent(wit("2027-01-14", "06:00")).sent_on(date(2027, 1, 14)) == 1

    def test_each_role_of_a_case_and_each_officer_has_an_own_one(self) -> None:
        ids = {mailbox_id(OWN, "KLIEN", None), mailbox_id(OWN, "GUARDIAN", None), mailbox_id(OWN, "X", "officer-1")}
        assert len(ids) == 3
        assert mailbox_id(PAIR, "X", "officer-1") in ids


@pytest.mark.parametrize(
    ("source", "agency", "expected"),
    [
        ("/bapas-contoh/referral", None, {"SENDER"}),
        ("/bapas-contoh/intake", None, {"SENDER"}),
        ("/dinas-contoh/training", None, {"SENDER"}),
        ("/lain-contoh/referral", None, {"TRAINER"}),
        ("/bapas-contoh/training", None, {"TRAINER"}),
        ("/bapas-contoh/referral", "bapas-contoh", {"SENDER", "TRAINER"}),  # it refers to its own unit
        ("/dinas-contoh/training", "dinas-contoh", {"SENDER"}),
    ],
)
def test_the_side_of_an_agency_follows_from_who_speaks(source: str, agency: str | None, expected: set[str]) -> None:
    pair = Pair(id=PAIR, version=1, person=OWN, agency=agency)
    assert sides(source, "bapas-contoh", pair) == expected
