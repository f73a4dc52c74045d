"""The OpenAPI document of a service: FastAPI's, with every refusal that a route can answer and what it looks like."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from chassis.errors import Expected, Refused, Unavailable

PROBLEM = "application/problem+json"
BY_TOKEN = "bearer"  # noqa: S105 - a name: the scheme of officers and services, whose roles can be too little
REFUSED = "refused"  # what `chassis.http.problems` writes; replaced here
EVERY_ROUTE = ("413", "422", "503")  # too large, not JSON, overloaded: said before a route is asked
OF_TOKENS = ("403", "429")  # not this role, too often
NO_ROUTE = "about:blank"  # the framework's own 404: an id with a slash in it is no id but another address
HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"const": "Bearer"}, "required": True}},
    "429": {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "required": True}},
    "503": {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "required": True}},
}
_TEXT = {"type": "string"}
_FAULT = {"type": "object", "required": ["field", "rule"], "properties": {"field": _TEXT, "rule": _TEXT}}

Document = dict[str, Any]


def document(app: FastAPI, routers: Sequence[APIRouter]) -> Document:
    """The same for the same routes, wherever and whenever it is made."""
    told = get_openapi(title=app.title, description=app.description, version=app.version, routes=app.routes)
    statuses: set[str] = set()
    for operation in _operations(told):
        if "health" not in operation["tags"]:
            statuses |= _refusals(operation)
    shared = told.setdefault("components", {})
    shared["schemas"] = dict(sorted({**shared.get("schemas", {}), **_hoisted(told), "Problem": _problem()}.items()))
    codes = _codes(routers)
    shared["responses"] = {f"Refused{status}": _response(status, codes.get(status, [])) for status in sorted(statuses)}
    return told


def _operations(told: Document) -> Iterator[Document]:
    for path in told["paths"].values():
        yield from path.values()


def _refusals(operation: Document) -> set[str]:
    """Replaces the refusals of one operation by references, and says which statuses they are."""
    responses = operation["responses"]
    own = {status for status, response in responses.items() if response.get("description") == REFUSED}
    proofs = {name for proof in operation.get("security", []) for name in proof}
    statuses = own | {"401" for _ in proofs} | set(EVERY_ROUTE) | set(OF_TOKENS if BY_TOKEN in proofs else ())
    good = {status: response for status, response in responses.items() if status not in statuses}
    refused = {status: {"$ref": f"#/components/responses/Refused{status}"} for status in sorted(statuses)}
    operation["responses"] = good | refused
    return statuses


def _hoisted(told: Document) -> Document:
    """The definitions of bodies that a route reads by itself, moved to where references to them look."""
    found: Document = {}
    for operation in _operations(told):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            found |= media["schema"].pop("$defs", {})
    return found


def _codes(routers: Sequence[APIRouter]) -> dict[str, list[type[Expected]]]:
    """By status, the errors of the chassis and of the packages that the routes come from."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    homes = {route.endpoint.__module__.split(".")[0] for route in routes} | {__name__.split(".")[0]}
    found: dict[str, list[type[Expected]]] = {}
    for error in {*_family(Refused), *_family(Unavailable)}:
        if error.__module__.split(".")[0] in homes:
            found.setdefault(str(error.status), []).append(error)
    return {status: sorted(errors, key=lambda one: (one.code, one.__name__)) for status, errors in found.items()}


def _family(error: type[Expected]) -> Iterator[type[Expected]]:
    yield error
    for below in error.__subclasses__():
        yield from _family(below)


def _response(status: str, errors: list[type[Expected]]) -> Document:
    """A problem of this status: the codes it can have, and what each means."""
    lines = dict.fromkeys(f"- `{one.code}`: {_meaning(one)}" for one in errors)
    types = list(dict.fromkeys(f"urn:basudara:problem:{one.code}" for one in errors))
    if status == "404":
        types.insert(0, NO_ROUTE)
    facts = {"type": {"enum": types}, "status": {"const": int(status)}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "object", "properties": facts}]}
    response: Document = {"description": "\n".join(["One of", *lines]), "content": {PROBLEM: {"schema": schema}}}
    return response | ({"headers": HEADERS[status]} if status in HEADERS else {})


def _meaning(error: type[Expected]) -> str:
    """Without its facts: which of them a reply has is no promise."""
    return inspect.cleandoc(error.__doc__ or error.title).splitlines()[0].split(" Facts:")[0]


def _problem() -> Document:
    return {
        "type": "object",
        "description": "RFC 9457. Never quotes what was sent. Other members are facts: codes, rules, places.",
        "required": ["type", "title", "status", "instance"],
        "properties": {
            "type": {"type": "string", "description": "which refusal it is; programs decide by it"},
            "title": {"type": "string", "description": "for people, in Indonesian"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "instance": {
                "type": "string",
                "pattern": "^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                "description": "this one reply; the service's log has it, too",
            },
            "errors": {"type": "array", "items": _FAULT, "description": "of a body or query: every fault found"},
        },
        "additionalProperties": {"type": ["string", "integer"]},
    }
