"""Terms that are nearly or quite over: told once, decided by a person."""

from datetime import datetime

from chassis.calendar import day_of
from chassis.work import Duty, Work
from referral.application.saving import save_steps
from referral.domain.referral import Referral
from referral.domain.rules import Rules


async def near_answer(duty: Duty, at: datetime, work: Work, rules: Rules) -> None:
    """Caught up late, the reminder is left out once the answer is overdue: then only that is told."""
    referral = await work.get(Referral, duty.subject)
    step = referral.near()
    if step is not None and referral.due_on is not None and day_of(at) <= referral.due_on:
        await save_steps(work, referral, [step], rules)


async def miss_answer(duty: Duty, work: Work, rules: Rules) -> None:
    referral = await work.get(Referral, duty.subject)
    step = referral.miss_answer(duty.late_seconds)
    if step is not None:
        await save_steps(work, referral, [step], rules)


async def miss_hold(duty: Duty, work: Work, rules: Rules) -> None:
    referral = await work.get(Referral, duty.subject)
    step = referral.miss_hold(duty.late_seconds)
    if step is not None:
        await save_steps(work, referral, [step], rules)
