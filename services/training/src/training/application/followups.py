"""Follow-ups planned, opened and recorded, as far as a consent carries them."""

from dataclasses import dataclass
from datetime import date

from chassis.calendar import day_of, start_of
from chassis.errors import Conflict
from chassis.ids import new_id
from chassis.machine import NEW, SYSTEM, choose
from chassis.work import Duty, Work
from training import wire
from training.application.cards import keep_until_last_followup
from training.application.ports import Asked, Desk, must_be_as_seen
from training.domain.consent import LIVELIHOOD_FOLLOWUP, Consent
from training.domain.enrolment import Enrolment
from training.domain.followup import MOVES, FollowUp, window

OPEN = "followup.open"  # duty: the window of a follow-up opens


class NoConsent(Conflict):
    """Nobody is asked about the livelihood without consent LIVELIHOOD_FOLLOWUP."""

    code, title = "no_consent", "Tidak ada persetujuan untuk pendampingan"


@dataclass(frozen=True, kw_only=True)
class RecordFollowUp(Asked):
    """`made_on` is the WIT day on which the person was asked."""

    followup_id: str
    answered: bool
    outcome_code: str | None
    made_on: date
    expected_version: int | None


def plan_followups(completed: Enrolment, today: date, work: Work, desk: Desk) -> None:
    """Day 0 is the day of completion. Source: handbook, workflow 7."""
    choose(MOVES, "plan", NEW, SYSTEM)
    for one in desk.rules.followups:
        window_from, window_until = window(today, one)
        followup = FollowUp(
            id=new_id("fol"),
            enrolment_id=completed.id,
            referral_id=completed.referral_id,
            case_ref=completed.case_ref,
            from_agency=completed.from_agency,
            day=one.day,
            window_from=window_from,
            window_until=window_until,
        )
        work.save(followup)
        work.schedule(OPEN, followup.id, start_of(window_from))
    last_day = max(window(today, one)[1] for one in desk.rules.followups)
    keep_until_last_followup(completed.id, last_day, work, desk)


async def open_followup(duty: Duty, work: Work) -> None:
    """The window opens: told to the sender while the case is open; stopped where no consent carries it."""
    followup = await work.get(FollowUp, duty.subject)
    if followup.state not in MOVES["open"].starts:
        return
    if not await _is_carried(followup, day_of(work.cause.at), work):
        work.save(followup.stop())
        return
    enrolment = await work.get(Enrolment, followup.enrolment_id)
    after, told = followup.open()
    if enrolment.case_closed:
        work.save(after)  # a due date joined with a person is none of the sender's business any more
        return
    work.save(after, *wire.said(told, _references(after)), to=after.from_agency)


async def record_followup(command: RecordFollowUp, work: Work, desk: Desk) -> FollowUp:
    """Raises NotFound, StaleVersion, NoConsent and AskedToday (409), Invalid (422)."""
    followup = await work.get(FollowUp, command.followup_id)
    must_be_as_seen(followup, command.expected_version)
    after, told = followup.record(command.role, command.answered, command.outcome_code, command.made_on, desk.rules)
    if not await _is_carried(followup, day_of(command.at), work):
        raise NoConsent(followup_id=followup.id)
    enrolment = await work.get(Enrolment, followup.enrolment_id)
    if enrolment.case_closed:
        work.save(after, *wire.said(told, _counted_only()), to=after.from_agency, unlinked=True)
    else:
        work.save(after, *wire.said(told, _references(after)), to=after.from_agency)
    return after


async def stop_followups(case_ref: str, from_agency: str, work: Work) -> None:
    """The consent LIVELIHOOD_FOLLOWUP was withdrawn: nobody is asked any more."""
    for followup in await work.where(FollowUp, case_ref=case_ref):
        if followup.from_agency == from_agency and followup.state in MOVES["stop"].starts:
            work.save(followup.stop())
            work.unschedule(OPEN, followup.id)


async def _is_carried(followup: FollowUp, day: date, work: Work) -> bool:
    consents = await work.where(Consent, case_ref=followup.case_ref)
    return any(one.allows(LIVELIHOOD_FOLLOWUP, day) for one in consents)


def _references(followup: FollowUp) -> dict[str, str | None]:
    return {
        "followup_id": followup.id,
        "enrolment_id": followup.enrolment_id,
        "referral_id": followup.referral_id,
        "case_ref": followup.case_ref,
    }


def _counted_only() -> dict[str, str | None]:
    """No person, and a fresh id: the true one was told with the person when the window opened."""
    return {"followup_id": new_id("fol"), "enrolment_id": None, "referral_id": None, "case_ref": None}
