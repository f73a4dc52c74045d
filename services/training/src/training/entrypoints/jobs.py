"""What becomes due: one function per duty."""

from chassis.duties import Duties
from chassis.work import Duty, Work
from training.application import cards, certificates, followups, seats
from training.application.ports import Desk


def duties(desk: Desk) -> Duties:
    due = Duties()

    @due.on(seats.CONFIRM_BY)
    async def release_unconfirmed_seat(duty: Duty, work: Work) -> None:
        await seats.release_unconfirmed(duty, work, desk)

    due.on(seats.LINE_LIMIT)(seats.flag_long_wait)
    due.on(followups.OPEN)(followups.open_followup)
    due.on(certificates.EXPIRE)(certificates.expire_certificate)
    due.on(cards.ERASE_BY)(cards.erase_old_card)
    return due
