"""Records as the operator's commands meet them, on a real broker."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.structs import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from deploy.basudara import records
from deploy.local import engine

TOPIC = "sender.intake.case.v1"


class Undecodable(str):
    """The name of a header that is not UTF-8 on the wire, as a careless or hostile client can send it."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[str]:
    """With one topic of one partition."""
    try:
        address = engine.start(tmp_path, foreground=True).kafka
        admin = AdminClient({"bootstrap.servers": address})
        admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)
        yield address
    finally:
        engine.stop(tmp_path)


async def put_undecodable(producer: AIOKafkaProducer) -> None:
    """No client sends such a name: the batch is built and produced by the protocol's own parts."""
    batch = _DefaultRecordBatchBuilderPy(
        magic=2, compression_type=0, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=16_384,
    )  # fmt: skip
    batch.append(0, int(time.time() * 1000), b"key", b"{}", [("known", b"1"), (Undecodable("x"), b"1")])
    node = producer.client.cluster.leader_for_partition(TopicPartition(TOPIC, 0))
    reply = await producer.client.send(node, ProduceRequest(None, -1, 5000, [(TOPIC, [(0, bytes(batch.build()))])]))
    assert reply.topics[0][1][0][1] == 0, "the broker takes it"


async def test_a_header_name_that_is_no_text_ends_no_look_at_the_topics(kafka: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.send_and_wait(TOPIC, b"1", key=b"key", headers=[("known", b"1")])
        await put_undecodable(producer)
        await producer.send_and_wait(TOPIC, b"2", key=b"key")
    finally:
        await producer.stop()
    found = list(records.until_now({"bootstrap.servers": kafka}, lambda topic: topic == TOPIC))
    assert [(one.value, one.headers) for one in found] == [
        (b"1", (("known", b"1"),)),
        (b"{}", (("?", None),)),
        (b"2", ()),
    ]
