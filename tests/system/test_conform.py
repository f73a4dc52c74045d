"""`basudara contracts conform` on a real broker: records of the CloudEvents SDK and by hand; and all of the stories."""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from typer.testing import CliRunner

from chassis.clock import Clock
from chassis.delivery import SOURCE_TOPIC
from deploy.basudara import records as found
from deploy.basudara.cli import app
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.judging import Judge
from deploy.basudara.stack import ROOT, Stack
from tests.system.command import Ended
from tests.system.play import Played

PARTNER, TOPIC = "mitra-contoh", "mitra-contoh.referral.referral.to.balai-contoh.v1"  # a topic that no service reads
TYPE = "id.basudara.referral.referral.requested.v1"
EXAMPLE = ROOT / "contracts" / "events" / TYPE / "examples" / "adult.json"


def conform(stack: Stack, *given: str) -> Ended:
    words = ["contracts", "conform", "--home", str(stack.home), *given]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    return Ended(done.exit_code, done.stdout, done.stderr)


def event(number: int, **members: Any) -> dict[str, Any]:
    """Of a partner, right in everything, now; another referral each."""
    said: dict[str, Any] = json.loads(EXAMPLE.read_text())
    referral = f"ref_{number:026d}".replace("0", "a").replace("1", "b").replace("8", "c").replace("9", "d")
    said["data"]["referral_id"] = referral
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    own = {"id": f"01a3266a-55c0-7270-b142-{number:012d}", "source": f"/{PARTNER}/referral", "subject": referral}
    return {**said, **own, "time": now, **members}


def by_sdk(said: dict[str, Any], *, binary: bool) -> tuple[bytes, list[tuple[str, bytes]]]:
    attributes = {name: value for name, value in said.items() if name != "data"}
    made = CloudEvent({**attributes, "time": datetime.fromisoformat(said["time"])}, said["data"])
    message = (to_binary if binary else to_structured)(made, JSONFormat())
    return message.value, list(message.headers.items())


def by_hand(said: dict[str, Any], **other: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Both modes at once, as our services write it."""
    headers = {f"ce_{name}": str(value).encode() for name, value in said.items() if name != "data"}
    return json.dumps(said).encode(), list(
        {"content-type": b"application/cloudevents+json", **headers, **other}.items()
    )


RECORDS: list[tuple[tuple[bytes | None, list[tuple[str, bytes]]], set[tuple[str, str]]]] = [  # and what must be said
    (by_hand(event(1)), set()),
    (by_sdk(event(2), binary=True), set()),
    (by_sdk(event(3), binary=False), {("/headers", "required")}),  # it mirrors nothing
    ((json.dumps(event(4)).encode(), []), {("/headers", "required")}),  # as kcat sends a line
    (by_hand(event(1)), {("/value/id", "duplicate")}),
    (by_hand(event(5, source="/lain-contoh/referral")), {("/value/source", "owner")}),
    (by_hand(event(6, traceId="x")), {("/value/traceId", "name")}),
    (by_hand(event(7), ce_type=b"id.other"), {("/headers/ce_type", "mirror")}),
    ((b"bukan peristiwa", []), {("/value", "json")}),
    ((None, []), {("/value", "value")}),
    (by_hand(event(8, time="2031-01-01T00:00:00Z")), {("/value/time", "time")}),
    (by_hand(event(9, time="2027-13-01T00:00:00Z")), {("/value/time", "format")}),
    (by_hand(event(10, data={**event(10)["data"], "nik": "8171000000000000"})),
     {("/value/data", "additionalProperties")}),
]  # fmt: skip


@pytest.fixture(scope="module")
def partner(stack: Stack) -> Stack:
    """With a partner's topic of one partition, and the records on it."""
    admin = AdminClient(stack.reach.broker)
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)
    key = json.loads(EXAMPLE.read_text())["data"]["case_ref"].encode()
    producer = Producer({**stack.reach.broker, "acks": "all"})
    for (value, headers), _ in RECORDS:
        producer.produce(TOPIC, value, key, headers=list(headers))
    assert producer.flush(30) == 0
    return stack


def test_what_a_partners_records_break_is_counted_with_their_places(partner: Stack) -> None:
    ended = conform(partner, "--json", TOPIC)
    told = json.loads(ended.shown)
    assert ended.status == 1
    assert told["records"] == {TOPIC: len(RECORDS)}
    expected = Counter(rule for _, rules in RECORDS for rule in rules)
    counts = {(row["pointer"], row["rule"]): row["count"] for row in told["broken"]}
    assert counts == expected
    places = {(row["pointer"], row["rule"]): row["examples"] for row in told["broken"]}
    for offset, (_, rules) in enumerate(RECORDS):
        assert all(f"0:{offset}" in places[rule] for rule in rules), RECORDS[offset]
    assert "8171000000000000" not in ended.shown
    assert "bukan" not in ended.shown


