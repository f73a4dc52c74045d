"""Traces out of the files in which services keep their spans: lines of OTLP's JSON, as any tool for them reads them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True, kw_only=True)
class Span:
    """`outcome`: what the reply, the record or the duty came to; the code of an error behind it."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    agency: str
    service: str
    name: str
    kind: str
    begun_nanoseconds: int
    ended_nanoseconds: int
    outcome: str
    event_id: str | None


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A span in its trace: so deep under the first, so long after it began."""

    span: Span
    depth: int
    after_seconds: float
    seconds: float


def traces(folder: Path, names: set[str]) -> list[list[Placed]]:
    """Every trace with one of these names, a trace's id or an event's; in order of their beginning.

    Reads the files twice and keeps only what was asked for, so that it works on any amount.
    """
    wanted = {span.trace_id for span in _spans(folder, names) if not names.isdisjoint((span.trace_id, span.event_id))}
    found: dict[str, dict[str, Span]] = defaultdict(dict)
    for span in _spans(folder, wanted):
        if span.trace_id in wanted:
            found[span.trace_id].setdefault(span.span_id, span)  # a row that was sent twice has two of one id
    placed = [_tree(list(spans.values())) for spans in found.values()]
    return sorted(placed, key=lambda trace: trace[0].span.begun_nanoseconds)


def _spans(folder: Path, names: set[str]) -> Iterator[Span]:
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n") and any(name in line for name in names):  # the last one may be half written
                    yield from _in_line(_request(line))


def _request(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"resourceSpans": []}  # cut short when its writer was killed


def _in_line(request: dict[str, Any]) -> Iterator[Span]:
    for of in request["resourceSpans"]:
        names = _plain(of["resource"]["attributes"])
        for scope in of["scopeSpans"]:
            for span in scope["spans"]:
                told = _plain(span["attributes"])
                yield Span(
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_span_id=span.get("parentSpanId"),
                    agency=names["service.namespace"],
                    service=names["service.name"],
                    name=span["name"],
                    kind=KINDS[span["kind"]],
                    begun_nanoseconds=int(span["startTimeUnixNano"]),
                    ended_nanoseconds=int(span["endTimeUnixNano"]),
                    outcome=_outcome(told),
                    event_id=told.get("cloudevents.event_id"),
                )


def _plain(attributes: Iterable[dict[str, Any]]) -> dict[str, str]:
    return {one["key"]: next(iter(one["value"].values())) for one in attributes}


def _outcome(told: dict[str, str]) -> str:
    status, error = told.get("http.response.status_code"), told.get("error.type")
    words = [status or told.get("basudara.outcome"), error if error != status else None]
    return " ".join(word for word in words if word) or "done"


def _tree(spans: list[Span]) -> list[Placed]:
    """Each span behind the one it is under; what is under none that was told stands first of its own."""
    known = {span.span_id for span in spans}
    under: dict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: (one.begun_nanoseconds, one.ended_nanoseconds)):
        under[span.parent_span_id if span.parent_span_id in known else None].append(span)
    first = min(span.begun_nanoseconds for span in spans)
    placed: list[Placed] = []
    waiting = [(span, 0) for span in reversed(under[None])]
    while waiting:
        span, depth = waiting.pop()
        after, took = span.begun_nanoseconds - first, span.ended_nanoseconds - span.begun_nanoseconds
        placed.append(Placed(span=span, depth=depth, after_seconds=after / 1e9, seconds=took / 1e9))
        waiting += [(one, depth + 1) for one in reversed(under[span.span_id])]
    return placed
