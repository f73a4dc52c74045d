"""What the catalogue must be: a valid AsyncAPI 3.0 document, and what its official schema can't see."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs

from deploy.basudara.contracts.catalogues import nodes, official, unknown_format, validator_of
from deploy.basudara.contracts.envelopes import NAME
from deploy.basudara.contracts.findings import Finding, finding, of_schema, quoted
from deploy.basudara.contracts.references import followed, leads, loops, target_of
from deploy.basudara.contracts.schemas import TYPE, TYPE_RULE

PARTS = ("envelope", "headers", "copy_headers", "decision_headers")
_CODE = {"type": "string", "pattern": "^([a-z][a-z0-9]*(-[a-z0-9]+)*|\\{service\\})$"}
_WORDS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
_OURS = validator_of(  # the shape that this catalogue's rules need, within what AsyncAPI allows
    {
        "required": ["channels", "operations", "components"],
        "properties": {
            "channels": {
                "additionalProperties": {
                    "required": ["address", "bindings", "x-basudara"],
                    "properties": {
                        "address": {"type": "string"},
                        "x-basudara": {
                            "required": ["owner", "data_class", "readers", "key"],
                            "properties": {
                                "owner": _CODE,
                                "data_class": {"enum": ["S", "P", "K", "N"]},
                                "readers": {
                                    **_WORDS, "minItems": 1, "items": {"enum": ["own", "reader", "parties"]},
                                },
                                "key": _WORDS,
                            },
                        },
                    },
                }
            },
            "operations": {
                "additionalProperties": {
                    "required": ["action", "channel", "messages", "x-basudara"],
                    "properties": {"x-basudara": {"required": ["service"], "properties": {"service": _CODE}}},
                    "if": {"properties": {"action": {"const": "receive"}}},
                    "then": {
                        "properties": {
                            "x-basudara": {
                                "required": ["group", "from"],
                                "properties": {"group": _CODE, "from": {"enum": ["own", "to-me", "parties"]}},
                            }
                        }
                    },
                }
            },
            "components": {
                "required": ["messages", "schemas"],
                "properties": {"schemas": {"required": list(PARTS)}},
            },
        },
    }
)  # fmt: skip


def broken(document: Any, file: Path) -> Iterator[Finding]:
    """Everything that is wrong with the catalogue in `file`; what rests on a broken part waits until it is whole."""
    for look in (_dates, _standard, _references, _rules):
        faults = list(look(document, file))
        yield from faults
        if faults:
            return


def _dates(document: Any, _file: Path) -> Iterator[Finding]:
    for at, node in nodes(document):
        for name, value in node.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, date):
                    yield finding([*at, name], "type", f"{one} is a date, which JSON does not have: put it in quotes")


def _standard(document: Any, _file: Path) -> Iterator[Finding]:
    faults = list(of_schema(official(), document))
    yield from faults
    if not faults:
        yield from of_schema(_OURS, document)


def _references(document: Any, file: Path) -> Iterator[Finding]:
    for at, node in nodes(document):
        if "$ref" not in node:
            continue
        target = str(node["$ref"])
        if not leads(document, target, file.parent):
            yield finding([*at, "$ref"], "reference", f"{quoted(target)} leads nowhere")
        elif loops(document, tuple(map(str, at))):
            yield finding([*at, "$ref"], "reference", f"{quoted(target)} leads back to itself")


def _rules(document: dict[str, Any], file: Path) -> Iterator[Finding]:
    yield from _addresses(document)
    for name, channel in document["channels"].items():
        yield from _channel(document, name, channel)
    yield from _messages(document, file)
    operations = document["operations"].items()
    faults = [one for name, operation in operations for one in _operation(document, name, operation)]
    yield from faults or _senders(document)
    yield from _shared_parts(document)


def _addresses(document: dict[str, Any]) -> Iterator[Finding]:
    """Of each topic's name it must be plain whose it is."""
    seen: dict[str, list[str]] = {}
    for name, channel in document["channels"].items():
        steps = re.sub(r"{\w+}", "{}", channel["address"]).split(".")
        for other, taken in seen.items():
            if len(steps) == len(taken) and all(a == b or "{}" in (a, b) for a, b in zip(steps, taken, strict=True)):
                yield finding(
                    ["channels", name, "address"], "address", f"a topic could be this channel's and {other}'s"
                )
        seen[name] = steps


def _channel(document: dict[str, Any], name: str, channel: dict[str, Any]) -> Iterator[Finding]:
    at, address, own = ["channels", name], channel["address"], channel["x-basudara"]
    if not re.fullmatch(r"({[a-z]+}|[a-z0-9]+(-[a-z0-9]+)*)(\.({[a-z]+}|[a-z0-9]+(-[a-z0-9]+)*))*", address):
        yield finding([*at, "address"], "name", f"{quoted(address)}: each part is of a-z and 0-9, or a parameter")
    places, known = re.findall(r"{(\w+)}", address), channel.get("parameters", {})
    for parameter in known.keys() - set(places):
        yield finding([*at, "parameters", parameter], "parameter", f"has no place in the address {quoted(address)}")
    for parameter in sorted(set(places) - known.keys()):
        yield finding([*at, "address"], "parameter", f"{{{parameter}}} is not among the channel's parameters")
    for parameter, count in Counter(places).items():
        if count > 1:
            yield finding([*at, "address"], "parameter", f"{{{parameter}}} is there more than once")
    if ("reader" in own["readers"]) != ("reader" in places):
        yield finding([*at, "x-basudara", "readers"], "readers", "`reader` is the agency in the address: both or none")
    if ("parties" in own["readers"]) != (own["data_class"] == "N"):
        rule = "every party may read what says nothing of persons (N), and only that"
        yield finding([*at, "x-basudara", "readers"], "readers", rule)
    kafka = followed(document, channel["bindings"]).get("kafka", {})
    if not isinstance(kafka.get("partitions"), int) or kafka["partitions"] < 1:
        yield finding([*at, "bindings"], "partitions", "a kafka binding must say how many partitions, from 1")
    for message, node in channel.get("messages", {}).items():
        if target_of(node) != ("components", "messages", message):
            yield finding([*at, "messages", message], "message", f"must lead to #/components/messages/{message}")
        elif TYPE.fullmatch(message) and (teller := message.split(".")[2]) != own["owner"]:
            yield finding([*at, "messages", message], "owner", f"a type of {teller}, not of {own['owner']}")


