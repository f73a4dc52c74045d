"""Spans as OpenTelemetry has them, and where they go: a file of OTLP's JSON lines, or a collector by OTLP over HTTP.

The only importer of OpenTelemetry's SDK. Its tracer makes spans after the fact, with ids and times that are given.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from chassis.spans import Exports, Span, SpansRefused

FILE_BYTES = 64 * 1024 * 1024  # then it becomes the file before, and that one goes
OTLP_SECONDS = 2.0  # for one request, tries again included
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def exporter(where: str, agency: str, service: str, instance: str) -> Exports:
    """`where`: `file:FOLDER` or `otlp:URL`. Raises SpansRefused."""
    kind, _, place = where.partition(":")
    to = _to_file(Path(place), f"{agency}.{service}.{instance}") if kind == "file" else _to_collector(place)
    names = {"service.namespace": agency, "service.name": service, "service.instance.id": instance}
    return Exporter(to, Resource(names))


def _to_file(folder: Path, name: str) -> SpanExporter:
    try:
        return ToFile(folder, name)
    except OSError as error:
        raise SpansRefused(folder=f"can't be written: {type(error).__name__}") from None


def _to_collector(url: str) -> SpanExporter:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise SpansRefused(package="opentelemetry-exporter-otlp-proto-http is not installed") from None
    return OTLPSpanExporter(endpoint=url, timeout=OTLP_SECONDS)


class Given(IdGenerator):
    """The ids that events and commands carry already."""

    trace, span = 0, 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class Ended(SpanProcessor):
    """Gathers what was made for the next export."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class Exporter:
    """Makes spans and hands them over. For one thread."""

    def __init__(self, to: SpanExporter, resource: Resource) -> None:
        self._to, self._given, self._ended = to, Given(), Ended()
        provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, id_generator=self._given, shutdown_on_exit=False
        )
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer("basudara.chassis")

    def export(self, spans: Sequence[Span]) -> bool:
        """False: they are lost."""
        self._ended.spans.clear()
        for span in spans:
            self._make(span)
        return self._to.export(self._ended.spans) is SpanExportResult.SUCCESS

    def _make(self, span: Span) -> None:
        _, trace, own, _ = span.context.split("-")
        self._given.trace, self._given.span = int(trace, 16), int(own, 16)
        parent = Context()
        if span.under is not None:
            above = SpanContext(self._given.trace, int(span.under, 16), is_remote=True, trace_flags=SAMPLED)
            parent = set_span_in_context(NonRecordingSpan(above), parent)
        attributes = dict(span.attributes)
        if span.error_code is not None:
            attributes["error.type"] = span.error_code
        made = self._tracer.start_span(
            span.name, parent, SpanKind[span.kind], attributes, start_time=_nanoseconds(span.begun_at)
        )
        if span.error_code is not None:
            made.set_status(Status(StatusCode.ERROR))
        made.end(_nanoseconds(span.ended_at))

    def shutdown(self) -> None:
        self._to.shutdown()


class ToFile(SpanExporter):
    """One `ExportTraceServiceRequest` a line, as the collector's own file exporter writes them; one span in each, so
    that `grep` finds a trace. Two files at most, readable by their owner. Raises OSError."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file, self._before = folder / f"{name}.jsonl", folder / f"{name}.before.jsonl"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.touch(mode=0o600)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        lines = "".join(json.dumps(_request(span), separators=(",", ":")) + "\n" for span in spans)
        if self._file.exists() and self._file.stat().st_size > FILE_BYTES:
            self._file.replace(self._before)
        self._file.touch(mode=0o600)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(lines)
        return SpanExportResult.SUCCESS


def _request(span: ReadableSpan) -> dict[str, Any]:
    """OTLP's JSON: ids in hex, 64-bit numbers as text, enumerations as numbers (a kind is one more than the API's)."""
    context, scope = span.get_span_context(), span.instrumentation_scope
    told: dict[str, Any] = {
        "traceId": f"{context.trace_id if context else 0:032x}",
        "spanId": f"{context.span_id if context else 0:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": span.status.status_code.value},
    }
    if span.parent is not None:
        told["parentSpanId"] = f"{span.parent.span_id:016x}"
    scopes = [{"scope": {"name": scope.name if scope else ""}, "spans": [told]}]
    resource = {"attributes": _attributes(span.resource.attributes)}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


def _attributes(given: Any) -> list[dict[str, Any]]:
    return [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for name, value in given.items()
    ]


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000) * 1_000_000
