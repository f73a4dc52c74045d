"""Agreements, as their register tells them."""

from dataclasses import dataclass
from datetime import date

from chassis.work import Work
from referral.domain.agreement import Agreement, Party, key


@dataclass(frozen=True, kw_only=True)
class KnowAgreement:
    number: str
    register: str
    register_version: int
    kind: str
    umbrella_number: str | None
    parties: tuple[Party, ...]
    scope: frozenset[str]
    territory: frozenset[str]
    valid_from: date
    valid_until: date
    state: str


async def know_agreement(command: KnowAgreement, work: Work) -> None:
    """Keep the newest text. A suspended or ended PKS stops new requests; running referrals finish."""
    before = await work.find(Agreement, key(command.register, command.number))
    if before is not None and command.register_version <= before.seen:
        return
    after = Agreement(
        id=key(command.register, command.number),
        number=command.number,
        version=1 if before is None else before.version + 1,
        seen=command.register_version,
        register=command.register,
        kind=command.kind,
        umbrella_number=command.umbrella_number,
        parties=command.parties,
        scope=command.scope,
        territory=command.territory,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        state=command.state,
    )
    work.save(after)
