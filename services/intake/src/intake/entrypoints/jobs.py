"""What falls due: a consent's own end, the 72 hours after a withdrawal, the days of an erasure."""

from chassis.duties import Duties
from chassis.work import Duty, Work
from intake.application import consents, erasing

duties = Duties()


@duties.on(consents.ENDS)
async def expire_consent_at_its_end(duty: Duty, work: Work) -> None:
    await consents.expire_consent(duty, work)


@duties.on(consents.STOP_DEADLINE)
async def name_missing_receipts_after_72_hours(duty: Duty, work: Work) -> None:
    await consents.miss_stop_deadline(duty, work)


@duties.on(erasing.DEADLINE)
async def name_missing_receipts_when_an_erasure_is_overdue(duty: Duty, work: Work) -> None:
    await erasing.miss_erase_deadline(duty, work)
