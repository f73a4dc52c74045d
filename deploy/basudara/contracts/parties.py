"""What manifests, agreements and readers' files must be, beyond their form."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from deploy.basudara import agreements
from deploy.basudara.contracts.catalogues import Contracts, manifests_of
from deploy.basudara.contracts.findings import Finding, finding, of_schema, quoted
from deploy.basudara.contracts.schemas import kinds_of
from deploy.basudara.manifests import Agency, Agreement
from deploy.basudara.manifests import agency as read_manifest

JSON_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")


def _of_model(model: type[BaseModel], value: Any) -> Iterator[Finding]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        for row in error.errors(include_url=False):
            told = row["msg"].removeprefix("Value error, ")
            member, _, rule = told.partition(": ")
            if not row["loc"] and rule:  # a rule across members names the one to mend
                yield finding([member], "coherent", rule)
            else:
                seen = "" if row["type"] in ("missing", "extra_forbidden") else f", found {quoted(row['input'])}"
                yield finding(row["loc"], row["type"], f"{told}{seen}")


def manifest(value: Any, file: Path) -> Iterator[Finding]:
    """An agency's manifest."""
    faults = list(_of_model(Agency, value))
    yield from faults
    if faults:
        return
    if value["agency"] != file.stem:
        yield finding(["agency"], "file-name", f"{quoted(value['agency'])} is not the name of the file")
    yield from _twice(value["services"], ["services"])
    yield from _twice([officer["staff_id"] for officer in value.get("staff", [])], ["staff"])
    if not value["services"] and not value.get("keeps_register"):
        yield finding(["services"], "services", "runs nothing and keeps no register: it needs no manifest")


def agreement(value: Any, file: Path, contracts: Contracts) -> Iterator[Finding]:
    """A KB or PKS: its form, its rules, and that its event would keep the published schema. Raises BadFile."""
    faults = list(_of_model(Agreement, value))
    yield from faults
    if faults:
        return
    said = json.loads(Agreement.model_validate(value).model_dump_json())
    yield from of_schema(contracts.payload(agreements.RECORDED), said)
    yield from _twice([party["agency"] for party in value["parties"]], ["parties"])
    roles = {party["role"] for party in value["parties"]}
    if value["kind"] == "TECHNICAL" and not {"SENDER", "TRAINER"} <= roles:
        yield finding(["parties"], "parties", "a technical agreement joins a SENDER and a TRAINER")
    manifests = file.resolve().parent.parent / "agencies"
    for place, party in enumerate(value["parties"]):
        if manifests.is_dir() and not (manifests / f"{party['agency']}.yaml").is_file():
            yield finding(["parties", place, "agency"], "party", f"{quoted(party['agency'])} has no manifest")


def _twice(values: list[str], at: list[str | int]) -> Iterator[Finding]:
    for place, value in enumerate(values):
        if value in values[:place]:
            yield finding([*at, place], "twice", f"{quoted(value)} is there already")


def reader(value: Any, file: Path, contracts: Contracts) -> Iterator[Finding]:
    """`readers/<reader>/<type>.json`: the fields that a service or subscriber uses, all of them published.

    Raises BadFile.
    """
    shape = {"type": str, "fields": dict}
    if not isinstance(value, dict):
        yield finding((), "type", "must be a JSON object with type and fields")
        return
    for name in sorted(value.keys() - shape.keys()):
        yield finding([name], "extra", "unknown member: only type and fields")
    faults = [finding([name], "type", f"must be {form.__name__}") for name, form in shape.items()
              if not isinstance(value.get(name), form)]  # fmt: skip
    yield from faults
    if faults:
        return
    if value["type"] not in contracts.types:
        yield finding(["type"], "unknown-type", "not a type of the catalogue")
        return
    if value["type"] != file.name.removesuffix(".json"):
        yield finding(["type"], "file-name", f"{quoted(value['type'])} is not the name of the file")
    yield from _hears(file.resolve().parent.name, value["type"], contracts)
    published = dict(_published(contracts.schema(value["type"])))
    for path, told in value["fields"].items():
        yield from _field(path, told, published)


def _hears(reader: str, kind: str, contracts: Contracts) -> Iterator[Finding]:
    """A service by an operation of the catalogue; a subscriber, AGENCY.NAME, by his agency's manifest."""
    agency, dot, name = reader.partition(".")
    if not dot:
        if not any(row.service == reader and kind in row.types for row in contracts.catalogue.readings):
            yield finding(["type"], "operation", f"no receive operation of {quoted(reader)} names it")
        return
    file = manifests_of(contracts.folder) / f"{agency}.yaml"
    channel = contracts.catalogue.channel_of(kind).name
    known = read_manifest(file).subscribers if file.is_file() else ()
    if not any(one.name == name and channel in one.channels for one in known):
        yield finding(["type"], "subscriber", f"no manifest has a subscriber {quoted(reader)} of channel {channel}")


def _field(path: str, told: Any, published: dict[str, set[str]]) -> Iterator[Finding]:
    taken = told.split("|") if isinstance(told, str) else []
    if not taken or [one for one in taken if one not in (*JSON_TYPES, "any")]:
        yield finding(["fields", path], "json-type", f"must be any, or of {', '.join(JSON_TYPES)} joined by |")
    elif path not in published:
        yield finding(["fields", path], "unpublished", "the schema of the type has no such member")
    elif "any" not in taken and (left := published[path] - {*taken, *(("integer",) if "number" in taken else ())}):
        yield finding(["fields", path], "narrower", f"is published as {', '.join(sorted(left))} too")


def _published(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each member of a payload, `*` for an item of a list, with its JSON types."""
    below = [(name, member) for name, member in schema.get("properties", {}).items()]
    below += [("*", schema["items"])] if isinstance(schema.get("items"), dict) else []
    for name, member in below:
        yield f"{path}/{name}", kinds_of(member)
        yield from _published(member, f"{path}/{name}")
