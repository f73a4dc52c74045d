"""Seats given, taken back and dealt anew. Whoever touches a seat writes the one pool of its (field, place)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from chassis.calendar import day_of, end_of
from chassis.work import Duty, Work
from training.application.cards import erase_card
from training.application.ports import Desk
from training.application.telling import save_enrolment
from training.domain.cohort import Cohort
from training.domain.enrolment import WAITLIST_LIMIT, Enrolment
from training.domain.seats import Grant, OpenCohort, SeatPool, Waiting, pool_id

CONFIRM_BY = "seat.confirm_by"  # duty: a reserved seat that nobody confirmed
LINE_LIMIT = "seat.waitlist_limit"  # duty: too long in line
_PAST = timedelta(seconds=1)  # a term is over in the second after its last


async def pool_of(work: Work, field: str, place_code: str) -> SeatPool:
    id = pool_id(field, place_code)
    return await work.find(SeatPool, id) or SeatPool(id=id)


def save_pool(work: Work, pool: SeatPool) -> None:
    work.save(replace(pool, version=pool.version + 1))


async def take_seat_or_place(new: Enrolment, at: datetime, work: Work, desk: Desk) -> Enrolment:
    """Commit a newcomer's seat, or a place at the end of the line."""
    pool = (await pool_of(work, new.field, new.place_code)).queue(_waiting(new))
    pool, grants = pool.deal(desk.rules.pass_percent)
    save_pool(work, pool)
    mine = [grant for grant in grants if grant.enrolment_id == new.id]
    for grant in mine:
        new = _reserve(new, grant, at, work, desk)
    if not mine:
        new, told = new.queue(pool.place_in_line(new.id) or 1)
        save_enrolment(work, new, told)
        _limit_waiting(new, at, work, desk)
    await _seat((grant for grant in grants if grant.enrolment_id != new.id), at, work, desk)
    return new


async def deal_and_save(pool: SeatPool, at: datetime, work: Work, desk: Desk) -> None:
    """Give what is free to the head of the line, in order, and save the pool."""
    pool, grants = pool.deal(desk.rules.pass_percent)
    save_pool(work, pool)
    await _seat(grants, at, work, desk)


async def give_back(enrolment: Enrolment, reason_code: str, at: datetime, work: Work, desk: Desk) -> Enrolment:
    """Free the seat or the place in line, then deal: `seat.released` comes before the next one's `seat.reserved`."""
    after, told = enrolment.release(reason_code)
    save_enrolment(work, after, told)
    work.unschedule(CONFIRM_BY, after.id)
    work.unschedule(LINE_LIMIT, after.id)
    pool = await pool_of(work, after.field, after.place_code)
    await deal_and_save(pool.release(after.id), at, work, desk)
    return after


async def people_of(cohort: Cohort, work: Work) -> list[Enrolment]:
    """Who has a seat in the cohort, by the pool: it is what a seat given meanwhile would have changed."""
    seats = (await pool_of(work, cohort.field, cohort.place_code)).cohort(cohort.id)
    return [await work.get(Enrolment, id) for id in (seats.taken if seats else ())]


async def put_back(people: Iterable[Enrolment], cohort: Cohort, at: datetime, work: Work, desk: Desk) -> None:
    """The cohort takes nobody any more: its people go to the head of the line, in the order in which they had come."""
    ordered = sorted(people, key=lambda one: (one.queued_at, one.id))
    pool = (await pool_of(work, cohort.field, cohort.place_code)).without_cohort(cohort.id)
    pool = pool.put_back([_waiting(one) for one in ordered])
    for one in ordered:
        after, told = one.put_back(pool.place_in_line(one.id) or 1)
        save_enrolment(work, after, told)
        work.unschedule(CONFIRM_BY, after.id)
        _limit_waiting(after, at, work, desk)
    await deal_and_save(pool, at, work, desk)


async def open_seats(cohort: Cohort, at: datetime, work: Work, desk: Desk) -> None:
    pool = await pool_of(work, cohort.field, cohort.place_code)
    await deal_and_save(pool.with_cohort(_open(cohort)), at, work, desk)


async def release_unconfirmed(duty: Duty, work: Work, desk: Desk) -> None:
    """Ten working days without confirmation. Source: handbook, Enrolment release."""
    enrolment = await work.get(Enrolment, duty.subject)
    if enrolment.state == "reserved":
        await give_back(enrolment, "NOT_CONFIRMED", work.cause.at, work, desk)
        await erase_card(enrolment.id, work.cause.at, work)


async def flag_long_wait(duty: Duty, work: Work) -> None:
    """90 days in line: an officer is asked to decide; the clock decides nothing. Source: handbook, section 6."""
    enrolment = await work.get(Enrolment, duty.subject)
    if enrolment.state == "waitlisted":
        work.save(enrolment.flag(WAITLIST_LIMIT))


async def _seat(grants: Iterable[Grant], at: datetime, work: Work, desk: Desk) -> None:
    for grant in grants:
        _reserve(await work.get(Enrolment, grant.enrolment_id), grant, at, work, desk)


def _reserve(enrolment: Enrolment, grant: Grant, at: datetime, work: Work, desk: Desk) -> Enrolment:
    after, told = enrolment.reserve(grant.cohort_code, grant.programme_code, grant.starts_on, grant.hours_total)
    save_enrolment(work, after, told)
    work.unschedule(LINE_LIMIT, after.id)
    last = desk.rules.working_days.after(day_of(at), desk.rules.confirm_working_days)
    work.schedule(CONFIRM_BY, after.id, end_of(last) + _PAST)
    return after


def _limit_waiting(enrolment: Enrolment, at: datetime, work: Work, desk: Desk) -> None:
    last = day_of(at) + timedelta(days=desk.rules.waitlist_days)
    work.schedule(LINE_LIMIT, enrolment.id, end_of(last) + _PAST)


def _waiting(enrolment: Enrolment) -> Waiting:
    return Waiting(
        enrolment_id=enrolment.id,
        age_group=enrolment.age_group,
        accommodations=enrolment.accommodations,
        since=enrolment.queued_at,
    )


def _open(cohort: Cohort) -> OpenCohort:
    return OpenCohort(
        cohort_code=cohort.id,
        programme_code=cohort.programme_code,
        capacity=cohort.capacity,
        minors_only=cohort.minors_only,
        min_age=cohort.min_age,
        starts_on=cohort.starts_on,
        hours_total=cohort.hours_total,
        hours_held=cohort.hours_held,
    )
