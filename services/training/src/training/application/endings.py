"""An enrolment ends because what carried it ended: the referral, the consent, the case."""

from datetime import datetime

from chassis.machine import SYSTEM
from chassis.work import Work
from training.application.cards import erase_card
from training.application.ports import Desk
from training.application.seats import give_back
from training.application.telling import save_enrolment
from training.domain.enrolment import MOVES, Enrolment


async def end_enrolment(enrolment: Enrolment, reason_code: str, at: datetime, work: Work, desk: Desk) -> None:
    """Withdraw who is in training, free seat or place, erase the card. What ended already keeps its end."""
    if enrolment.state in MOVES["withdraw"].starts:
        enrolment, told = enrolment.withdraw(SYSTEM, reason_code)
        save_enrolment(work, enrolment, told)
        await give_back(enrolment, "REFERRAL_STOPPED", at, work, desk)
    elif enrolment.state in MOVES["release"].starts:
        await give_back(enrolment, "REFERRAL_STOPPED", at, work, desk)
    await erase_card(enrolment.id, at, work)
