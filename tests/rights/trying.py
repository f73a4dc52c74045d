"""What a credential can do, found by doing it: with the clients of the broker and the store alone, none of our code.

Letters of a cell: r read, w write, d describe, x delete. What is refused is refused by the other side: an answer that
is neither a success nor its refusal is an error of the test.
"""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from pymongo.errors import OperationFailure

from deploy.basudara.reach import Reach

ANSWER_SECONDS = 20
REFUSALS = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)
_ALL: Any = None
EVERY_RIGHT = AclBindingFilter(
    ResourceType.ANY, _ALL, ResourcePatternType.ANY, _ALL, _ALL, AclOperation.ANY, AclPermissionType.ANY
)
NOT_ALLOWED = 13  # the store's code


def topics(reach: Reach, names: list[str]) -> dict[str, str]:
    """What may be done with each of these topics, in each of which a record stands."""
    seen = _described(reach, names)
    letters = {name: "d" if name in seen else "" for name in names}
    for letter, found in (("r", _read(reach, seen)), ("w", _written(reach, list(seen))), ("x", _deleted(reach, names))):
        for name in found:
            letters[name] += letter
    return {name: "".join(sorted(found, key="rwdx".index)) for name, found in letters.items()}


def _described(reach: Reach, names: list[str]) -> dict[str, int]:
    """Topics that it is told of, with their partitions: of any other the broker does not even say where it is."""
    admin, found = AdminClient(reach.broker), {}
    for name in names:
        told = admin.list_topics(name, timeout=ANSWER_SECONDS).topics[name]
        if told.error is None:
            found[name] = len(told.partitions)
        elif not refused(told.error):
            raise KafkaException(told.error)
    return found


def _read(reach: Reach, seen: dict[str, int]) -> set[str]:
    consumer = Consumer({**reach.broker, "group.id": "-", "enable.auto.commit": False})
    try:
        parts = [(name, number) for name, partitions in seen.items() for number in range(partitions)]
        consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for name, number in parts])
        return set(_fetched(consumer, set(seen)))
    finally:
        consumer.close()


def _fetched(consumer: Consumer, left: set[str]) -> Iterator[str]:
    """Topics of which a record comes; until each has given one, or was refused."""
    until = time.monotonic() + ANSWER_SECONDS
    while left:
        assert time.monotonic() < until, f"no answer about {sorted(left)}"
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error() is None:
            yield str(message.topic())
        elif not refused(message.error()):
            raise KafkaException(message.error())
        left.discard(str(message.topic()))


def _written(reach: Reach, names: list[str]) -> set[str]:
    producer = Producer({**reach.broker, "message.timeout.ms": ANSWER_SECONDS * 1000, "enable.idempotence": False})
    told: dict[str, KafkaError | None] = {}

    def tell(error: KafkaError | None, message: Any) -> None:
        told[message.topic()] = error

    for name in names:
        producer.produce(name, b"tried", b"key", partition=0, on_delivery=tell)
    assert producer.flush(ANSWER_SECONDS) == 0
    strange = {name: error for name, error in told.items() if error is not None and not refused(error)}
    assert not strange
    return {name for name in names if told[name] is None}


def _deleted(reach: Reach, names: list[str]) -> set[str]:
    admin = AdminClient(reach.broker)  # kept until its answers are there
    return _done(admin.delete_topics(names))


def groups(reach: Reach, names: list[str], topic: str) -> dict[str, str]:
    """What may be done with each group; `topic`: one that this user may read, if there is any.

    To set a group's place is as much as to join it: it needs the right to read the group.
    """
    admin = AdminClient(reach.broker)
    placed = {name: ConsumerGroupTopicPartitions(name, [TopicPartition(topic, 0, 0)]) for name in names}
    letters = {name: "" for name in names}
    for letter, made in (
        ("r", {name: admin.alter_consumer_group_offsets([placed[name]])[name] for name in names}),
        ("d", {name: admin.describe_consumer_groups([name])[name] for name in names}),
        ("x", {name: admin.delete_consumer_groups([name])[name] for name in names}),
    ):
        for name in _done(made):
            letters[name] += letter
    return letters


def transactional(reach: Reach, name: str) -> bool:
    producer = Producer({**reach.broker, "transactional.id": name}, logger=logging.getLogger(__name__))
    try:
        producer.init_transactions(ANSWER_SECONDS)
    except KafkaException as error:
        if not refused(error.args[0]):
            raise
        return False
    return True


def administers(reach: Reach, user: str, topic: str) -> bool:
    """Whether he can give himself a right."""
    admin = AdminClient(reach.broker)
    who = (ResourcePatternType.LITERAL, f"User:{user}", "*", AclOperation.ALL, AclPermissionType.ALLOW)
    return bool(_done(admin.create_acls([AclBinding(ResourceType.TOPIC, topic, *who)])))


def databases(reach: Reach, own: str | None, names: list[str]) -> dict[str, str]:
    """What may be done in each database. `own`: where this user is kept."""
    acts: dict[str, Callable[[Any], object]] = {
        "r": lambda database: database["cases"].find_one(),
        "w": lambda database: database["tried"].insert_one({"tried": True}),
        "d": lambda database: database.list_collection_names(),
        "x": lambda database: database.client.drop_database(database.name),
    }
    with reach.store(own or "admin") as client:
        return {name: "".join(letter for letter, act in acts.items() if _allowed(act, client[name])) for name in names}


def _allowed(act: Callable[[Any], object], database: Any) -> bool:
    try:
        act(database)
    except OperationFailure as error:
        if error.code != NOT_ALLOWED:
            raise
        return False
    return True


def refused(error: KafkaError | None) -> bool:
    return error is not None and error.code() in REFUSALS


def _done(futures: dict[Any, Any]) -> set[Any]:
    found = set()
    for name, future in futures.items():
        try:
            future.result(ANSWER_SECONDS)
            found.add(name)
        except KafkaException as error:
            if not refused(error.args[0]):
                raise
    return found
