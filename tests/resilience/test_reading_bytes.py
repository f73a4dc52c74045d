"""Whatever bytes arrive, the good records between them are handled, and the bad ones are parked."""

import asyncio
import random
import time
from typing import Any

import confluent_kafka
from aiokafka import TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from chassis.envelope import to_record
from tests.resilience.town import SECONDS, Town, case, request

CASE = case(1)
RANDOM_RECORDS = 10_000 if SECONDS else 3_000


def bad_records(town: Town) -> list[tuple[bytes | None, list[tuple[str, Any]]]]:
    """One fault each, in headers or body, in a record that is good otherwise."""
    value, headers = to_record(request(town.sender, CASE))
    binary = [("content-type", b"application/json"), *headers[1:]]
    return [
        (None, headers),
        (None, []),
        (b"", headers),
        (b"\xff\xfe", headers),
        (b"null", headers),
        (b"[]", []),
        (b'{"id":NaN}', []),
        (b"[" * 100_000, []),
        (b'{"a":' * 5_000, []),
        (value[:-1], headers),
        (value + value, headers),
        (value.replace(b'"id":', b'"id":"1","id":'), headers),
        (value.replace(b'"1.0"', b'"0.3"'), headers),
        (value.replace(b'"aggregateversion":1', b'"aggregateversion":1e400'), headers),
        (value.replace(b"WELDING", b"\\ud800"), headers),
        (value.replace(b'"field":"WELDING"', b'"field":7'), headers),
        (value.replace(town.sender.encode(), b"somebody-else"), headers),
        (value, [("content-type", b"\xff\xff")]),
        (value, [("content-type", b"text/plain"), *headers[1:]]),  # binary mode: its data is not the envelope
        (b"{}", binary[:3]),
        (b"{}", [*binary, ("ce_id", b"again")]),
        (b"{}", [("ce_id" if name == "ce_id" else name, b"\xff" if name == "ce_id" else one) for name, one in binary]),
        (b"{}", [(name, b"" if name == "ce_type" else one) for name, one in binary]),
    ]


async def test_no_record_however_built_stops_a_partition(town: Town) -> None:
    """Promise 32: on one partition, each bad record between two good ones."""
    reader = await town.start("training")
    good, bad = [], bad_records(town)
    for value, headers in bad:
        good.append(await town.put_request(CASE))
        await town.put(value, headers, CASE.encode())
    good.append(await town.put_request(CASE))
    await town.settled("training")
    assert await town.seen() == [event.subject for event in good]
    parked = await town.parked()
    assert [record.value for record in parked] == [value for value, _ in bad]
    assert all(0 < len(dict(record.headers)["basudara-reason"]) <= 500 for record in parked)
    assert await reader.metric("basudara_defects_total") == 0


async def test_headers_that_no_reader_can_use_do_not_keep_a_good_event_from_its_effect(town: Town) -> None:
    """Promise 32: doubled, foreign, undecodable and valueless headers beside an event that is whole in its body."""
    await town.start("training")
    events = []
    odd: list[list[tuple[str, Any]]] = [
        [],
        [("ce_id", b"\xff\xff"), ("ce_id", b"twice")],
        [("x" * 1000, b"y" * 10_000)],
        [("", b"")],
        [("traceparent", None), ("ce_type", None)],
        [("basudara-attempts", b"\xff"), ("basudara-source-topic", b"\xfe"), ("basudara-due", b"never")],
    ]
    for headers in odd:
        event = request(town.sender, CASE)
        await town.put(to_record(event)[0], headers, CASE.encode())
        events.append(event)
    await town.settled("training")
    assert await town.seen() == [event.subject for event in events]
    assert await town.parked() == []


class Undecodable(str):
    """The name of a header that is not UTF-8 on the wire, as a careless or hostile client can send it."""

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


async def put_undecodable(town: Town, partition: int) -> None:
    """No client sends such a name: the batch is built and produced by the protocol's own parts."""
    value, headers = to_record(request(town.sender, CASE))
    batch = _DefaultRecordBatchBuilderPy(
        magic=2, compression_type=0, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=16_384,
    )  # fmt: skip
    batch.append(0, int(time.time() * 1000), CASE.encode(), value, [*headers, (Undecodable("x"), b"1")])
    topics = [(town.requests_topic, [(partition, bytes(batch.build()))])]
    node = town.producer.client.cluster.leader_for_partition(TopicPartition(town.requests_topic, partition))
    reply = await town.producer.client.send(node, ProduceRequest(None, -1, 5000, topics))
    assert reply.topics[0][1][0][1] == 0, "the broker takes it"


async def test_a_header_name_that_the_client_cannot_decode_costs_its_own_record_only(town: Town) -> None:
    """Promise 32: the client itself fails at it, over and over, and would forget what it had of other partitions."""
    put = [await town.put_request(CASE)]
    partition = (await town.records(town.requests_topic))[0].partition
    for turn in range(3):
        await put_undecodable(town, partition)
        put += [await town.put_request(case(number)) for number in range(20 * turn, 20 * turn + 20)]
        put.append(await town.put_request(CASE))
        if turn == 1:  # the first two wait for a reader that starts, the third meets it at work
            reader = await town.start("training")
            await town.settled("training")
    await town.settled("training")
    assert sorted(await town.seen()) == sorted(event.subject for event in put)
    reasons = [dict(record.headers)["basudara-reason"] for record in await town.parked()]
    assert reasons == [b"invalid field=headers rule=a name is not UTF-8"] * 3
    assert reader.lines("service.part_ended") == []


async def test_records_without_key_and_value_are_parked_and_hold_nobody_back(town: Town) -> None:
    """Promise 35: other clients send them, ours can't."""
    await town.start("training")
    other = confluent_kafka.Producer({"bootstrap.servers": town.backend.kafka})
    for _ in range(3):
        other.produce(town.requests_topic, None, None)
        other.produce(town.requests_topic, b"{}", None)
    assert other.flush(20) == 0
    await town.settled("training")
    assert (
        sorted((record.key, record.value) for record in await town.parked() if record.value is None)
        == [(b"", None)] * 3
    )
    assert len(await town.parked()) == 6


async def test_thousands_of_records_of_random_bytes_are_all_parked(town: Town) -> None:
    """Promise 35: what reports a bad record can itself handle any bytes."""
    reader = await town.start("training")
    chance = random.Random(35)  # the same bytes in every run
    sending = []
    for _ in range(RANDOM_RECORDS):
        names = ("content-type", "ce_id", "ce_type", "basudara-reason", "basudara-attempts", "basudara-due", "x")
        headers = [(chance.choice(names), chance.randbytes(chance.randrange(20))) for _ in range(chance.randrange(4))]
        key = chance.randbytes(chance.randrange(20)) if chance.random() < 0.8 else None
        value = chance.randbytes(chance.randrange(200)) if key is None or chance.random() < 0.95 else None
        sending.append(await town.producer.send(town.requests_topic, value, key, headers=headers))
    await asyncio.gather(*sending)
    last = await town.put_request(CASE)
    await town.settled("training")
    assert await town.seen() == [last.subject]
    parked = await town.parked()
    assert len(parked) == RANDOM_RECORDS
    places = {tuple(dict(one.headers)[f"basudara-source-{part}"] for part in ("partition", "offset")) for one in parked}
    assert len(places) == RANDOM_RECORDS, "each of them once"
    assert await reader.metric("basudara_defects_total") == 0
    assert reader.lines("service.part_ended") == []
