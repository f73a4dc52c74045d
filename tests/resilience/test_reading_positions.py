"""Where a group reads on: never past what is not handled, and from the oldest record where it never read before."""

from aiokafka.admin import NewPartitions

from chassis import ids
from chassis.envelope import Event, to_record
from tests.resilience.dump import command, findings
from tests.resilience.proxy import Proxy
from tests.resilience.town import Process, Town, at, case, request, until


async def told(process: Process, event: str) -> None:
    async def there() -> bool:
        return bool(process.lines(event))

    await until(there, f"{process.service} says {event}")


async def test_no_position_is_committed_past_a_record_that_is_not_handled_or_put_aside(
    town: Town, store_way: Proxy
) -> None:
    """Promise 2: its effects could not be stored, then it is killed; its successor handles every record."""
    reader = await town.start("training", mongo=at(store_way))
    put = [await town.put_request(case(1))]
    await town.settled("training")
    before = await town.committed("training")
    await store_way.cut()
    put += [await town.put_request(case(1)) for _ in range(10)]
    refused, early = await town.put_request(case(1), "BAKERY"), await town.put_request(case(1), "BARISTA")
    put += [await town.put_request(case(1)) for _ in range(50)]
    await told(reader, "consumer.poll_failed")
    assert await town.committed("training") == before
    reader.kill()
    await store_way.restore()
    await town.start("training", mongo=at(store_way))

    async def both_parked() -> bool:
        return len(await town.parked()) == 2

    await until(both_parked, "the record that is refused and the one whose cause never comes are parked")
    await town.settled("training")
    assert await town.seen() == [event.subject for event in put], "in order, once each"
    parked = {dict(record.headers)["ce_id"].decode() for record in await town.parked()}
    assert parked == {refused.id, early.id}
    assert await findings(town, map(command, [*put, refused, early])) == []


async def test_a_new_agencys_service_starts_with_the_oldest_record(town: Town) -> None:
    """Promise 5: a hundred were said before it first came."""
    put = [await town.put_request(case(number % 10)) for number in range(100)]
    await town.start("training")
    await town.settled("training")
    assert sorted(await town.seen()) == sorted(event.subject for event in put)


async def test_a_partition_added_under_load_is_read_from_its_first_record(town: Town) -> None:
    """Promise 5: what is put there before the reader knows of it is not passed over."""
    await town.start("training")
    put = [await town.put_request(case(number)) for number in range(20)]
    await town.admin.create_partitions({town.requests_topic: NewPartitions(total_count=7)})

    async def known() -> bool:
        await town.producer.client.force_metadata_update()
        return len(await town.producer.partitions_for(town.requests_topic)) == 7

    await until(known, "the producer knows the new partition")
    for number in range(20):
        event = request(town.sender, case(100 + number))
        await town.put(*to_record(event), case(100 + number).encode(), partition=6)
        put += [event, await town.put_request(case(number))]
    await until(lambda: all_seen(town, put), "every record had its effect")
    assert sorted(await town.seen()) == sorted(event.subject for event in put)


async def all_seen(town: Town, put: list[Event]) -> bool:
    return len(await town.seen()) >= len(put)


async def test_in_one_burst_every_record_keeps_its_own_key_headers_correlation_and_trace(town: Town) -> None:
    """Promise 6: twenty traces begin, and twenty end at their effects; of copies not a byte changes."""
    events = [
        request(town.sender, case(number), traceparent=ids.traceparent(), correlationid=f"asked-{number}")
        for number in range(20)
    ]
    refused = [request(town.sender, case(number), "BAKERY") for number in range(20, 25)]
    for event in [*events, *refused]:  # one burst, before anybody reads
        await town.put(*to_record(event), event.data["case_ref"].encode())
    reader = await town.start("training")
    await town.settled("training")
    polls = await reader.metric("basudara_transaction_events_count")
    assert polls < len(events), "they were read in batches"
    by_cause = {dict(record.headers)["ce_causationid"].decode(): record for record in await town.answers()}
    assert by_cause.keys() == {event.id for event in events}
    for event in events:
        record = by_cause[event.id]
        headers = {name: value.decode() for name, value in record.headers}
        assert record.key == event.data["case_ref"].encode()
        assert headers["ce_correlationid"] == event.correlationid
        assert headers["ce_traceparent"].split("-")[1] == event.traceparent.split("-")[1]
    copies = {dict(record.headers)["ce_id"].decode(): record for record in await town.parked()}
    assert copies.keys() == {event.id for event in refused}
    for event in refused:
        value, headers_sent = to_record(event)
        copy = copies[event.id]
        assert (copy.key, copy.value) == (event.data["case_ref"].encode(), value)
        assert [one for one in copy.headers if not one[0].startswith("basudara-")] == headers_sent
