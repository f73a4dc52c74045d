"""One Kafka record after another, held against the published contracts: value, headers, key, place and order.

A finding's pointer leads into the record as `{"key": …, "headers": {…}, "value": {…}}`. No value is ever quoted: what
stands in a wrong record may be about a person.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.catalogue import Channel, NotInCatalogue
from chassis.delivery import SOURCE_TOPIC
from chassis.envelope import CONTENT_TYPE
from deploy.basudara.contracts import envelopes, strict
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.findings import Finding, finding
from deploy.basudara.records import UNREADABLE, Record

AHEAD = timedelta(minutes=5)  # that clocks of two agencies may differ
BEHIND = timedelta(days=366)  # between what happened and its record
DECISION = "basudara-decision"


class Judge:
    """Remembers what it has seen: ids, and the last version of each thing. `now`: by the installation's clock."""

    def __init__(self, contracts: Contracts, now: datetime) -> None:
        self._contracts, self._now = contracts, now
        self._channels = {re.compile(_named(channel)): channel for channel in contracts.catalogue.channels.values()}
        self._ids: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._last: dict[tuple[str, str, str], tuple[int, str, datetime]] = {}

    def findings(self, record: Record) -> list[Finding]:
        """All that is wrong with one record. Raises BadFile where the contracts can't say."""
        channel, parameters = self._channel_of(record.topic)
        if channel is not None and not channel.types:
            return list(self._copy(record))
        try:
            event = attributes_of(record)
        except strict.Broken as broken:
            return list(broken.findings)
        found = [one.below("value") for one in envelopes.broken(event, self._contracts)]
        found += self._headers(record, event)
        if channel is None:
            found.append(finding((), "channel", "no channel of the catalogue has a topic of this name"))
        if isinstance(event, dict):
            found += self._place(record, event, channel, parameters)
            found += self._order(record, event)
        return found

    def _channel_of(self, topic: str) -> tuple[Channel | None, Mapping[str, str]]:
        for pattern, channel in self._channels.items():
            if match := pattern.fullmatch(topic):
                return channel, match.groupdict()
        return None, {}

    def _copy(self, record: Record) -> Iterator[Finding]:
        """Of a record that a consumer put aside: whatever it was, its own headers must say where it comes from."""
        headers = {name: (value or b"").decode("utf-8", "replace") for name, value in reversed(record.headers)}
        part = "decision_headers" if DECISION in headers and SOURCE_TOPIC not in headers else "copy_headers"
        yield from (one.below("headers") for one in self._contracts.holds(part, headers))
        if part == "decision_headers" and record.value is not None:
            yield finding(["value"], "value", "an operator's word on a parked record has no value")

    def _headers(self, record: Record, event: Any) -> Iterator[Finding]:
        headers: dict[str, str] = {}
        for name, raw in record.headers:
            if name == UNREADABLE and raw is None:
                yield finding(["headers"], "utf-8", "a header's name is not UTF-8: no client can give the headers")
                return
            if name in headers:
                yield finding(["headers", name], "repeated", "the header is there more than once")
            try:
                headers.setdefault(name, (raw or b"").decode())
            except UnicodeDecodeError:
                yield finding(["headers", name], "utf-8", "not UTF-8")
        if is_structured(record):
            yield from (one.below("headers") for one in self._contracts.holds("headers", headers))
            yield from _mirror(headers, event)

    def _place(
        self, record: Record, event: Mapping[str, Any], channel: Channel | None, parameters: Mapping[str, str]
    ) -> Iterator[Finding]:
        if channel is None:
            return
        kind, source, data = event.get("type"), event.get("source"), event.get("data")
        if isinstance(kind, str) and kind in self._contracts.types and kind not in channel.types:
            own = self._contracts.catalogue.channel_of(kind).name
            yield finding(["value", "type"], "channel", f"belongs on {own}, not on {channel.name}")
        if isinstance(source, str) and source.split("/")[1:2] != [parameters["owner"]]:
            yield finding(["value", "source"], "owner", "the agency that says it does not own the topic")
        if record.key is None:
            yield finding(["key"], "key", "there is none: order would not hold")
        elif isinstance(data, dict):
            try:
                told = channel.key_of(data).encode()
            except NotInCatalogue:
                return  # said of the payload
            if told != record.key:
                yield finding(["key"], "key", f"is not the payload's {' or '.join(channel.key)}")

    def _order(self, record: Record, event: Mapping[str, Any]) -> Iterator[Finding]:
        source, told, subject = event.get("source"), event.get("id"), event.get("subject")
        if not (isinstance(source, str) and isinstance(told, str) and isinstance(subject, str)):
            return
        digest = hashlib.sha256(record.value or b"").digest()[:16]
        place, before = self._ids.setdefault((source, told), (record.place, digest))
        if place != record.place:
            same = "sent again" if before == digest else "another event"
            yield finding(["value", "id"], "duplicate", f"{same}: the id is that of {place}")
            return
        yield from self._versions(record, event, (record.topic, source, subject))

    def _versions(self, record: Record, event: Mapping[str, Any], thing: tuple[str, str, str]) -> Iterator[Finding]:
        moment, version = _instant(event.get("time")), _version(event.get("aggregateversion"))
        if moment is None or version is None:
            return  # said of the envelope
        at = ["value", "time"]
        if moment > self._now + AHEAD:
            yield finding(at, "time", "lies in the future")
        if record.at - moment > BEHIND:
            yield finding(at, "time", f"lies more than {BEHIND.days} days before the broker got the record")
        last, place, before = self._last.get(thing, (0, "", moment))
        if version <= last:
            told = f"not above that of the same subject before it ({place})"
            yield finding(["value", "aggregateversion"], "version", told)
            return
        if moment < before:
            yield finding(at, "time", f"before that of the version before it ({place})")
        self._last[thing] = version, record.place, moment


