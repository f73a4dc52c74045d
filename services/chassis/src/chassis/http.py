"""The HTTP door of a service: FastAPI with the house's choices. Every refusal is an RFC 9457 problem."""

import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import unquote_to_bytes

import structlog
from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from structlog.contextvars import bound_contextvars

from chassis import audit, face, ids, measures, strict_json
from chassis.audit import Record
from chassis.auth import Gate, Pace
from chassis.clock import Clock, to_millisecond
from chassis.errors import (
    Expected,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    Overloaded,
    TooLarge,
    TooMany,
    Unavailable,
    UnknownMove,
    problem,
)
from chassis.face import PROBLEM
from chassis.leaving import Leaving
from chassis.settings import ChassisSettings
from chassis.shapes import Instant, Version
from chassis.spans import Spans
from chassis.store import Store
from chassis.work import Actor, Asked, Cause

log = structlog.get_logger()

BODY_BYTES = 256 * 1024
FUTURE = timedelta(minutes=2)  # a device's clock may run ahead by so much
PAST = timedelta(days=31)  # and nobody is offline longer
PathId = Annotated[str, Path(max_length=60)]
HEALTH = ("/live", "/ready", "/metrics")  # asked also, and most of all, when the rest is refused
CARE = {  # of every answer: kept by nobody, taken for nothing else, shown in no frame
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_UNTOLD = frozenset({"id", "agency", "to_agency"})  # facts that repeat what was sent: any text may stand there
_OUR_NAMES = re.compile(r"[a-z][a-z_]{0,39}")
_bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", scheme_name=face.BY_TOKEN, description="JWT of the token issuer"
)


class Body(BaseModel):
    """Base of request bodies: closed, and its texts are free of what has no place in them (`strict_json`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MoveBody(Body):
    """Base of what moves an existing aggregate. `made_at`: when an officer who was offline decided."""

    expected_version: Version
    reason_code: str | None = Field(None, max_length=60, description="a code of those that the move takes")
    made_at: Instant | None = None


@dataclass(frozen=True, kw_only=True)
class Door:
    """What the routes of a service stand on; built by `chassis.running`."""

    settings: ChassisSettings
    store: Store
    clock: Clock
    gate: Gate
    record: Record
    tools: Any
    readiness: Callable[[], Awaitable[dict[str, str]]]
    spans: Spans | None = None


class Entry:
    """Counts the requests that are worked on. What is in ends soon, since what would be too many is told to come again:
    a queue without an end would answer everybody late, and most of them after they have gone."""

    def __init__(self, at_once: int) -> None:
        self._at_once, self._inside = at_once, 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises Overloaded (503)."""
        if self._inside >= self._at_once:
            raise Overloaded(at_once=self._at_once)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One request, judged: who asks, when, and the cause that its events will carry."""

    actor: Actor
    at: datetime
    cause: Cause
    store: Store
    settings: Any
    tools: Any

    def made_at(self, told: datetime | None) -> datetime:
        """When the command was made: now, or the earlier time an offline device tells, UTC. Raises Invalid (422)."""
        if told is None:
            return self.at
        if told > self.at + FUTURE:
            raise Invalid(field="made_at", rule="lies in the future")
        if told < self.at - PAST:
            raise Invalid(field="made_at", rule="longer ago than anybody is offline")
        return min(to_millisecond(told.astimezone(UTC)), self.at)


async def open_edge(request: Request) -> Edge:
    """A request without a token, for doors that prove their caller another way (a signed receipt)."""
    settings = request.app.state.door.settings
    _note_asked(request)
    return _edge(request, Actor(agency=settings.agency, role="anonymous", subject="anonymous"))


async def any_agency_edge(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Edge:
    """An authenticated request of any agency: for the doors that partners' services may knock at."""
    door: Door = request.app.state.door
    _note_asked(request)
    if credentials is None:
        raise NotAuthenticated(rule="a bearer token is required")
    if len(request.headers.getlist("authorization")) > 1:  # whoever stands before us may have read the other one
        raise NotAuthenticated(rule="more than one Authorization header")
    request.state.actor = actor = await door.gate.actor(credentials.credentials)
    request.app.state.pace.take(actor)
    return _edge(request, actor, request.state.asked)


def _note_asked(request: Request) -> None:
    name, told = request.scope["route"].name, {**request.query_params, **request.path_params}
    shows = request.method == "GET" and name in request.app.state.persons
    request.state.asked = audit.asked(name, told, shows=shows)


