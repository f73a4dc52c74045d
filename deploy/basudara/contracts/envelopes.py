"""What one event must be: a CloudEvent 1.0, with our attributes, of a published type, with the payload of that type."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chassis.catalogue import NotInCatalogue
from deploy.basudara.contracts.catalogues import Contracts, validator_of
from deploy.basudara.contracts.findings import Finding, described, finding, of_schema

NAME = re.compile(r"[a-z0-9]{1,20}")  # CloudEvents 1.0, "Attribute Naming Convention"
INTEGER = 2**31  # CloudEvents 1.0, "Type System": a whole number of 32 bit
_CORE = validator_of(
    {
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1, "format": "uri-reference"},
            "type": {"type": "string", "minLength": 1},
            "subject": {"type": "string", "minLength": 1},
            "time": {"type": "string", "format": "date-time"},
            "dataschema": {"type": "string", "minLength": 1, "format": "uri"},
            "datacontenttype": {"type": "string", "pattern": '^[-+.\\w]+/[-+.\\w]+(\\s*;\\s*[-.\\w]+=[-.\\w"]+)*$'},
        },
    }
)


def broken(event: Any, contracts: Contracts) -> Iterator[Finding]:
    """Everything that is wrong. Raises BadFile where the contracts can't say."""
    if not isinstance(event, dict):
        yield finding((), "event", f"must be a JSON object, found {described(event)}")
        return
    there = {name: value for name, value in event.items() if value is not None}  # null is "not there", JSON format 2.2
    standard = list(_cloudevent(there))
    yield from standard
    judged = {one.pointer for one in standard if one.pointer}  # once is enough for each attribute
    ours = [*contracts.holds("envelope", there), *_of_type(there, contracts)]
    yield from (one for one in ours if one not in standard and one.pointer not in judged)


def _cloudevent(event: Mapping[str, Any]) -> Iterator[Finding]:
    """The standard alone."""
    yield from of_schema(_CORE, dict(event), quote=False)
    for name, value in event.items():
        if name in ("data", "data_base64"):
            continue
        if not NAME.fullmatch(name):
            yield finding([name], "name", "an attribute's name is 1 to 20 of a-z and 0-9")
        elif not isinstance(value, str | int):
            yield finding([name], "type", f"must be a text, a whole number or true/false, found {described(value)}")
        elif isinstance(value, int) and not -INTEGER <= value < INTEGER:
            yield finding([name], "maximum", "a whole number beyond 32 bit")
    if "data_base64" in event:
        yield finding(["data_base64"], "data", "a payload here is JSON, in the member data")


def _of_type(event: Mapping[str, Any], contracts: Contracts) -> Iterator[Finding]:
    kind = event.get("type")
    if not isinstance(kind, str) or not kind:
        return
    if kind not in contracts.types:
        yield finding(["type"], "unknown-type", "not a type of the catalogue")
        return
    channel = contracts.catalogue.channel_of(kind)
    source, data, time = event.get("source"), event.get("data"), event.get("time")
    if isinstance(source, str) and source.rsplit("/", 1)[-1] != channel.service:
        yield finding(["source"], "owner", f"this type is told by {channel.service} alone")
    if isinstance(event.get("dataschema"), str) and event["dataschema"] != f"urn:basudara:events:{kind}":
        yield finding(["dataschema"], "dataschema", f"must be urn:basudara:events:{kind}")
    if isinstance(time, str) and not time.endswith("Z"):
        yield finding(["time"], "utc", "must be in UTC, ending in Z")
    if not isinstance(data, dict):
        return
    yield from of_schema(contracts.payload(kind), data, ("data",), quote=False)
    if isinstance(event.get("subject"), str) and event["subject"] not in data.values():
        yield finding(["subject"], "subject", "must be the id, also in the payload, of what the event is about")
    try:
        channel.key_of(data)
    except NotInCatalogue:
        yield finding(["data"], "key", f"has no key: one of {', '.join(channel.key)} must be told")
