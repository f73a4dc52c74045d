"""What every command that moves a referral does after the domain has decided."""

from collections.abc import Iterable

from chassis.calendar import day_of, start_of
from chassis.errors import Conflict
from chassis.work import Work
from referral import wire
from referral.domain.agreement import Agreement, Wish, covering
from referral.domain.participant import Participant
from referral.domain.referral import (
    CONSENT_WITHDRAWN,
    ON_HOLD,
    PARTICIPANT_UNAVAILABLE,
    REQUESTED,
    Referral,
    Step,
)
from referral.domain.rules import Rules, over_at
from referral.domain.training import Moment

ANSWER_NEARED, ANSWER_MISSED, HOLD_LIMIT = "referral.answer_neared", "referral.answer_missed", "referral.hold_limit"


async def save_steps(work: Work, before: Referral, steps: Iterable[Step], rules: Rules) -> Referral:
    """Stage each step with what it tells, then bring duties and the person's list of open referrals in line."""
    after = before
    for after, told in steps:
        if told is None:
            work.save(after)
        else:
            work.save(after, wire.said(after, told), to=after.to_agency)
    _schedule(work, before, after, rules)
    if after.ended and not before.ended:
        await _take_off_the_list(work, after)
    return after


def _schedule(work: Work, before: Referral, after: Referral, rules: Rules) -> None:
    if after.state == REQUESTED != before.state and after.due_on is not None:
        work.schedule(ANSWER_NEARED, after.id, start_of(rules.neared_on(after.due_on)))
        work.schedule(ANSWER_MISSED, after.id, over_at(after.due_on))
    if before.state == REQUESTED != after.state:
        work.unschedule(ANSWER_NEARED, after.id)
        work.unschedule(ANSWER_MISSED, after.id)
    if after.hold_due_on is not None and after.hold_due_on != before.hold_due_on:
        work.schedule(HOLD_LIMIT, after.id, over_at(after.hold_due_on))
    if before.state == ON_HOLD != after.state:
        work.unschedule(HOLD_LIMIT, after.id)


async def _take_off_the_list(work: Work, ended: Referral) -> None:
    participant = await work.find(Participant, ended.case_ref)
    if participant is not None and ended.id in participant.open:
        work.save(participant.ends(ended.id))


async def agreements(work: Work) -> list[Agreement]:
    """All that are active; dates and parties are the domain's to judge."""
    return await work.where(Agreement, state="ACTIVE")


async def why_not_accepted(work: Work, referral: Referral, person: Participant, moment: Moment) -> str | None:
    """The neutral code under which a requested referral ends when a ground has gone since, else None."""
    day = day_of(moment.at)
    if person.consent_for(referral.to_agency, day) is None:
        return CONSENT_WITHDRAWN
    if not person.eligible(referral.field, day):
        return PARTICIPANT_UNAVAILABLE
    wish = Wish(
        sender=moment.rules.sender, trainer=referral.to_agency, field=referral.field, home_area=person.home_area
    )
    try:
        covering(await agreements(work), wish, day)
    except Conflict:
        return PARTICIPANT_UNAVAILABLE
    return None
