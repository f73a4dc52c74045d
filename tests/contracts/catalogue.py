"""The published contracts as the tests read them: from the files, without any code of a service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
EVENTS = CONTRACTS / "events"

FOLDERS = sorted(folder for folder in EVENTS.iterdir() if folder.is_dir())
EXAMPLES = sorted(EVENTS.glob("*/examples/*.json"))
CATALOGUE: dict[str, Any] = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
CHANNELS: dict[str, Any] = CATALOGUE["channels"]
OPERATIONS: dict[str, Any] = CATALOGUE["operations"]
SERVICES = ("intake", "referral", "training", "notification")


def schema_of(kind: str) -> dict[str, Any]:
    return json.loads((EVENTS / kind / "schema.json").read_text())  # type: ignore[no-any-return]


def resolved(node: Any) -> Any:
    """The node itself, or what its reference within the catalogue points to. Raises KeyError."""
    if not (isinstance(node, dict) and str(node.get("$ref", "")).startswith("#/")):
        return node
    target: Any = CATALOGUE
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return resolved(target)


def nodes(document: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a document, with its path."""
    if isinstance(document, dict):
        yield path, document
        for key, value in document.items():
            yield from nodes(value, f"{path}/{key}")
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield from nodes(value, f"{path}/{place}")


def members(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every member that a payload may have, and every kind of item of its lists, with its path (`*` for an item)."""
    for name, member in schema.get("properties", {}).items():
        yield f"{path}/{name}", member
        yield from members(member, f"{path}/{name}")
    if "items" in schema:
        yield f"{path}/*", schema["items"]
        yield from members(schema["items"], f"{path}/*")


def kinds_of(schema: dict[str, Any]) -> set[str]:
    """JSON types that a member may have."""
    kind = schema["type"]
    return {kind} if isinstance(kind, str) else set(kind)


def channel_of(operation: dict[str, Any]) -> str:
    return str(operation["channel"]["$ref"]).removeprefix("#/channels/")


def types_of(operation: dict[str, Any]) -> list[str]:
    """The types an operation names. Raises AssertionError where one is not a message of its channel."""
    prefix = f"#/channels/{channel_of(operation)}/messages/"
    references = [message["$ref"] for message in operation["messages"]]
    assert all(reference.startswith(prefix) for reference in references), f"another channel's message in {references}"
    return [reference.removeprefix(prefix) for reference in references]


def heard_by(service: str) -> set[str]:
    """The types of all receive operations of a service."""
    return {
        kind
        for operation in OPERATIONS.values()
        if operation["action"] == "receive" and operation["x-basudara"]["service"] == service
        for kind in types_of(operation)
    }