def _messages(document: dict[str, Any], file: Path) -> Iterator[Finding]:
    messages = document["components"]["messages"]
    seats: dict[str, list[str]] = {}
    for channel, row in document["channels"].items():
        for kind in row.get("messages", {}):
            seats.setdefault(kind, []).append(channel)
    for kind, message in messages.items():
        at, seat = ["components", "messages", kind], seats.get(kind, [])
        if not TYPE.fullmatch(kind):
            yield finding(at, "type-name", TYPE_RULE)
        if message.get("name") != kind:
            yield finding([*at, "name"], "message", f"must be {kind}")
        if len(seat) != 1:
            told = " and ".join(seat) or "no channel"
            yield finding(at, "one-channel", f"must be on exactly one channel, is on {told}")
        payload = message.get("payload", {})
        if payload.get("schema", {}).get("$ref") != f"./events/{kind}/schema.json":
            yield finding([*at, "payload"], "payload", f"its schema must be ./events/{kind}/schema.json")
        if [target_of(one) for one in message.get("traits", [])] != [("components", "messageTraits", "cloudevent")]:
            yield finding([*at, "traits"], "message", "needs the trait cloudevent: its headers")
    folders = {folder.name for folder in (file.parent / "events").glob("*") if folder.is_dir()}
    for kind in sorted(folders - messages.keys()):
        yield finding(["components", "messages"], "message", f"events/{kind} has no message")


def _operation(document: dict[str, Any], name: str, operation: dict[str, Any]) -> Iterator[Finding]:
    at, own = ["operations", name], operation["x-basudara"]
    channel = target_of(operation["channel"])
    if len(channel) != 2 or channel[0] != "channels":
        yield finding([*at, "channel"], "channel", "must lead to one of #/channels")
        return
    row = document["channels"][channel[1]]
    named = [target_of(message) for message in operation["messages"]]
    for place, message in enumerate(named):
        if message[:-1] != (*channel, "messages"):
            yield finding([*at, "messages", place], "message", f"must lead to a message of {channel[1]}")
        if named.index(message) < place:
            yield finding([*at, "messages", place], "message", "is named twice")
    if operation["action"] == "send" and own["service"] != row["x-basudara"]["owner"]:
        yield finding([*at, "x-basudara", "service"], "owner", f"only {row['x-basudara']['owner']} writes this channel")
    needed = {"own": "own", "to-me": "reader", "parties": "parties"}.get(own.get("from"))
    if operation["action"] == "receive" and needed not in row["x-basudara"]["readers"]:
        yield finding([*at, "x-basudara", "from"], "readers", f"{channel[1]} is not for {own['from']}: see its readers")


def _senders(document: dict[str, Any]) -> Iterator[Finding]:
    sent: dict[str, list[str]] = {}
    for operation in document["operations"].values():
        if operation["action"] == "send":
            names = [target_of(message)[-1] for message in operation["messages"]]
            sent.setdefault(target_of(operation["channel"])[-1], []).extend(names)
    for channel, row in document["channels"].items():
        for kind in sorted(row.get("messages", {}).keys() - set(sent.get(channel, []))):
            yield finding(["channels", channel, "messages", kind], "operation", "no operation sends it")


def _shared_parts(document: dict[str, Any]) -> Iterator[Finding]:
    """Names and formats of envelope and headers: a name outside a-z0-9 could not leave as an attribute."""
    shared = document["components"]["schemas"]
    attributes = shared["envelope"].get("properties", {})
    for name in attributes:
        if not NAME.fullmatch(name):
            at = ["components", "schemas", "envelope", "properties", name]
            yield finding(at, "name", "an attribute's name is 1 to 20 of a-z and 0-9")
    for name in shared["headers"].get("properties", {}):
        attribute = name.removeprefix("ce_")
        if name != "content-type" and (not name.startswith("ce_") or attribute not in attributes):
            at = ["components", "schemas", "headers", "properties", name]
            yield finding(at, "name", "a header is content-type, or ce_ and an attribute of the envelope")
    for part in shared:
        at = ["components", "schemas", part]
        yield from (one.below(*at) for one in unknown_format(shared[part]))
        try:
            validator_of(shared[part])
        except jsonschema_rs.ValidationError as error:
            yield finding([*at, *error.instance_path], str(error.kind.name), " ".join(error.message.split())[:200])
    for name, one in document["components"].get("correlationIds", {}).items():
        header = re.fullmatch(r"\$message\.header#/(.+)", one.get("location", ""))
        if header is None or header[1] not in shared["headers"].get("properties", {}):
            at = ["components", "correlationIds", name, "location"]
            yield finding(at, "reference", f"{quoted(one.get('location', ''))} is no header of the messages")
