"""Seats of one field and place: who gets the next one, and in which order."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from training.domain.seats import OpenCohort, SeatPool, Waiting

EARLY = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)


def someone(number: int, age_group: str = "ADULT") -> Waiting:
    return Waiting(
        enrolment_id=f"enr_{number}", age_group=age_group, accommodations=(), since=EARLY + timedelta(minutes=number)
    )


def a_class(
    code: str = "W1", capacity: int = 2, *, minors_only: bool = False, hours_held: int = 0, min_age: int = 14
) -> OpenCohort:
    return OpenCohort(
        cohort_code=code,
        programme_code="WELD",
        capacity=capacity,
        minors_only=minors_only,
        min_age=min_age,
        starts_on=date(2027, 2, 1),
        hours_total=100,
        hours_held=hours_held,
    )


def pool(*cohorts: OpenCohort) -> SeatPool:
    return SeatPool(id="WELDING@blk-passo", cohorts=cohorts)


def seated(one: SeatPool) -> list[str]:
    return [enrolment for cohort in one.cohorts for enrolment in cohort.taken]


def test_full_class_gives_a_waitlist_place() -> None:
    full = pool(a_class(capacity=1))
    full, first = full.queue(someone(1)).deal(80)
    full, second = full.queue(someone(2)).deal(80)
    assert [grant.enrolment_id for grant in first] == ["enr_1"]
    assert second == ()
    assert full.place_in_line("enr_2") == 1


def test_a_released_seat_goes_to_the_first_of_the_line() -> None:
    full = pool(a_class(capacity=1))
    for number in (1, 2, 3, 4):
        full, _ = full.queue(someone(number)).deal(80)
    full, grants = full.release("enr_1").deal(80)
    assert [grant.enrolment_id for grant in grants] == ["enr_2"]
    assert [full.place_in_line(f"enr_{number}") for number in (2, 3, 4)] == [None, 1, 2]


def test_a_new_cohort_is_filled_in_the_order_of_the_line() -> None:
    empty = pool()
    for number in (1, 2, 3):
        empty, _ = empty.queue(someone(number)).deal(80)
    after, grants = empty.with_cohort(a_class()).deal(80)
    assert [grant.enrolment_id for grant in grants] == ["enr_1", "enr_2"]
    assert after.place_in_line("enr_3") == 1


def test_children_and_adults_never_share_a_class_and_wait_in_their_own_order() -> None:
    mixed = pool(a_class("ADULTS", 1), a_class("CHILDREN", 1, minors_only=True))
    for number, age_group in enumerate(("ADULT", "ADULT", "CHILD_16_17", "CHILD_14_15"), start=1):
        mixed, _ = mixed.queue(someone(number, age_group)).deal(80)
    adults, children = mixed.cohort("ADULTS"), mixed.cohort("CHILDREN")
    assert adults is not None
    assert children is not None
    assert (adults.taken, children.taken) == (("enr_1",), ("enr_3",))
    assert mixed.place_in_line("enr_2") == 1
    assert mixed.place_in_line("enr_4") == 1


def test_a_child_of_fourteen_gets_no_seat_in_a_course_from_sixteen() -> None:
    after, grants = pool(a_class(minors_only=True, min_age=16)).queue(someone(1, "CHILD_14_15")).deal(80)
    assert grants == ()
    assert after.place_in_line("enr_1") == 1


def test_nobody_is_seated_in_a_running_cohort_whose_80_percent_is_out_of_reach() -> None:
    _, still = pool(a_class(hours_held=20)).queue(someone(1)).deal(80)
    _, late = pool(a_class(hours_held=21)).queue(someone(1)).deal(80)
    assert len(still) == 1
    assert late == ()


def test_people_of_a_cancelled_cohort_go_to_the_head_of_the_line_in_their_order() -> None:
    full = pool(a_class(capacity=2))
    for number in (1, 2, 3):
        full, _ = full.queue(someone(number)).deal(80)
    back = full.without_cohort("W1").put_back([someone(2), someone(1)])
    assert [back.place_in_line(f"enr_{number}") for number in (1, 2, 3)] == [1, 2, 3]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("come", "go")), st.integers(0, 30)), max_size=60), st.integers(1, 4))
def test_whatever_happens_seats_are_never_oversold_and_nobody_overtakes(
    steps: list[tuple[str, int]], capacity: int
) -> None:
    one, came, got = pool(a_class(capacity=capacity)), list[str](), list[str]()
    for what, number in steps:
        id = f"enr_{number}"
        if what == "come" and id not in came:
            came.append(id)
            one, grants = one.queue(someone(number)).deal(80)
        else:
            one, grants = one.release(id).deal(80)
        got += [grant.enrolment_id for grant in grants]
        assert len(seated(one)) <= capacity
        assert not (one.line and len(seated(one)) < capacity), "a free seat while somebody waits"
        assert not set(seated(one)) & {waiting.enrolment_id for waiting in one.line}
    assert got == [id for id in came if id in got], "seats were given out of order"