def _edge(request: Request, actor: Actor, asked: Asked | None = None) -> Edge:
    door: Door = request.app.state.door
    at, id = door.clock.now(), ids.event_id()
    cause = Cause(id=id, correlation_id=id, traceparent=request.state.traceparent, at=at, actor=actor, asked=asked)
    return Edge(actor=actor, at=at, cause=cause, store=door.store, settings=door.settings, tools=door.tools)


async def edge(judged: Annotated[Edge, Depends(any_agency_edge)]) -> Edge:
    """An authenticated request of this service's own agency. Raises NotAllowed (403) for others."""
    if judged.actor.agency != judged.settings.agency:
        raise NotAllowed(rule="people only use their own agency's service")
    return judged


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that are a route's own; `chassis.face` adds those of every route, and what each looks like."""
    return {status: {"description": face.REFUSED} for status in statuses}


def move_of(moves: Iterable[str]) -> Any:
    """The last part of a move's address. Told, not enforced here: a move that nobody knows is a 404 of its own."""
    return Path(max_length=60, json_schema_extra={"enum": sorted(moves)})


def http_app(door: Door, routers: Sequence[APIRouter], title: str, description: str) -> FastAPI:
    app = faced_app(routers, title, description)
    app.state.door, app.state.entry = door, Entry(door.settings.http_at_once)
    app.state.pace = Pace(door.settings.requests_per_second)
    routes = [route for route in app.state.routes if isinstance(route, APIRoute)]
    app.state.persons = {route.name for route in routes if audit.shows_a_person(route.response_model)}
    app.middleware("http")(_careful)
    app.add_middleware(Leaving)
    app.add_exception_handler(Expected, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_shape)
    app.add_exception_handler(HTTPException, _refuse_plain)
    app.add_exception_handler(Exception, _refuse)
    return app


def faced_app(routers: Sequence[APIRouter], title: str, description: str) -> FastAPI:
    """The routes, with nothing behind them: enough to write their document."""
    app = FastAPI(
        title=title,
        description=description,
        version="1",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for router in (_health, *routers):
        app.include_router(router)
    app.state.routes = [route for router in (_health, *routers) for route in router.routes]
    app.openapi = lambda: face.document(app, routers)  # type: ignore[method-assign]  # FastAPI's own way to another document
    return app


_health = APIRouter(tags=["health"])


class Live(BaseModel):
    status: Literal["live"]


class Readiness(BaseModel):
    """`causes`: what hinders, by name."""

    ready: bool
    causes: dict[str, str]


@_health.get("/live")
async def live() -> Live:
    """The process runs. Does not depend on the broker or the store."""
    return Live(status="live")


@_health.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}}, response_model=Readiness)
async def ready(request: Request) -> JSONResponse:
    """200 when work can be done, else 503 with each cause by name."""
    causes = await request.app.state.door.readiness()
    return JSONResponse({"ready": not causes, "causes": causes}, status_code=503 if causes else 200)


