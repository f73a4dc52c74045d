"""A backup of one agency: what its services keep, and up to where each had read and said.

One folder for each store in the form of `mongodump` (`DATABASE/COLLECTION.bson`), and `backup.json`, which says what
must be there. Each service's stores are read at one instant, after its positions: what it heard in between is in its
inbox. Keys of participant cards stay behind: a card is fetched anew, where its person still may be shown.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pymongo.client_session import ClientSession

from chassis import strict_json
from chassis.catalogue import Catalogue
from chassis.database import record_of
from chassis.errors import Expected
from deploy.basudara import records
from deploy.basudara.console import Refusal
from deploy.basudara.reach import NO_ANSWER_SECONDS, Reach
from deploy.basudara.records import Wanted

FILE = "backup.json"
ONLY = {("training", "person_keys"): {"wrapped": None}}  # that there is no key any more; keys of cards stay behind
SESSION_SECONDS = 60  # longer than any member's session
RAW = CodecOptions(document_class=RawBSONDocument)

Places = dict[str, dict[int, int]]  # topic to partition to offset


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kept(_Closed):
    """One collection. `file` is beside `backup.json`."""

    database: str
    collection: str
    file: str
    documents: int
    sha256: str


class Of(_Closed):
    """One service. `heard`: the next record its group reads, by topic; `said`: the end of its own topics."""

    service: str
    database: str
    group: str
    heard: Places
    said: Places
    kept: tuple[Kept, ...]


class Backup(_Closed):
    """`backup.json`."""

    form: Annotated[Literal[1], Field(alias="format")] = 1
    agency: str
    taken_at: datetime
    services: tuple[Of, ...]

    @property
    def documents(self) -> int:
        return sum(one.documents for service in self.services for one in service.kept)


def take(agency: str, databases: Mapping[str, str], catalogue: Catalogue, reach: Reach, folder: Path) -> Backup:
    """Into a folder that is not there yet. `databases`: of the agency's services, by service.

    Raises Refusal, RuntimeError, KafkaException, PyMongoError.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Refusal(f"{folder}: is there already; a backup needs a folder of its own") from None
    broker = Positions(reach)
    services = [
        _one(service, agency, database, catalogue, broker, reach, folder)
        for service, database in sorted(databases.items())
    ]
    taken = Backup(agency=agency, taken_at=datetime.now(UTC), services=tuple(services))
    (folder / FILE).write_text(taken.model_dump_json(indent=1, by_alias=True))  # last: without it there is no backup
    return taken


def read(folder: Path) -> Backup:
    """Raises Refusal: no backup, or not as it was taken."""
    try:
        said = strict_json.loads((folder / FILE).read_bytes())
        found = Backup.model_validate(said)
    except OSError:
        raise Refusal(f"{folder}: holds no {FILE}") from None
    except Expected as error:
        raise Refusal(f"{folder / FILE}: {error.reason()}") from None
    except ValidationError as error:
        row = error.errors(include_input=False, include_url=False)[0]
        raise Refusal(f"{folder / FILE}: {'/'.join(map(str, row['loc']))}: {row['msg']}") from None
    for one in (kept for service in found.services for kept in service.kept):
        if _sum_of(folder / one.file) != one.sha256:
            raise Refusal(f"{folder / one.file}: not as it was when the backup was taken")
    return found


def documents(file: Path) -> Iterator[RawBSONDocument]:
    """One after the other, as they are: each begins with its own length."""
    with file.open("rb") as stored:
        while head := stored.read(4):
            yield RawBSONDocument(head + stored.read(int.from_bytes(head, "little") - 4))


class Positions:
    """Where groups and topics stand at a broker."""

    def __init__(self, reach: Reach) -> None:
        self.admin = AdminClient(reach.broker)
        own: dict[str, Any] = {"group.id": "basudara-looking-on", "enable.auto.commit": False}
        self._consumer = Consumer({**reach.broker, **own})

    def of_group(self, group: str) -> Places:
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group]
        found: Places = {}
        for one in asked.result(timeout=NO_ANSWER_SECONDS).topic_partitions:
            if one.offset >= 0:
                found.setdefault(one.topic, {})[one.partition] = one.offset
        return found

    def must_be_empty(self, group: str) -> None:
        """Waits for members that left: the broker keeps a place for each until its session is over.

        Raises Refusal.
        """
        until = time.monotonic() + SESSION_SECONDS
        while self.admin.describe_consumer_groups([group])[group].result(timeout=NO_ANSWER_SECONDS).members:
            if time.monotonic() > until:
                raise Refusal(f"{group}: is still being read; stop its service first")
            time.sleep(0.2)

    def reach_of(self, wanted: Wanted) -> dict[TopicPartition, tuple[int, int]]:
        """For every partition of these topics: the oldest record that is kept, and where the next one will lie."""
        listed = self._consumer.list_topics(timeout=NO_ANSWER_SECONDS).topics
        parts = [TopicPartition(name, part) for name in listed if wanted(name) for part in listed[name].partitions]
        return {one: self._consumer.get_watermark_offsets(one, timeout=NO_ANSWER_SECONDS) for one in parts}

    def ends(self, wanted: Wanted) -> Places:
        found: Places = {}
        for part, (_, end) in self.reach_of(wanted).items():
            found.setdefault(part.topic, {})[part.partition] = end
        return found


def own_topics(catalogue: Catalogue, agency: str, service: str) -> Wanted:
    """Where it says what it has to say."""
    channels = [one for one in catalogue.channels.values() if one.service == service and one.types]
    return records.topics_of(channels, owner=agency)


def _one(
    service: str, agency: str, database: str, catalogue: Catalogue, broker: Positions, reach: Reach, folder: Path
) -> Of:
    group = next(row.group for row in catalogue.readings if row.service == service)
    name = f"{agency}.{service}.{group}"
    heard, said = broker.of_group(name), broker.ends(own_topics(catalogue, agency, service))
    with reach.store() as client, client.start_session(snapshot=True) as moment:
        kept = [
            _stored(client[one][collection], ONLY.get((service, collection), {}), moment, folder)
            for one in (database, record_of(database))
            for collection in sorted(client[one].list_collection_names())
        ]
    return Of(service=service, database=database, group=name, heard=heard, said=said, kept=tuple(kept))


def _stored(collection: Any, query: dict[str, Any], moment: ClientSession, folder: Path) -> Kept:
    database, name = collection.database.name, collection.name
    file, count = folder / database / f"{name}.bson", 0
    file.parent.mkdir(mode=0o700, exist_ok=True)
    with file.open("xb") as open_file:
        for document in collection.with_options(codec_options=RAW).find(query, session=moment):
            open_file.write(document.raw)
            count += 1
    told = {"database": database, "collection": name, "documents": count}
    return Kept(**told, file=str(file.relative_to(folder)), sha256=_sum_of(file))


def _sum_of(file: Path) -> str:
    """Of a file that may be missing: then none."""
    if not file.is_file():
        return ""
    with file.open("rb") as open_file:
        return hashlib.file_digest(open_file, "sha256").hexdigest()