def test_the_report_reads_as_a_table_too(partner: Stack) -> None:
    shown = conform(partner, TOPIC).shown
    assert shown.startswith(f"{TOPIC}: {len(RECORDS)} records, ")
    for text in ("/headers/ce_type", "mirror", "0:7", "duplicate"):
        assert text in shown


def test_a_clean_topic_ends_with_exit_code_0(partner: Stack) -> None:
    ended = conform(partner, "--max", "2", TOPIC)
    assert (ended.status, ended.shown) == (0, f"{TOPIC}: 2 records, 0 findings\n")


def test_it_listens_to_what_comes_and_to_nothing_before(partner: Stack) -> None:
    """From the end: only what is sent while it listens, a short time at least and at most."""
    sent = Producer({**partner.reach.broker, "acks": "all"})
    value, headers = by_sdk(event(11), binary=True)
    key = json.loads(EXAMPLE.read_text())["data"]["case_ref"].encode()

    def keep_sending() -> None:
        for _ in range(40):
            sent.produce(TOPIC, value, key, headers=list(headers))
            sent.flush(10)
            time.sleep(0.1)

    sender = Thread(target=keep_sending)
    sender.start()
    ended = conform(partner, "--from", "end", "--seconds", "3", "--json", TOPIC)
    sender.join()
    told = json.loads(ended.shown)
    assert 1 <= told["records"][TOPIC] <= 40
    assert [row["rule"] for row in told["broken"]] == ["duplicate"], "nothing of what stood there before"


def test_it_leaves_no_trace_at_the_broker(partner: Stack) -> None:
    admin = AdminClient(partner.reach.broker)
    before = {one.group_id for one in admin.list_consumer_groups().result(20).valid}
    conform(partner, TOPIC)
    assert {one.group_id for one in admin.list_consumer_groups().result(20).valid} == before
    assert not any("looking-on" in one for one in before)


@pytest.mark.parametrize(("given", "said"), [
    (["nowhere.v1"], "none of the topics asked for is there"),
    (["nowhere.v1", TOPIC], "nowhere.v1: no such topic"),
    (["--from", "end", TOPIC], "--until-end"),
    (["--seconds", "1", "--until-end", TOPIC], "--until-end"),
    (["--contracts", "nowhere", TOPIC], "cannot be read"),
    (["--home", "nowhere", TOPIC], "nothing runs in"),
])  # fmt: skip
def test_what_cannot_run_is_one_line_and_exit_code_2(partner: Stack, given: list[str], said: str) -> None:
    ended = conform(partner, *given)
    assert (ended.status, ended.shown) == (2, "")
    assert said in ended.told
    assert ended.told.startswith("basudara: ")
    assert ended.told.count("\n") == 1


# -- all that the running system says ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(stack: Stack, played: Played) -> list[found.Record]:
    """Every record of every topic, before any test puts some of its own there; not those of the partner above."""
    assert played.yopi.case
    return list(found.until_now(stack.reach.broker, lambda topic: not topic.startswith(("__", PARTNER))))


@pytest.fixture(scope="module")
def first_hand(told: list[found.Record]) -> list[found.Record]:
    """Without what a consumer put off: a copy has more headers."""
    return [one for one in told if one.header(SOURCE_TOPIC) is None]


def test_every_record_of_the_stories_obeys_the_published_document(stack: Stack, told: list[found.Record]) -> None:
    """Value, headers, key, topic, versions and time: the sniffer."""
    judge = Judge(Contracts(ROOT / "contracts"), Clock(stack.clock_file).now())
    assert [f"{one.place} {row}" for one in told for row in judge.findings(one)] == []
    assert len(told) > 300


def test_every_event_of_the_stories_is_read_by_the_cloudevents_sdk_in_both_modes(
    first_hand: list[found.Record],
) -> None:
    read = 0
    for one in first_hand:
        said = found.seen(one)
        assert said is not None, one.place
        value, headers = one.value or b"", {name: raw or b"" for name, raw in one.headers}
        data = json.dumps(said.data).encode()
        as_binary = {**headers, "content-type": b"application/json"}
        for event in (
            from_structured(KafkaMessage(headers, one.key, value), JSONFormat()),
            from_binary(KafkaMessage(as_binary, None, data), JSONFormat()),
        ):
            assert (event.get_id(), event.get_type(), event.get_subject()) == (said.id, said.type, said.subject)
            assert (event.get_time(), event.get_source()) == (said.time, said.source)
            assert event.get_data() == said.data
            read += 1
    assert read == 2 * len(first_hand) > 600


def test_a_record_that_was_sent_has_the_names_of_the_golden_one(first_hand: list[found.Record]) -> None:
    golden = (ROOT / "tests" / "contracts" / "data" / "golden-record.txt").read_bytes().split(b"\n\n", 1)[0]
    names = [line.split(b": ", 1)[0].decode() for line in golden.splitlines()]
    assert {tuple(name for name, _ in one.headers) for one in first_hand} == {tuple(names)}