@_health.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Counters and gauges in the text form of Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _careful(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Body limit and strict JSON before anything is parsed; one log line and one count per reply."""
    spans: Spans | None = request.app.state.door.spans
    with bound_contextvars(instance=f"urn:uuid:{uuid.uuid4()}"):
        request.state.traceparent = context = ids.traceparent()
        asked_at = spans.asked(context) if spans is not None and request.url.path not in HEALTH else None
        try:
            response = await _let_in(request, call_next)
        except Exception as error:  # a defect, or a refusal from before the routes
            response = await _refuse(request, error)
        route = getattr(request.scope.get("route"), "path", "none")
        measures.REPLIES.labels(route, str(response.status_code)).inc()
        if spans is not None and asked_at is not None:
            spans.replied(context, asked_at, request.method, route, response.status_code)
        response.headers.update(CARE)
        return response


async def _let_in(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if request.url.path in HEALTH:
        return await call_next(request)
    _check_address(request)
    await _check_body(request)  # before it takes a place: who sends slowly must not keep others out
    with request.app.state.entry.place():
        response = await call_next(request)
        await _put_on_record(request, response.status_code)
        return response


async def _put_on_record(request: Request, status: int) -> None:
    """What is shown or refused, before it is answered; what was changed is on the record since it was committed.

    Raises Unavailable (503): nobody is shown a person where it could not be told later. A refusal stands in any case.
    """
    door: Door = request.app.state.door
    asked, actor, error = (getattr(request.state, name, None) for name in ("asked", "actor", "refused"))
    if asked is None:
        return None
    if status < 300 and not asked.kept and asked.what in request.app.state.persons:
        await door.record.tell(audit.entry("shown", asked, actor, door.clock.now()))
    if error is None or not 400 <= status < 500:
        return None
    entry = audit.refused(error, asked, actor, door.clock.now())
    if actor is None or isinstance(error, TooMany):
        return door.record.count(entry)
    try:
        await door.record.tell(entry)
    except Unavailable:
        door.record.count(entry)


def _check_address(request: Request) -> None:
    """A path and a query are texts as those of a body are. Raises Invalid (422), never quoting them."""
    try:
        text = unquote_to_bytes(request.scope["raw_path"] + b"?" + request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        raise Invalid(field="address", rule="not UTF-8") from None
    if strict_json.forbidden(text):
        raise Invalid(field="address", rule="holds control, bidi or surrogate characters")


async def _check_body(request: Request) -> None:
    kind = request.headers.get("content-type", "json").lower()  # the framework, too, reads `Application/JSON` as JSON
    limit = BODY_BYTES * 8 if "csv" in kind else BODY_BYTES
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told) > limit:
        raise TooLarge(limit_bytes=limit)
    try:
        body = await request.body()
    except ClientDisconnect:
        raise Invalid(field="body", rule="ended before it was whole") from None
    if len(body) > limit:
        raise TooLarge(limit_bytes=limit)
    if body and "json" in kind:
        strict_json.loads(body)


async def _refuse(request: Request, error: Exception) -> Response:
    instance = structlog.contextvars.get_contextvars().get("instance", f"urn:uuid:{uuid.uuid4()}")
    status, body = problem(error, instance)
    request.state.refused = error if isinstance(error, Expected) else None
    for fact in _UNTOLD | ({"move"} if isinstance(error, UnknownMove) else set()):
        body.pop(fact, None)
    route = getattr(request.scope.get("route"), "path", "none")
    if isinstance(error, Expected) and status < 500:
        log.info("http.refused", status=status, error_code=error.code, route=route)
    elif isinstance(error, Expected) and status == 503:
        log.warning("http.unavailable", status=status, error_code=error.code, route=route, exc_info=error)
    else:
        measures.DEFECTS.labels("http").inc()
        log.error("http.defect", status=status, route=route, exc_info=error)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": str(body.get("wait_seconds"))}}
    headers[503] = {"Retry-After": "1"}
    return JSONResponse(body, status_code=status, media_type=PROBLEM, headers=headers.get(status, {}))


async def _refuse_shape(request: Request, error: Exception) -> Response:
    """Where and which rule, for every fault of the body; never the input."""
    if not isinstance(error, RequestValidationError):
        raise error
    faults = []
    for row in error.errors()[:50]:
        message = str(row["msg"]).removeprefix("Value error, ")
        faults.append({"field": _place(row["loc"][1:])[:100] or "body", "rule": message[:200]})
    response = await _refuse(request, Invalid(field=faults[0]["field"], rule=faults[0]["rule"]))
    body = {
        **problem(Invalid(**faults[0]), structlog.contextvars.get_contextvars().get("instance", ""))[1],
        "errors": faults,
    }
    return JSONResponse(body, status_code=response.status_code, media_type=PROBLEM)


def _place(loc: Sequence[str | int]) -> str:
    """A member that nobody knows is told only if its name could be one of ours: a name may be a person's, too."""
    return ".".join(str(part) if isinstance(part, int) or _OUR_NAMES.fullmatch(part) else "*" for part in loc)


async def _refuse_plain(request: Request, error: Exception) -> Response:
    """The framework's own refusals (no such route, wrong method) in the house's form."""
    if not isinstance(error, HTTPException):
        raise error
    body = {
        "type": "about:blank",
        "title": str(error.detail),
        "status": error.status_code,
        "instance": structlog.contextvars.get_contextvars().get("instance", ""),
    }
    headers = {"Allow": _methods(request)} if error.status_code == 405 else error.headers
    return JSONResponse(body, status_code=error.status_code, media_type=PROBLEM, headers=headers)


def _methods(request: Request) -> str:
    """All of an address, where the framework tells those of its first route."""
    path = request.url.path
    fits = [one for one in request.app.state.routes if isinstance(one, APIRoute) and one.path_regex.match(path)]
    fits = [one for one in fits if one.path == path] or fits  # `/cases/import` is no case
    return ", ".join(sorted({method for route in fits for method in route.methods or ()}))
