"""What intake keeps of others' events: running referrals and agreements, for the card and for asking consent."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.work import Work
from intake.domain.agreements import Agreement
from intake.domain.disclosures import Referral


@dataclass(frozen=True, kw_only=True)
class FollowReferral:
    """`seen_version`: the aggregateversion of the event."""

    referral_id: str
    case_ref: str
    is_running: bool
    seen_version: int


@dataclass(frozen=True, kw_only=True)
class FollowAgreement:
    register: str  # the agency that keeps it
    number: str
    kind: str
    state: str
    parties: tuple[str, ...]
    valid_from: date
    valid_until: date
    seen_version: int


async def follow_referral(command: FollowReferral, work: Work) -> None:
    """An event older than what is known changes nothing, in whatever order they come."""
    known = await work.find(Referral, command.referral_id)
    if known is None:
        work.save(
            Referral(
                id=command.referral_id,
                version=1,
                seen_version=command.seen_version,
                case_ref=command.case_ref,
                is_running=command.is_running,
            )
        )
    elif known.seen_version < command.seen_version:
        newer = replace(
            known, version=known.version + 1, seen_version=command.seen_version, is_running=command.is_running
        )
        work.save(newer)


async def follow_agreement(command: FollowAgreement, work: Work) -> None:
    """An event older than what is known changes nothing."""
    id = f"{command.register}/{command.number}"
    known = await work.find(Agreement, id)
    if known is not None and known.seen_version >= command.seen_version:
        return
    work.save(
        Agreement(
            id=id,
            version=1 if known is None else known.version + 1,
            seen_version=command.seen_version,
            kind=command.kind,
            state=command.state,
            parties=command.parties,
            valid_from=command.valid_from,
            valid_until=command.valid_until,
        )
    )
