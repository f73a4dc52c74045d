"""The published contracts as the rules read them: the catalogue's document, and the schemas that it leads to."""

import json
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import phonenumbers

from chassis.catalogue import Catalogue
from deploy.basudara.contracts import strict
from deploy.basudara.contracts.findings import Finding, Steps, finding, of_schema, quoted
from deploy.basudara.manifests import BadFile
from deploy.basudara.stack import ROOT

MANIFESTS = "deploy/agencies"
DATA = Path(__file__).parent / "data"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _is_e164(text: str) -> bool:
    """ITU-T E.164: + and 2 to 15 digits, and a country code that is given out."""
    if not (text.startswith("+") and text[1:].isascii() and text[1:].isdigit() and 3 <= len(text) <= 16):
        return False
    try:
        return phonenumbers.parse(text).country_code is not None
    except phonenumbers.NumberParseException:
        return False


FORMATS = {"e164": _is_e164}  # what the validator does not know by itself
ASSERTED = frozenset(
    {"date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "uuid"}
    | FORMATS.keys()
)


def validator_of(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Formats are asserted. Raises jsonschema_rs.ValidationError for what is no schema."""
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, formats=FORMATS)


@cache
def official() -> jsonschema_rs.Draft7Validator:
    """The AsyncAPI Initiative's own schema of an AsyncAPI 3.0 document."""
    return jsonschema_rs.Draft7Validator(json.loads((DATA / "asyncapi-3.0.0.json").read_text()))


@cache
def dialect() -> jsonschema_rs.Draft202012Validator:
    """The schema of a JSON Schema 2020-12."""
    return jsonschema_rs.Draft202012Validator({"$ref": DIALECT})


def manifests_of(contracts: Path) -> Path:
    """The folder of the agencies' manifests beside these contracts; this checkout's, where there is none."""
    beside = contracts.resolve().parent / MANIFESTS
    return beside if beside.is_dir() else ROOT / MANIFESTS


class Contracts:
    """One folder of contracts. Raises BadFile where its catalogue can't be used at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = folder / "asyncapi.yaml"
        try:
            self.document: dict[str, Any] = strict.from_yaml(file.read_bytes())
            self.catalogue = Catalogue(folder)
        except OSError as error:
            raise BadFile(f"{file}: cannot be read: {error.strerror}") from None
        except strict.Broken as broken:
            raise BadFile(f"{file}: {broken.findings[0].found}") from None
        except (KeyError, TypeError, AttributeError) as error:
            raise BadFile(f"{file}: no catalogue: {type(error).__name__} {error}") from None

    @staticmethod
    def of(file: Path) -> Path:
        """The folder of contracts that a file lies in; this checkout's, where it lies in none."""
        inside = (folder for folder in file.resolve().parents if (folder / "asyncapi.yaml").is_file())
        return next(inside, ROOT / "contracts")

    @cached_property
    def types(self) -> frozenset[str]:
        return frozenset(kind for channel in self.catalogue.channels.values() for kind in channel.types)

    @cache  # noqa: B019 - as many as there are types, for the length of one command
    def payload(self, kind: str) -> jsonschema_rs.Draft202012Validator:
        return validator_of(self.schema(kind))

    def schema(self, kind: str) -> dict[str, Any]:
        """Raises BadFile: an event can't be judged by a schema that is not there or is none."""
        file = self.folder / "events" / kind / "schema.json"
        try:
            schema = strict.from_json(file.read_bytes())
            validator_of(schema)
        except OSError as error:
            raise BadFile(f"{file}: cannot be read: {error.strerror}") from None
        except (strict.Broken, jsonschema_rs.ValidationError):
            raise BadFile(f"{file}: no schema: see `basudara contracts validate`") from None
        if not isinstance(schema, dict):
            raise BadFile(f"{file}: no schema of an object")
        return schema

    @cache  # noqa: B019
    def part(self, name: str) -> jsonschema_rs.Draft202012Validator:
        """One of `components.schemas`: envelope, headers, copy_headers, decision_headers. Raises BadFile."""
        try:
            return validator_of(self.document["components"]["schemas"][name])
        except (KeyError, jsonschema_rs.ValidationError):
            raise BadFile(f"{self.folder / 'asyncapi.yaml'}: components/schemas/{name} is no schema") from None

    def holds(self, name: str, value: Mapping[str, Any], at: Steps = ()) -> Iterator[Finding]:
        yield from of_schema(self.part(name), dict(value), at, quote=False)


def unknown_format(schema: Any) -> Iterator[Finding]:
    """A format that nobody asserts is a promise that nobody keeps."""
    for at, node in nodes(schema):
        told = node.get("format")
        if isinstance(told, str) and told not in ASSERTED:
            names = ", ".join(sorted(ASSERTED))
            yield finding([*at, "format"], "format", f"{quoted(told)} is asserted by nobody; known: {names}")


def nodes(document: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every object in a document, with its place."""
    if isinstance(document, dict):
        yield at, document
        for name, member in document.items():
            yield from nodes(member, (*at, name))
    elif isinstance(document, list):
        for place, member in enumerate(document):
            yield from nodes(member, (*at, place))
