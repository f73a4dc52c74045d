"""Participant cards kept sealed, and erased when their purpose ends."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.calendar import day_of, end_of
from chassis.errors import Gone
from chassis.work import Duty, Work
from training.application.ports import Asked, Desk, must_be_as_seen
from training.domain.card import Card, CardSeen, PersonKey
from training.domain.cohort import Cohort
from training.domain.enrolment import Enrolment
from training.domain.people import age_on

ERASE_BY = "card.erase"  # duty: retention is over


@dataclass(frozen=True, kw_only=True)
class KeepCard(Asked):
    """`content` is what intake answered; the rest is what the rules ask of it."""

    enrolment_id: str
    expected_version: int
    content: bytes
    birth_date: date
    has_guardian: bool


async def keep_card(command: KeepCard, work: Work, desk: Desk) -> Enrolment:
    """Seal the card under the person's key. Raises NotFound, StaleVersion, Gone (410), what `see_card` raises."""
    enrolment = await work.get(Enrolment, command.enrolment_id)
    must_be_as_seen(enrolment, command.expected_version)
    seen = await _judge(command, enrolment, work, desk)
    after = enrolment.see_card(command.role, seen)
    key = await _key(enrolment.case_ref, work, desk)
    sealed = desk.seals.seal(command.content, key.id, key.wrapped or "", enrolment.id)
    kept = await work.find(Card, enrolment.id)
    fresh = Card(id=enrolment.id, key_id=key.id, sealed=sealed, fetched_at=command.at)
    work.save(kept.renew(sealed, command.at) if kept else fresh)
    work.save(after)
    return after


async def erase_card(enrolment_id: str, at: datetime, work: Work) -> None:
    """Nothing if there is none. With the last card of a person the person's key goes too."""
    card = await work.find(Card, enrolment_id)
    if card is None or card.sealed is None:
        return
    work.save(card.erase(at))
    work.unschedule(ERASE_BY, enrolment_id)
    left = [one for one in await work.where(Card, key_id=card.key_id) if one.sealed is not None]
    key = await work.find(PersonKey, card.key_id)
    if key is not None and not left:
        work.save(key.erase())


async def erase_for_good(case_ref: str, at: datetime, work: Work) -> None:
    """All cards of a person, and a key that stays shut, also where none was: a card under way can't be kept."""
    for card in await work.where(Card, key_id=case_ref):
        await erase_card(card.id, at, work)
    key = await work.find(PersonKey, case_ref) or PersonKey(id=case_ref, version=0, wrapped=None)
    work.save(key.shut())


def keep_until_last_followup(enrolment_id: str, last_window_until: date, work: Work, desk: Desk) -> None:
    last = last_window_until + timedelta(days=desk.rules.card_days_after_followup)
    work.schedule(ERASE_BY, enrolment_id, end_of(last) + timedelta(seconds=1))


async def erase_old_card(duty: Duty, work: Work) -> None:
    """Source: handbook, section 6, Retention."""
    await erase_card(duty.subject, work.cause.at, work)


def read_card(card: Card, key: PersonKey, desk: Desk) -> bytes:
    """Raises Gone (410) once either is erased."""
    if card.sealed is None or key.wrapped is None:
        raise Gone(kind="card")
    return desk.seals.open(card.sealed, key.id, key.wrapped, card.id)


async def _judge(command: KeepCard, enrolment: Enrolment, work: Work, desk: Desk) -> CardSeen:
    """Ages on the card decide, not the institution: no child among adults, nobody below the course's age."""
    today = day_of(command.at)
    minor = age_on(command.birth_date, today) < desk.rules.adult_age
    old_enough = True
    if enrolment.cohort_code is not None:
        cohort = await work.get(Cohort, enrolment.cohort_code)
        first_day = max(today, cohort.starts_on)
        old_enough = age_on(command.birth_date, first_day) >= cohort.min_age and (cohort.minors_only or not minor)
    return CardSeen(fetched_at=command.at, minor=minor, guardian=command.has_guardian, old_enough=old_enough)


async def _key(case_ref: str, work: Work, desk: Desk) -> PersonKey:
    key = await work.find(PersonKey, case_ref)
    if key is not None and key.is_shut:
        raise Gone(kind="card")
    if key is not None and key.wrapped is not None:
        return key
    wrapped = desk.seals.new_key(case_ref)
    key = key.renew(wrapped) if key else PersonKey(id=case_ref, wrapped=wrapped)
    work.save(key)
    return key
