"""`basudara agreement apply`: an agreement from its file to the register's topic, where the services hear it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.envelope import Event, from_record, to_record
from deploy.basudara import records
from deploy.basudara.manifests import Agency, Agreement, BadFile
from deploy.basudara.topics import make_topics

RECORDED = "id.basudara.agreement.agreement.recorded.v1"


def apply(agreement: Agreement, kafka: str, catalogue: Catalogue, agencies: Mapping[str, Agency]) -> str:
    """Open the topics that the agreement joins, then record it. Returns "recorded" or "unchanged".

    Raises BadFile: a party without a manifest, an umbrella that the register lacks, a member that the published schema
    refuses.
    """
    data = agreement.model_dump(mode="json")
    _check(data, agreement, catalogue, agencies)
    make_topics(kafka, catalogue, agencies, agreement.pairs())
    keeper = next((one.agency for one in agencies.values() if one.keeps_register), None)
    if keeper is None:
        raise BadFile("manifests: no agency keeps the register (keeps_register: true)")
    channel = catalogue.channel_of(RECORDED)
    topic = channel.topic(owner=keeper)
    register = _register(kafka, topic)
    if agreement.umbrella_number is not None and agreement.umbrella_number not in register:
        raise BadFile(f"umbrella_number: {agreement.umbrella_number} is not in the register: apply it first")
    before = register.get(agreement.number)
    if before is not None and dict(before.data) == data:
        return "unchanged"
    fresh = ids.event_id()
    event = Event(
        id=fresh,
        source=f"/{keeper}/agreement",
        type=RECORDED,
        subject=agreement.number,
        time=datetime.now(UTC),
        correlationid=fresh,
        causationid=fresh,
        traceparent=ids.traceparent(),
        aggregateversion=before.aggregateversion + 1 if before else 1,
        data=data,
    )
    value, headers = to_record(event)
    records.send(kafka, topic, channel.key_of(data).encode(), value, headers)
    return "recorded"


def _check(data: dict[str, Any], agreement: Agreement, catalogue: Catalogue, agencies: Mapping[str, Agency]) -> None:
    schema = json.loads((catalogue.folder / "events" / RECORDED / "schema.json").read_text())
    error = next(iter(jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(data)), None)
    if error is not None:
        raise BadFile(f"{'.'.join(map(str, error.instance_path)) or 'file'}: {error.message}")
    for party in agreement.parties:
        if party.agency not in agencies:
            raise BadFile(f"parties: {party.agency} has no manifest")


def _register(kafka: str, topic: str) -> dict[str, Event]:
    """The latest event of every agreement in the register."""
    found: dict[str, Event] = {}
    for record in records.until_now(kafka, lambda name: name == topic):
        event = from_record(record.value, record.headers)
        found[event.subject] = event
    return found
