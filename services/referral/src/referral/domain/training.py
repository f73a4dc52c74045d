"""What training's facts do to a referral.

Its answer and its seats travel on two channels, so a seat may be heard before the answer that gave it. Such a fact is
kept on the referral (`early`) and played right after the answer: the story keeps its order, and nothing waits longer
than the answer itself takes. Facts of a referral that has ended change nothing: referral's word stands.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chassis.calendar import day_of
from chassis.errors import Invalid, NotYet
from chassis.machine import SYSTEM
from referral.domain.referral import (
    ACCEPTED,
    IN_PROGRESS,
    NO_SHOW,
    ON_HOLD,
    PARTICIPANT_UNAVAILABLE,
    REQUESTED,
    Fact,
    NotItsReferral,
    Referral,
    Step,
)
from referral.domain.rules import Rules

CASE, TRAINING, OFFICER = "case", "training", "officer"  # who keeps a referral on hold
NOT_CONFIRMED = "NOT_CONFIRMED"  # training gave the seat to the next person


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is so when a fact is heard. `returns`: case, eligibility and consent let a person on hold come back."""

    at: datetime
    rules: Rules
    case_suspended: bool
    returns: bool


def must_be_its(referral: Referral, agency: str, agency_case_ref: str) -> None:
    """Raises NotItsReferral (parked): only the agency a referral was made to may speak of it."""
    if referral.to_agency != agency or referral.agency_case_ref != agency_case_ref:
        raise NotItsReferral(referral_id=referral.id)


def after_fact(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    """The moves one fact makes, in order; none for what is old or of an ended referral.

    Raises NotYet for a fact whose cause was not heard, IllegalMove for one that contradicts the referral.
    """
    if referral.ended or fact.version <= referral.heard.get(fact.enrolment_id, 0):
        return []
    if referral.state == REQUESTED:
        return _kept_for_later(referral, fact)
    steps = PLAYS[fact.happened](referral, fact, moment) or [Step(referral.noted(), None)]
    last, told = steps.pop()
    return [*steps, Step(replace(last, heard={**last.heard, fact.enrolment_id: fact.version}), told)]


def after_acceptance(referral: Referral, accepted_at: datetime, stop: str | None, moment: Moment) -> list[Step]:
    """Training took the person. `stop`: the code under which the referral ends instead, where a ground has gone.

    An answer to what is no longer asked changes nothing; that the referral ended makes training release the seat.
    """
    if referral.state != REQUESTED:
        return []
    if stop is not None:
        return [referral.cancel(SYSTEM, stop, moment.at, moment.rules)]
    steps = [referral.accept(accepted_at)]
    for fact in sorted(referral.early, key=lambda one: one.version):
        steps += after_fact(steps[-1].referral, fact, moment)
    last, told = steps.pop()
    return [*steps, Step(replace(last, early=()), told)]


def after_rejection(referral: Referral, reason_code: str) -> list[Step]:
    return [referral.reject(reason_code)] if referral.state == REQUESTED else []


def _kept_for_later(referral: Referral, fact: Fact) -> list[Step]:
    if any((one.enrolment_id, one.version) == (fact.enrolment_id, fact.version) for one in referral.early):
        return []
    return [Step(referral.noted(early=(*referral.early, fact)), None)]


def _seat(status: str) -> Callable[[Referral, Fact, Moment], list[Step]]:
    def play(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
        if referral.state in (IN_PROGRESS, ON_HOLD):  # the running training changed its class: no move of the referral
            return [Step(referral.noted(business_status=status), None)]
        return [referral.progress(status, fact.reason_code, day_of(moment.at))]

    return play


def _released(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    """A seat that nobody confirmed in time ends the referral; any other release follows an end told elsewhere."""
    if fact.reason_code == NOT_CONFIRMED:
        return [referral.cancel(SYSTEM, NO_SHOW, moment.at, moment.rules)]
    return [Step(referral.noted(business_status=None, waitlisted_on=None), None)]


def _started(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    if referral.state in (IN_PROGRESS, ON_HOLD):  # a new class after the first was called off
        return _resumed(referral, fact, moment)
    steps = [referral.start(moment.at)]
    if moment.case_suspended:
        paused, told = steps[0].referral.pause(SYSTEM, CASE, PARTICIPANT_UNAVAILABLE, moment.at, moment.rules)
        steps.append(Step(paused.expects_echo(fact.correlation_id), told))
    return steps


def _suspended(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    if fact.correlation_id in referral.echoes or referral.state == ON_HOLD:
        return []
    _must_have_started(referral)
    return [referral.pause(SYSTEM, TRAINING, fact.reason_code, moment.at, moment.rules)]


def _resumed(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    """Ends the holds of training and officer; that of a suspended case stands."""
    if fact.correlation_id in referral.echoes or referral.state == IN_PROGRESS:
        return []
    _must_have_started(referral)
    if CASE in referral.holds:
        return [Step(referral.noted(holds=frozenset({CASE})), None)]
    return [referral.resume(SYSTEM, moment.at)] if moment.returns else []


def _completed(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    """A result is a fact: one that crossed a hold ends the hold first."""
    if fact.passed is None:
        raise Invalid(field="passed", rule="is told with a completed enrolment")
    _must_have_started(referral)
    steps = [referral.resume(SYSTEM, moment.at)] if referral.state == ON_HOLD else []
    return [*steps, (steps[-1].referral if steps else referral).complete(fact.passed)]


def _withdrawn(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    return [referral.cancel(SYSTEM, fact.reason_code, moment.at, moment.rules)]


def _dropped(referral: Referral, fact: Fact, moment: Moment) -> list[Step]:
    _must_have_started(referral)
    return [referral.fail(SYSTEM, fact.reason_code, moment.at)]


def _must_have_started(referral: Referral) -> None:
    if referral.state == ACCEPTED:
        raise NotYet(kind="enrolment.started", referral_id=referral.id)


PLAYS: Mapping[str, Callable[[Referral, Fact, Moment], list[Step]]] = {
    "seat.waitlisted": _seat("waitlisted"),
    "seat.reserved": _seat("scheduled"),
    "seat.released": _released,
    "enrolment.confirmed": _seat("enrolled"),
    "enrolment.started": _started,
    "enrolment.suspended": _suspended,
    "enrolment.resumed": _resumed,
    "enrolment.completed": _completed,
    "enrolment.withdrawn": _withdrawn,
    "enrolment.dropped": _dropped,
}


# -- what the case does to a running referral ------------------------------------------------------------------------


def after_suspension(referral: Referral, correlation_id: str, moment: Moment) -> list[Step]:
    """A suspended case holds what is in progress; a hold that stands already gets one more ground, in silence."""
    if referral.state == ON_HOLD and CASE not in referral.holds:
        return [Step(referral.noted(holds=referral.holds | {CASE}), None)]
    if referral.state != IN_PROGRESS:
        return []
    paused, told = referral.pause(SYSTEM, CASE, PARTICIPANT_UNAVAILABLE, moment.at, moment.rules)
    return [Step(paused.expects_echo(correlation_id), told)]


def after_return(referral: Referral, correlation_id: str, moment: Moment) -> list[Step]:
    """A resumed case ends its own hold only; whoever else holds the referral must end that."""
    if CASE not in referral.holds:
        return []
    left = referral.holds - {CASE}
    if left or not moment.returns:
        return [Step(referral.noted(holds=left), None)]
    resumed, told = referral.resume(SYSTEM, moment.at)
    return [Step(resumed.expects_echo(correlation_id), told)]
