"""The HTTP door of a service: FastAPI with the house's choices. Every refusal is an RFC 9457 problem."""

import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, model_validator
from starlette.exceptions import HTTPException
from structlog.contextvars import bound_contextvars

from chassis import ids, measures, strict_json
from chassis.auth import Gate
from chassis.clock import Clock, to_millisecond
from chassis.errors import Expected, Invalid, NotAllowed, NotAuthenticated, Overloaded, TooLarge, problem
from chassis.settings import ChassisSettings
from chassis.spans import Spans
from chassis.store import Store
from chassis.work import Actor, Cause

log = structlog.get_logger()

BODY_BYTES = 256 * 1024
FUTURE = timedelta(minutes=2)  # a device's clock may run ahead by so much
PROBLEM = "application/problem+json"
HEALTH = ("/live", "/ready", "/metrics")  # asked also, and most of all, when the rest is refused
_bearer = HTTPBearer(auto_error=False, description="JWT of the token issuer")


class Body(BaseModel):
    """Base of request bodies: closed, and its texts are free of what has no place in them (`strict_json`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MoveBody(Body):
    """Base of what moves an existing aggregate. `made_at`: when an officer who was offline decided."""

    expected_version: int
    reason_code: str | None = None
    made_at: datetime | None = None

    @model_validator(mode="after")
    def _aware(self) -> "MoveBody":
        if self.made_at is not None and self.made_at.tzinfo is None:
            raise ValueError("made_at must carry an offset")
        return self


@dataclass(frozen=True, kw_only=True)
class Door:
    """What the routes of a service stand on; built by `chassis.running`."""

    settings: ChassisSettings
    store: Store
    clock: Clock
    gate: Gate
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
        return min(to_millisecond(told.astimezone(UTC)), self.at)


async def open_edge(request: Request) -> Edge:
    """A request without a token, for doors that prove their caller another way (a signed receipt)."""
    settings = request.app.state.door.settings
    return _edge(request, Actor(agency=settings.agency, role="anonymous", subject="anonymous"))


async def any_agency_edge(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Edge:
    """An authenticated request of any agency: for the doors that partners' services may knock at."""
    door: Door = request.app.state.door
    if credentials is None:
        raise NotAuthenticated(rule="a bearer token is required")
    return _edge(request, door.gate.actor(credentials.credentials))


def _edge(request: Request, actor: Actor) -> Edge:
    door: Door = request.app.state.door
    at, id = door.clock.now(), ids.event_id()
    cause = Cause(id=id, correlation_id=id, traceparent=request.state.traceparent, at=at, actor=actor)
    return Edge(actor=actor, at=at, cause=cause, store=door.store, settings=door.settings, tools=door.tools)


async def edge(judged: Annotated[Edge, Depends(any_agency_edge)]) -> Edge:
    """An authenticated request of this service's own agency. Raises NotAllowed (403) for others."""
    if judged.actor.agency != judged.settings.agency:
        raise NotAllowed(rule="people only use their own agency's service")
    return judged


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its OpenAPI document; 401, 403 and 503 are every route's."""
    content = {PROBLEM: {"schema": {"type": "object", "required": ["type", "title", "status", "instance"]}}}
    return {status: {"description": "Problem", "content": content} for status in {401, 403, 503, *statuses}}


def http_app(door: Door, routers: Sequence[APIRouter], title: str, description: str) -> FastAPI:
    app = FastAPI(title=title, description=description, version="1", docs_url=None, redoc_url=None)
    app.state.door, app.state.entry = door, Entry(door.settings.http_at_once)
    app.middleware("http")(_careful)
    app.add_exception_handler(Expected, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_shape)
    app.add_exception_handler(HTTPException, _refuse_plain)
    app.add_exception_handler(Exception, _refuse)
    _add_health(app, door)
    for router in routers:
        app.include_router(router)
    return app


def _add_health(app: FastAPI, door: Door) -> None:
    @app.get("/live", tags=["health"])
    async def live() -> dict[str, str]:
        """The process runs. Does not depend on the broker or the store."""
        return {"status": "live"}

    @app.get("/ready", tags=["health"], responses=problems(503))
    async def ready() -> JSONResponse:
        """200 when work can be done, else 503 with each cause by name."""
        causes = await door.readiness()
        return JSONResponse({"ready": not causes, "causes": causes}, status_code=503 if causes else 200)

    @app.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    async def metrics() -> Response:
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
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


async def _let_in(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    await _check_body(request)  # before it takes a place: who sends slowly must not keep others out
    if request.url.path in HEALTH:
        return await call_next(request)
    with request.app.state.entry.place():
        return await call_next(request)


async def _check_body(request: Request) -> None:
    limit = BODY_BYTES * 8 if "csv" in request.headers.get("content-type", "") else BODY_BYTES
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told) > limit:
        raise TooLarge(limit_bytes=limit)
    body = await request.body()
    if len(body) > limit:
        raise TooLarge(limit_bytes=limit)
    if body and "json" in request.headers.get("content-type", "json"):
        strict_json.loads(body)


async def _refuse(request: Request, error: Exception) -> Response:
    instance = structlog.contextvars.get_contextvars().get("instance", f"urn:uuid:{uuid.uuid4()}")
    status, body = problem(error, instance)
    route = getattr(request.scope.get("route"), "path", "none")
    if isinstance(error, Expected) and status < 500:
        log.info("http.refused", status=status, error_code=error.code, route=route)
    elif isinstance(error, Expected) and status == 503:
        log.warning("http.unavailable", status=status, error_code=error.code, route=route, exc_info=error)
    else:
        measures.DEFECTS.labels("http").inc()
        log.error("http.defect", status=status, route=route, exc_info=error)
    headers = {"Retry-After": "1"} if status == 503 else {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse(body, status_code=status, media_type=PROBLEM, headers=headers)


async def _refuse_shape(request: Request, error: Exception) -> Response:
    """Where and which rule, for every fault of the body; never the input."""
    if not isinstance(error, RequestValidationError):
        raise error
    faults = []
    for row in error.errors()[:50]:
        message = str(row["msg"]).removeprefix("Value error, ")
        faults.append({"field": ".".join(str(part) for part in row["loc"][1:])[:100] or "body", "rule": message[:200]})
    response = await _refuse(request, Invalid(field=faults[0]["field"], rule=faults[0]["rule"]))
    body = {
        **problem(Invalid(**faults[0]), structlog.contextvars.get_contextvars().get("instance", ""))[1],
        "errors": faults,
    }
    return JSONResponse(body, status_code=response.status_code, media_type=PROBLEM)


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
    return JSONResponse(body, status_code=error.status_code, media_type=PROBLEM, headers=error.headers)