def _named(channel: Channel) -> str:
    """The address as an expression that tells the parameters."""
    text = re.escape(channel.address).replace(r"\{", "{").replace(r"\}", "}")
    return re.sub(r"{(\w+)}", r"(?P<\1>[a-z][a-z0-9-]*)", text)


def is_structured(record: Record) -> bool:
    """As `chassis.envelope` decides it: what has no content type is read as structured."""
    kind = next((value for name, value in record.headers if name.lower() == "content-type" and value is not None), None)
    return kind is None or kind.decode("utf-8", "replace").startswith(CONTENT_TYPE)


def attributes_of(record: Record) -> Any:
    """The event in a record as it was written, structured or binary mode. Raises strict.Broken."""
    if record.value is None:
        raise strict.Broken(finding(["value"], "value", "a record without a value is no event"))
    if is_structured(record):
        return _below("value", record.value)
    event: dict[str, Any] = {}
    for name, raw in record.headers:
        lower, text = name.lower(), (raw or b"").decode("utf-8", "replace")
        if lower.startswith("ce_"):
            event.setdefault(lower[3:], text)
        elif lower == "content-type":
            event.setdefault("datacontenttype", text)
    if (version := _version(event.get("aggregateversion"))) is not None:
        event["aggregateversion"] = version  # binary mode carries every attribute as text
    return {**event, "data": _below("value/data", record.value)}


def _below(place: str, value: bytes) -> Any:
    try:
        return strict.from_json(value, event=True)
    except strict.Broken as broken:
        raise strict.Broken(*(one.below(*place.split("/")) for one in broken.findings)) from None


def _mirror(headers: Mapping[str, str], event: Any) -> Iterator[Finding]:
    """Who chooses by a header must choose as by the envelope."""
    attributes = event if isinstance(event, dict) else {}
    for name, text in headers.items():
        if not name.startswith("ce_"):
            continue
        attribute = name.removeprefix("ce_")
        if attribute not in attributes:
            yield finding(["headers", name], "mirror", "the envelope has no such attribute")
        elif str(attributes[attribute]) != text:
            yield finding(["headers", name], "mirror", "differs from the envelope's attribute")


def _instant(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.upper())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (AttributeError, ValueError, OverflowError):  # the year 1 east of Greenwich is no instant in UTC
        return None


def _version(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
