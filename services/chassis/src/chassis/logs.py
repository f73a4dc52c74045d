"""Structured logs with constant names and allow-listed fields: no name or number can slip out under a new key."""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict

FIELDS = {
    "event", "level", "timestamp", "service", "agency", "event_id", "event_type", "correlation_id", "error_code",
    "error", "dropped_fields", "topic", "partition", "offset", "attempt", "records", "move", "version", "status",
    "method", "route", "seconds", "instance", "duty", "late_seconds", "topics", "fence", "waiting", "port", "reason",
}  # fmt: skip


def known_fields(*names: str) -> None:
    """Let a service's own ids and codes into its logs. Never a personal value: those have no field."""
    FIELDS.update(names)


_ABOUT: ContextVar[Callable[[], Mapping[str, Any]] | None] = ContextVar("about", default=None)


@contextmanager
def about(what: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
    """Every line said inside carries these fields. They are made only when a line is said: most events say none."""
    token = _ABOUT.set(what)
    try:
        yield
    finally:
        _ABOUT.reset(token)


def _what_it_is_about(_logger: object, _method: str, line: EventDict) -> EventDict:
    what = _ABOUT.get()
    return line if what is None else {**what(), **line}


def only_known_fields(_logger: object, _method: str, line: EventDict) -> EventDict:
    kept = {name: value for name, value in line.items() if name in FIELDS}
    if len(kept) < len(line):
        kept["dropped_fields"] = len(line) - len(kept)
    return kept


def _type_and_frames(_logger: object, _method: str, line: EventDict) -> EventDict:
    """An exception's text and local variables may hold a person's data; its type and places never do."""
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        line["error"] = _story(error)
    return line


def _story(error: BaseException) -> str:
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in traceback.extract_tb(_tb(error))]
    told = f"{type(error).__name__} at {' > '.join(places[-8:])}"
    return f"{told} because {_story(error.__cause__)}" if error.__cause__ else told


def _tb(error: BaseException) -> TracebackType | None:
    return error.__traceback__


def setup(service: str, agency: str, level: str = "INFO") -> None:
    """One JSON line per event on standard error. Other libraries' texts are kept out: they quote what they handle."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _what_it_is_about,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _type_and_frames,
            only_known_fields,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service, agency=agency)
    logging.getLogger().handlers = [logging.NullHandler()]
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream", "aiokafka"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [logging.NullHandler()], False
