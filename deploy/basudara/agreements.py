"""The register of agreements (KB, PKS), and what follows from it: who may read whom.

The register is a topic; its events are the only memory. `apply` opens what an agreement joins and then records it, so
that the first event finds its reader; `end` records first, so that nothing new begins, and takes readers off then.
"""

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import jsonschema_rs
from confluent_kafka.admin import AdminClient

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.envelope import Event, from_record, to_record
from deploy.basudara import records, rights
from deploy.basudara.applying import Passwords, Rights
from deploy.basudara.manifests import Agency, Agreement, BadFile
from deploy.basudara.reach import NO_ANSWER_SECONDS, Reach

RECORDED = "id.basudara.agreement.agreement.recorded.v1"
OPEN = frozenset({"ACTIVE", "SUSPENDED"})  # suspended: nothing new begins, what runs goes on and is heard


@dataclass(frozen=True, kw_only=True)
class Site:
    """One installation as its operator sees it. `agencies`: every manifest, by code."""

    reach: Reach
    passwords: Passwords
    catalogue: Catalogue
    agencies: Mapping[str, Agency]

    @cached_property
    def keeper(self) -> str:
        """Who keeps the register. Raises BadFile: nobody does."""
        found = next((one.agency for one in self.agencies.values() if one.keeps_register), None)
        if found is None:
            raise BadFile("manifests: no agency keeps the register (keeps_register: true)")
        return found

    @property
    def register_topic(self) -> str:
        return self.catalogue.channel_of(RECORDED).topic(owner=self.keeper)

    def has_register(self) -> bool:
        """No, before the agency that keeps it was applied for the first time."""
        known = AdminClient(self.reach.broker).list_topics(timeout=NO_ANSWER_SECONDS)
        return self.register_topic in known.topics

    def register(self) -> dict[str, Event]:
        """The latest event of every agreement. Raises RuntimeError where the register's topic is not there."""
        found: dict[str, Event] = {}
        for record in records.until_now(self.reach.broker, lambda name: name == self.register_topic):
            event = from_record(record.value, record.headers)
            found[event.subject] = event
        return found

    def agreements(self) -> list[Agreement]:
        return [Agreement.model_validate(event.data) for event in self.register().values()]

    def rights(self, agencies: Iterable[str], agreements: Iterable[Agreement]) -> Rights:
        """The rights of these agencies under these agreements, those of their own services included."""
        wanted = rights.wanted(self.catalogue, self.agencies, agreements)
        return Rights(self.reach, wanted, self.passwords, agencies)


@contextmanager
def _one_at_a_time(site: Site) -> Iterator[None]:
    """What a command reads of the register must still be so when it takes rights away: two at once undid each other."""
    with (site.passwords.folder / "register.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_open(agreement: Agreement) -> bool:
    return agreement.state in OPEN


def apply(agreement: Agreement, site: Site) -> str:
    """Give the parties their rights, record the agreement, and take from who is no party any more what it gave.

    Returns "recorded" or "unchanged". Raises BadFile: a party without a manifest, an umbrella that the register lacks,
    a member that the published schema refuses; RuntimeError.
    """
    with _one_at_a_time(site):
        return _apply(agreement, site)


def _apply(agreement: Agreement, site: Site) -> str:
    data = agreement.model_dump(mode="json")
    _check(data, agreement, site)
    register = site.register()
    if agreement.umbrella_number is not None and agreement.umbrella_number not in register:
        raise BadFile(f"umbrella_number: {agreement.umbrella_number} is not in the register: apply it first")
    before = register.get(agreement.number)
    others = [Agreement.model_validate(row.data) for number, row in register.items() if number != agreement.number]
    parties = _parties(data) | (_parties(before.data) if before else frozenset())
    given = site.rights(parties, [one for one in [*others, agreement] if is_open(one)])
    given.do(given.missing())
    unchanged = before is not None and dict(before.data) == data
    if not unchanged:
        _record(data, site, before)
    still = site.rights(parties, [one for one in [*others, agreement] if is_open(one) or one.state == "ENDED"])
    still.do(still.surplus())  # what runs under an ended agreement is heard to its end, until `end` says otherwise
    return "unchanged" if unchanged else "recorded"


def end(agreement: Agreement, site: Site, *, readers_off: bool) -> list[str]:
    """Record that it ended: no service begins anything new under it. Returns what was taken away, a line each.

    `readers_off`: its parties no longer hear each other either; else what runs is heard to its end.
    Raises BadFile: the register lacks it; RuntimeError.
    """
    with _one_at_a_time(site):
        return _end(agreement, site, readers_off)


def _end(agreement: Agreement, site: Site, readers_off: bool) -> list[str]:
    register = site.register()
    before = register.get(agreement.number)
    if before is None:
        raise BadFile(f"number: {agreement.number} is not in the register")
    known = Agreement.model_validate(before.data)
    ended = known.model_copy(update={"state": "ENDED"})
    if known.state != "ENDED":
        _record(ended.model_dump(mode="json"), site, before)
    others = [Agreement.model_validate(row.data) for number, row in register.items() if number != ended.number]
    heard = [one for one in others if is_open(one)] + ([] if readers_off else [ended])
    left = site.rights(_parties(before.data), heard)
    taken = list(left.surplus())
    left.do(taken)
    return [step.line for step in taken]


def _parties(data: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(party["agency"] for party in data["parties"])


def _record(data: Mapping[str, Any], site: Site, before: Event | None) -> None:
    fresh = ids.event_id()
    event = Event(
        id=fresh,
        source=f"/{site.keeper}/{rights.REGISTER}",
        type=RECORDED,
        subject=data["number"],
        time=datetime.now(UTC),
        correlationid=fresh,
        causationid=fresh,
        traceparent=ids.traceparent(),
        aggregateversion=before.aggregateversion + 1 if before else 1,
        data=dict(data),
    )
    value, headers = to_record(event)
    key = site.catalogue.channel_of(RECORDED).key_of(data).encode()
    records.send(site.reach.broker, site.register_topic, key, value, headers)


def _check(data: dict[str, Any], agreement: Agreement, site: Site) -> None:
    schema = json.loads((site.catalogue.folder / "events" / RECORDED / "schema.json").read_text())
    error = next(iter(jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(data)), None)
    if error is not None:
        raise BadFile(f"{'.'.join(map(str, error.instance_path)) or 'file'}: {error.message}")
    for party in agreement.parties:
        if party.agency not in site.agencies:
            raise BadFile(f"parties: {party.agency} has no manifest")
