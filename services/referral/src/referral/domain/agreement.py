"""Agreements as referral knows them: a referral is made only under a technical PKS in force.

Source: domain handbook, sections 3.4, 5 (request) and 6 (agreements).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from chassis.errors import Conflict

TECHNICAL, UMBRELLA = "TECHNICAL", "UMBRELLA"


class NoAgreement(Conflict):
    """No technical PKS in force has both agencies as sender and trainer. Facts: `to_agency`."""

    code, title = "no_agreement", "Tidak ada PKS yang berlaku dengan instansi tujuan"


class OutOfScope(Conflict):
    """The PKS in force do not cover the field. Facts: `field`."""

    code, title = "out_of_scope", "Bidang pelatihan tidak tercakup dalam PKS"


class OutOfTerritory(Conflict):
    """The PKS in force do not cover the home, or the home is not known."""

    code, title = "out_of_territory", "Wilayah tempat tinggal tidak tercakup dalam PKS"


@dataclass(frozen=True, kw_only=True)
class Party:
    agency: str
    role: str  # SENDER, TRAINER, WITNESS


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Newest known text of one agreement. A number is unique in one register only, so `id` holds both: see `key`.
    `seen` is the version the register gave it."""

    id: str
    version: int
    seen: int
    register: str  # agency whose register holds it
    number: str
    kind: str
    umbrella_number: str | None
    parties: tuple[Party, ...]
    scope: frozenset[str]
    territory: frozenset[str]
    valid_from: date
    valid_until: date
    state: str

    def in_force(self, day: date) -> bool:
        return self.state == "ACTIVE" and self.valid_from <= day <= self.valid_until

    def joins(self, sender: str, trainer: str) -> bool:
        roles = {(party.agency, party.role) for party in self.parties}
        return {(sender, "SENDER"), (trainer, "TRAINER")} <= roles


def key(register: str, number: str) -> str:
    return f"{register}/{number}"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an agreement must cover. `home_area` is a regency code, None when the home is not known."""

    sender: str
    trainer: str
    field: str
    home_area: str | None


def covering(known: Iterable[Agreement], wish: Wish, day: date) -> Agreement:
    """The technical PKS under which the wish may be asked on that day, the lowest number first.

    Raises NoAgreement, OutOfScope, OutOfTerritory (409): the last hurdle that no agreement took.
    """
    all_known = list(known)
    umbrellas = {(one.register, one.number) for one in all_known if one.kind == UMBRELLA and one.in_force(day)}
    joining = [
        one
        for one in sorted(all_known, key=lambda one: one.id)
        if one.kind == TECHNICAL
        and one.in_force(day)
        and (one.register, one.umbrella_number) in umbrellas
        and one.joins(wish.sender, wish.trainer)
    ]
    if not joining:
        raise NoAgreement(to_agency=wish.trainer)
    scoped = [one for one in joining if wish.field in one.scope]
    if not scoped:
        raise OutOfScope(field=wish.field)
    for one in scoped:
        if wish.home_area in one.territory:
            return one
    raise OutOfTerritory(to_agency=wish.trainer)
