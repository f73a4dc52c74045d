"""Promise 59: a text without a UTF-8 form, or that hides something, passes no door in any member, path or query."""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml

from deploy.basudara.stack import Stack
from tests.http.trying import DOCUMENTS

SERVICES = sorted(file.stem for file in DOCUMENTS.glob("*.yaml"))
HEALTH = ("/live", "/ready", "/metrics")
TEXTS = {
    "half a letter": "\ud800", "NUL": "\0", "an escape": "\x1b", "another control": "\x85", "deleted": "\x7f",
    "an override": "\u202e", "an isolate": "\u2066", "a mark": "\u200f", "no character": "\uffff",
}  # fmt: skip
# each is JSON to the framework behind the door
KINDS = ("application/json", "Application/JSON", "APPLICATION/vnd.basudara+Json; charset=utf-8")
RULES = ("a text holds control, bidi or surrogate characters", "not UTF-8", "not JSON at character")
OF_ADDRESS = ("holds control, bidi or surrogate characters", "not UTF-8")
Place = tuple[str | int, ...]
Row = dict[str, Any]


class Face:
    """A service's published document, and where the service is."""

    def __init__(self, service: str, stack: Stack) -> None:
        self.document: Row = yaml.safe_load((DOCUMENTS / f"{service}.yaml").read_text())
        self.url = next(url for name, url in stack.urls.items() if name.endswith(f"/{service}"))
        self.client = httpx.Client(timeout=30, trust_env=False)

    def operations(self) -> Iterator[tuple[str, str, Row]]:
        for path, operations in self.document["paths"].items():
            if path not in HEALTH:
                for method, operation in operations.items():
                    yield path, method.upper(), operation

    def texts(self, schema: Row, place: Place = ()) -> Iterator[Place]:
        """Where a body of this schema takes a text."""
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if schema.get("type") == "string" or isinstance(schema.get("const", (schema.get("enum") or [0])[0]), str):
            yield place
        for option in itertools.chain.from_iterable(schema.get(kind, ()) for kind in ("anyOf", "oneOf", "allOf")):
            yield from self.texts(option, place)
        for name, member in schema.get("properties", {}).items():
            yield from self.texts(member, (*place, name))
        if "items" in schema:
            yield from self.texts(schema["items"], (*place, 0))


@pytest.fixture
def face(service: str, stack: Stack) -> Iterator[Face]:
    made = Face(service, stack)
    yield made
    made.client.close()


def laid(place: Place, text: str) -> Any:
    """A body with nothing but this text at its place."""
    whole: Any = text
    for step in reversed(place):
        whole = [whole] if isinstance(step, int) else {step: whole}
    return whole


def spelled(body: Any, *, escaped: bool) -> bytes:
    return json.dumps(body, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def told(reply: httpx.Response) -> tuple[int, str, str]:
    problem = reply.json()
    return reply.status_code, problem.get("field", ""), problem.get("rule", "")


@pytest.mark.parametrize("service", SERVICES)
def test_no_text_of_a_body_takes_what_hides_something(service: str, face: Face) -> None:
    taken, tried, chance = [], 0, random.Random(59)
    for path, method, operation in face.operations():
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        places = dict.fromkeys(face.texts(media["schema"])) if media else {}
        for place, (name, text) in itertools.product([*places, ("a name",)] if places else [], TEXTS.items()):
            body = {text: 1} if place == ("a name",) else laid(place, f"Sal{text}ma")
            raw, kind = spelled(body, escaped=chance.random() < 0.5), chance.choice(KINDS)
            reply = face.client.request(method, face.url + path, content=raw, headers={"Content-Type": kind})
            status, field, rule = told(reply)
            tried += 1
            if (status, field) != (422, "body") or not rule.startswith(RULES):
                taken.append(f"{method} {path} {place} {name} {kind}: {status} {field} {rule}")
    assert taken[:5] == []
    assert tried > 50


@pytest.mark.parametrize("service", SERVICES)
def test_no_path_and_no_query_takes_what_hides_something(service: str, face: Face) -> None:
    taken, tried = [], 0
    for path, method, operation in face.operations():
        asked = [one for one in operation.get("parameters", ()) if one["in"] in ("path", "query")]
        for parameter, (name, text) in itertools.product(asked, TEXTS.items()):
            bad = quote(f"Sal{text}ma".encode("utf-8", "surrogatepass"))
            if parameter["in"] == "path":
                address = path.replace(f"{{{parameter['name']}}}", bad)
            else:
                address = f"{path}?{parameter['name']}={bad}"
            body: Row = {"json": {}} if method == "POST" else {}
            found = told(face.client.request(method, face.url + address, **body))
            tried += 1
            if found[:2] != (422, "address") or found[2] not in OF_ADDRESS:
                taken.append(f"{method} {address} {name}: {found}")
    assert taken[:5] == []
    assert tried > 20
