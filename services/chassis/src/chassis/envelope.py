"""CloudEvents 1.0 in and out of a Kafka record."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from chassis import strict_json
from chassis.errors import Invalid

CONTENT_TYPE = "application/cloudevents+json"
REQUIRED = ("id", "source", "type", "subject", "time", "correlationid", "causationid", "traceparent")
YEARS = range(1900, 9000)  # of what is heard: terms are added to it, and the calendar ends with 9999
_TYPE = re.compile(r"id\.basudara(\.[a-z0-9]+(-[a-z0-9]+)*){3}\.v[1-9][0-9]*")
_SOURCE = re.compile(r"/([a-z][a-z0-9]*(?:-[a-z0-9]+)*)/([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One CloudEvent. `data` is the payload; `aggregateversion` orders the events of one `subject`."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    correlationid: str
    causationid: str
    traceparent: str
    aggregateversion: int
    data: Mapping[str, Any]

    @property
    def agency(self) -> str:
        return self.source.split("/")[1]

    @property
    def service(self) -> str:
        return self.source.split("/")[2]


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: one spelling for one instant."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_record(event: Event) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Structured-mode value and headers."""
    value = value_of(event)
    return value, mirrored(value)


def mirrored(value: bytes) -> list[tuple[str, bytes]]:
    """The headers of an event: its attributes once more, in `ce_` headers, for readers that filter."""
    headers = [("content-type", CONTENT_TYPE.encode())]
    attributes: dict[str, Any] = json.loads(value)
    return headers + [(f"ce_{name}", str(told).encode()) for name, told in attributes.items() if name != "data"]


def value_of(event: Event) -> bytes:
    """The event as structured-mode JSON."""
    attributes: dict[str, str | int] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": instant(event.time),
        "datacontenttype": "application/json",
        "dataschema": f"urn:basudara:events:{event.type}",
        "correlationid": event.correlationid,
        "causationid": event.causationid,
        "traceparent": event.traceparent,
        "aggregateversion": event.aggregateversion,
    }
    return to_json({**attributes, "data": event.data})


def from_record(value: bytes | None, headers: Headers) -> Event:
    """The event in a record, structured or binary mode. Raises Invalid (422) naming the attribute and the rule."""
    if value is None:
        raise Invalid(field="value", rule="a record without a value is no event")
    kind = _header(headers, "content-type")
    if kind is not None and not kind.startswith(CONTENT_TYPE):
        attributes = _binary_attributes(headers)
        attributes["data"] = strict_json.loads(value)
    else:
        attributes = strict_json.loads(value)
    if not isinstance(attributes, dict):
        raise Invalid(field="value", rule="a CloudEvent is a JSON object")
    return _event(attributes)


def _header(headers: Headers, name: str) -> str | None:
    for key, raw in headers:
        if key.lower() == name and raw is not None:
            return raw.decode("utf-8", errors="replace")
    return None


def _binary_attributes(headers: Headers) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for key, raw in headers:
        name = key.lower()
        if not name.startswith("ce_"):
            continue
        if name[3:] in attributes:
            raise Invalid(field=name[:40], rule="the header is repeated")
        try:
            text = (raw or b"").decode()
        except UnicodeDecodeError:
            raise Invalid(field=name[:40], rule="not UTF-8") from None
        if strict_json.forbidden(text):
            raise Invalid(field=name[:40], rule="holds control, bidi or surrogate characters")
        attributes[name[3:]] = text
    return attributes


def _event(attributes: dict[str, Any]) -> Event:
    if attributes.get("specversion") != "1.0":
        raise Invalid(field="specversion", rule="must be 1.0")
    for name in REQUIRED:
        text = attributes.get(name)
        if not isinstance(text, str) or not 0 < len(text) <= 300:
            raise Invalid(field=name, rule="must be a text of 1 to 300 characters")
    for name, pattern in (("type", _TYPE), ("source", _SOURCE), ("traceparent", _TRACEPARENT)):
        if not pattern.fullmatch(attributes[name]):
            raise Invalid(field=name, rule="is not of the published form")
    if not isinstance(attributes.get("data"), dict):
        raise Invalid(field="data", rule="must be a JSON object")
    return Event(
        **{name: attributes[name] for name in REQUIRED if name != "time"},
        time=_time(attributes["time"]),
        aggregateversion=_version(attributes.get("aggregateversion")),
        data=attributes["data"],
    )


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(field="time", rule="must be an RFC 3339 instant") from None
    if moment.tzinfo is None:
        raise Invalid(field="time", rule="must carry an offset")
    if moment.year not in YEARS:
        raise Invalid(field="time", rule=f"must be in the years {YEARS.start} to {YEARS.stop - 1}")
    return moment.astimezone(UTC)


def _version(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11:
        value = int(value)  # binary mode carries every attribute as text
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
        raise Invalid(field="aggregateversion", rule="must be an integer from 1")
    return value
