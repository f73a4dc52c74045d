"""An agency's stores put back from a backup, in step again with what was said and heard since.

The services hear once more what came after the backup, and say again what they said, under the same ids. What they had
said because somebody commanded it can't be heard again: it is named, so that people can do it once more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from pymongo import MongoClient, UpdateMany
from pymongo.database import Database

from chassis.catalogue import Catalogue
from chassis.restored import NOTE, RESTORED
from deploy.basudara import records
from deploy.basudara.backup import Backup, Of, Positions, documents, own_topics
from deploy.basudara.console import Refusal
from deploy.basudara.export import MACHINERY
from deploy.basudara.reach import NO_ANSWER_SECONDS, Reach
from deploy.basudara.records import Seen

BATCH = 1000
Store = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Restore:
    """One backup, on its way back to the stores and the broker that it was taken from."""

    backup: Backup
    folder: Path
    catalogue: Catalogue
    reach: Reach

    def must_be_possible(self) -> None:
        """Raises Refusal: what a service would have to hear is gone."""
        broker = Positions(self.reach)
        for one in self.backup.services:
            for part, (oldest, _) in broker.reach_of(one.heard.__contains__).items():
                had = one.heard[part.topic].get(part.partition, 0)
                if oldest > had:
                    raise Refusal(
                        f"{part.topic}: this backup had heard up to {had}, and nothing before {oldest} is kept any"
                        " more: what came between (it may be an erasure) would never be heard; take a newer backup"
                    )

    def do(self) -> None:
        """All services of the agency, which must not run. What stood in their stores is gone then. Raises Refusal."""
        broker = Positions(self.reach)
        for one in self.backup.services:
            broker.must_be_empty(one.group)
        with self.reach.store() as client:
            for one in self.backup.services:
                self._put_back(one, client)

    def lost(self) -> list[Seen]:
        """What was said since the backup because of something that was not heard again: a command, above all.

        What tells of something that was not in the backup and is there again is not lost. To be asked when the
        services have heard all.
        """
        with self.reach.store() as client:
            return [event for one in self.backup.services for event in self._lost_of(one, client[one.database])]

    def _lost_of(self, one: Of, store: Database[dict[str, Any]]) -> Iterator[Seen]:
        aggregates = [kept for kept in one.kept if kept.collection not in MACHINERY]
        then = {found["_id"] for kept in aggregates for found in documents(self.folder / kept.file)}
        again = {row["id"] for found in store["outbox"].find({}, {"rows.id": 1}) for row in found["rows"]}
        group = one.group.rsplit(".", 1)[1]
        for event in self._said_since(one):
            heard = store["inbox"].find_one({"_id": f"{group}:{event.cause}"}, {"_id": 1})
            anew = event.subject not in then and _is_there(store, event.subject)
            if event.id not in again and not heard and not anew:
                yield event

    def _put_back(self, one: Of, client: Store) -> None:
        """The note that it is half done comes first and goes last: a service refuses to start on it."""
        note = {"_id": NOTE, "database": one.database, "whole": False, "until": []}
        client[one.database][RESTORED].replace_one({"_id": NOTE}, note, upsert=True)
        for name in {one.database, *(kept.database for kept in one.kept)}:
            for collection in client[name].list_collection_names():
                if collection != RESTORED:
                    client[name].drop_collection(collection)
        for kept in one.kept:
            if kept.collection != RESTORED:
                for some in _portions(documents(self.folder / kept.file)):
                    client[kept.database][kept.collection].insert_many(some)
        _raise_versions(client[one.database], self._said_since(one))
        until = self._read_again(one)
        whole = {**note, "whole": True, "until": until, "taken_at": self.backup.taken_at, "at": datetime.now(UTC)}
        client[one.database][RESTORED].replace_one({"_id": NOTE}, whole)

    def _said_since(self, one: Of) -> Iterator[Seen]:
        wanted = own_topics(self.catalogue, self.backup.agency, one.service)
        for record in records.since(self.reach.broker, wanted, one.said):
            if (event := records.seen(record)) is not None:
                yield event

    def _read_again(self, one: Of) -> list[dict[str, Any]]:
        """Puts the group back to where it was. Returns up to where its topics reach now."""
        broker = Positions(self.reach)
        now = broker.of_group(one.group)
        ends = broker.reach_of(lambda name: name in now or name in one.heard)
        back = [
            TopicPartition(part.topic, part.partition, one.heard.get(part.topic, {}).get(part.partition, oldest))
            for part, (oldest, _) in ends.items()
        ]
        if back:
            asked = broker.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(one.group, back)])
            asked[one.group].result(timeout=NO_ANSWER_SECONDS)
        starts = {(part.topic, part.partition): part.offset for part in back}
        return [
            {"topic": part.topic, "partition": part.partition, "until": end}
            for part, (_, end) in ends.items()
            if end > starts[part.topic, part.partition]
        ]


def _is_there(store: Database[dict[str, Any]], id: str) -> bool:
    collections = set(store.list_collection_names()) - set(MACHINERY)
    return any(store[one].find_one({"_id": id}, {"_id": 1}) for one in collections)


def _portions(found: Iterable[Any]) -> Iterator[list[Any]]:
    some: list[Any] = []
    for one in found:
        some.append(one)
        if len(some) == BATCH:
            yield some
            some = []
    if some:
        yield some


def _raise_versions(store: Database[dict[str, Any]], said: Iterable[Seen]) -> None:
    """What is said from now on is newer than all that was said: a reader would pass over an older version."""
    newest: dict[str, int] = {}
    for event in said:
        newest[event.subject] = max(event.version, newest.get(event.subject, 0))
    raised = [
        UpdateMany({"_id": subject, "version": {"$lt": version}}, {"$set": {"version": version}})
        for subject, version in newest.items()
    ]
    for collection in sorted(set(store.list_collection_names()) - set(MACHINERY)) if raised else []:
        store[collection].bulk_write(raised, ordered=False)
