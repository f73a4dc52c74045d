"""Timed duties: due dates in the store, each done once."""

from chassis.duties import Duties
from chassis.work import Duty, Work
from referral.application import consents, deadlines, saving
from referral.domain.rules import Rules


def duties(rules: Rules) -> Duties:
    due = Duties()

    @due.on(saving.ANSWER_NEARED)
    async def near_answer(duty: Duty, work: Work) -> None:
        await deadlines.near_answer(duty, work.cause.at, work, rules)

    @due.on(saving.ANSWER_MISSED)
    async def miss_answer(duty: Duty, work: Work) -> None:
        await deadlines.miss_answer(duty, work, rules)

    @due.on(saving.HOLD_LIMIT)
    async def miss_hold(duty: Duty, work: Work) -> None:
        await deadlines.miss_hold(duty, work, rules)

    @due.on(consents.GRACE_OVER)
    async def end_grace(duty: Duty, work: Work) -> None:
        await consents.end_grace(duty.subject, work.cause.at, work, rules)

    return due
