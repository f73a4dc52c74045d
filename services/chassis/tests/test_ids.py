"""Ids that follow from a cause: what is done once more says the same again (decision 0014)."""

import json
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import toy

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.outbox import Outbox
from chassis.testing import ROOT
from chassis.work import Cause, Row, Work

AT = datetime(2027, 1, 11, 0, 0, 0, 5000, UTC)
CAUSE = "0193e3a0-1c00-7abc-8123-0123456789ab"


def test_what_follows_from_a_cause_has_one_id_in_the_published_form() -> None:
    made = UUID(ids.event_id_from(CAUSE, "a", "b", at=AT))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.bytes[:6] == UUID(CAUSE).bytes[:6], "it sorts by its cause's millisecond"
    assert str(made) == ids.event_id_from(CAUSE, "a", "b", at=AT + timedelta(days=1))
    others = [ids.event_id_from(CAUSE, *told, at=AT) for told in (("a", "c"), ("ab",), ("b", "a"), ("a", "b", "0"))]
    others.append(ids.event_id_from(ids.event_id(), "a", "b", at=AT))
    assert len({str(made), *others}) == 6
    numbered = [ids.event_id_from(CAUSE, "a", "b", at=AT, number=number) for number in range(5000)]
    assert len(set(numbered)) == 5000
    assert numbered[:4096] == sorted(numbered[:4096]), "what a cause says sorts as it was said"


def test_a_cause_that_is_no_uuid_of_version_7_gives_the_millisecond_of_the_given_time() -> None:
    for cause in ("partner-1", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"):
        made = UUID(ids.event_id_from(cause, "a", at=AT))
        assert made.version == 7
        assert int.from_bytes(made.bytes[:6], "big") == 1799625600005


def test_a_derived_id_has_the_form_of_a_random_one() -> None:
    made = ids.id_from("msg", "a", "b")
    assert made == ids.id_from("msg", "a", "b") != ids.id_from("msg", "ab", "")
    assert len(made) == len(ids.new_id("msg"))


def test_a_handler_that_runs_again_says_the_same_under_the_same_ids_on_whatever_versions() -> None:
    first, again = _said(version=1), _said(version=7)
    assert [row.id for row in first] == [row.id for row in again]
    assert len({row.id for row in first}) == 3, "two of one type and one of another aggregate are told apart"
    assert [row.id for row in first] == sorted(row.id for row in first)
    assert [json.loads(row.value or b"")["id"] for row in first] == [row.id for row in first]
    assert not {row.id for row in first} & {row.id for row in _said(version=1, agency="other-office")}


def test_what_is_said_unlinked_has_a_random_id() -> None:
    one, two = (_work() for _ in range(2))
    for work in (one, two):
        work.save(toy.Tally(id="prt_a", version=1), _accepted("ref_a"), to="sender", unlinked=True)
    assert one.rows[0].id != two.rows[0].id


def _said(*, version: int, agency: str = "office") -> list[Row]:
    work = _work(agency)
    work.save(toy.Tally(id="prt_a", version=version), _accepted("ref_a"), _accepted("ref_a"), to="sender")
    work.save(toy.Tally(id="prt_b", version=version), _accepted("ref_b"), to="sender")
    return work.rows


def _work(agency: str = "office") -> Work:
    outbox = Outbox(agency, "training", Catalogue(ROOT / "contracts"))
    cause = Cause(id=CAUSE, correlation_id=CAUSE, traceparent=ids.traceparent(), at=AT)
    return Work(_Nothing(), outbox.compose, cause, outbox.unlinked)


class _Nothing:
    """A store that is not read."""

    async def load(self, kind: type, ids: list[str]) -> list[object]:
        raise AssertionError(kind)

    async def select(self, kind: type, equals: object) -> list[object]:
        raise AssertionError(kind)


def _accepted(referral_id: str) -> toy.Accepted:
    case_ref = "prt_aaaaaaaaaaaaaaaaaaaaaaaaaa"
    return toy.Accepted(referral_id=f"{referral_id:a<30}", case_ref=case_ref, accepted_at="2027-01-11T00:00:00Z")
