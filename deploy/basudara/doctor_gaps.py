"""Whether topics hold what a service's outbox says was sent, and nothing else.

An aggregate's versions tell of no gap: moves that say nothing on a topic leave gaps there too. The outbox does: it
names each event, its topic and its key, for a week after it went; and the store's log, what was deleted there unsent.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.catalogue import Channel
from chassis.store import KEPT_ROWS
from deploy.basudara import records
from deploy.basudara.agreements import Site
from deploy.basudara.oplog import deleted_unsent
from deploy.basudara.records import Record

MARGIN = timedelta(minutes=1)  # two clocks of one installation, and how late the store lets go of a row
LOST = "set `sent` of its document in the outbox to false: it goes again, and readers know what they have seen"
DELETED = "nobody hears of it: find who deleted it, and do its effect anew or put the store back"
FOREIGN = "find who else wrote there, or whether the service's store was put back to what it was before"

Row = Mapping[str, Any]


def gaps(site: Site, code: str, service: str, database: str) -> Iterator[tuple[str, str]]:
    """What is wrong, and what mends it. Topics are read first: whatever stands there was in the outbox before."""
    begun = datetime.now(UTC)
    channels = [one for one in site.catalogue.channels.values() if one.service == service and one.types]
    try:
        there = list(records.until_now(site.reach.broker, records.topics_of(channels, owner=code)))
    except RuntimeError:
        return  # it has no topic; that one is missing was told
    with site.reach.store() as client:
        rows = list(_rows(client[database]["outbox"].find({}, {"rows.value": 0, "rows.headers": 0})))
        yield from _told(deleted_unsent(client, database), "deleted from its outbox and never sent", DELETED)
    for channel in channels:
        ours = records.topics_of([channel], owner=code)
        on_it = [one for one in there if ours(one.topic)]
        said = [row for row in rows if ours(row["topic"])]
        yield from _told(lost(channel, said, on_it, begun), f"sent and not on a topic of {channel.name}", LOST)
        yield from _told(foreign(said, on_it, begun), f"on a topic of {channel.name} and not in its outbox", FOREIGN)


def lost(channel: Channel, said: Iterable[Row], on_it: Iterable[Record], now: datetime) -> list[str]:
    """Events that the broker took and no longer has, though their topic keeps them for longer."""
    keeps = int(channel.configuration["retention.ms"])
    since = now - timedelta(milliseconds=keeps) if keeps >= 0 else None
    seen: set[tuple[str, str | None]] = set()
    newest: dict[tuple[str, bytes | None], int] = {}
    for one in on_it:
        seen.add((one.topic, one.header("ce_id")))
        version = one.header("ce_aggregateversion") or ""
        newest[one.topic, one.key] = max(newest.get((one.topic, one.key), 0), int(version) if version.isdigit() else 0)
    compacted = "compact" in channel.configuration["cleanup.policy"]
    return [
        row["id"]
        for row in said
        if row["sent_at"] is not None
        and (since or row["sent_at"]) <= row["sent_at"] < now - MARGIN
        and (row["topic"], row["id"]) not in seen
        and not (compacted and newest.get((row["topic"], row["key"]), 0) > row["version"])
    ]


def foreign(said: Iterable[Row], on_it: Iterable[Record], now: datetime) -> list[str]:
    """Events that this service did not say: those that its outbox would still name."""
    known = {(row["topic"], row["id"]) for row in said}
    young = [one for one in on_it if one.at > now - KEPT_ROWS + MARGIN]
    return [one.header("ce_id") or one.place for one in young if (one.topic, one.header("ce_id")) not in known]


def _rows(documents: Iterable[Row]) -> Iterator[Row]:
    for document in documents:
        for row in document["rows"]:
            yield {**row, "sent_at": document.get("sent_at")}


def _told(found: list[str], what: str, mend: str) -> Iterator[tuple[str, str]]:
    if found:
        yield f"{len(found)} {what} (first {found[0]})", mend
