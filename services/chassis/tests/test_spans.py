"""Spans by themselves: their form, their room, what a broken exporter costs, and that off is off."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from chassis import exporting, ids, measures, spans
from chassis.clock import Clock
from chassis.spans import Span, Spans

NOON = datetime(2027, 1, 11, 12, tzinfo=UTC)
HERE = Path(__file__).parent
EVENT = "01a3266a-55c0-7270-b142-146774d38d15"


def span(number: int = 1, **more: Any) -> Span:
    given: dict[str, Any] = {
        "name": "send x", "kind": "PRODUCER", "context": f"00-{'ab' * 16}-{number:016x}-01", "under": None,
        "begun_at": NOON, "ended_at": NOON + timedelta(milliseconds=7), "attributes": {"a": "b", "n": 3}, **more,
    }  # fmt: skip
    return Span(**given)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


class Collector:
    """An exporter that the test holds up and lets break."""

    def __init__(self) -> None:
        self.open, self.entered, self.broken = threading.Event(), threading.Event(), False
        self.got: list[Span] = []
        self.open.set()

    def export(self, spans: Sequence[Span]) -> bool:
        self.entered.set()
        self.open.wait(20)
        if self.broken:
            raise ConnectionError("nobody there")
        self.got += spans
        return True

    def shutdown(self) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    one = Collector()
    yield one
    one.open.set()


def reply(told: Spans, context: str | None = None) -> None:
    told.replied(context or ids.traceparent(), NOON, "GET", "/x", 200)


def dropped() -> float:
    return float(measures.SPANS_DROPPED._value.get())


# -- form --------------------------------------------------------------------------------------------------------------


def test_a_line_of_the_file_is_one_request_of_otlp(tmp_path: Path) -> None:
    to = exporting.exporter(f"file:{tmp_path}", "an-agency", "training", "1")
    assert to.export([span(), span(2, under=f"{1:016x}", kind="CONSUMER", error_code="conflict")])
    resource = {"service.namespace": "an-agency", "service.name": "training", "service.instance.id": "1"}
    first, second = lines(tmp_path)
    assert first == {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
                },
                "scopeSpans": [
                    {
                        "scope": {"name": "basudara.chassis"},
                        "spans": [
                            {
                                "traceId": "ab" * 16,
                                "spanId": "0000000000000001",
                                "name": "send x",
                                "kind": 4,
                                "startTimeUnixNano": "1799668800000000000",
                                "endTimeUnixNano": "1799668800007000000",
                                "attributes": [
                                    {"key": "a", "value": {"stringValue": "b"}},
                                    {"key": "n", "value": {"intValue": "3"}},
                                ],
                                "status": {"code": 0},
                            }
                        ],
                    }
                ],
            }
        ]
    }
    (told,) = second["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (told["parentSpanId"], told["kind"], told["status"]) == ("0000000000000001", 5, {"code": 2})
    assert {"key": "error.type", "value": {"stringValue": "conflict"}} in told["attributes"]


def test_the_lines_are_read_by_the_standards_own_reader(tmp_path: Path) -> None:
    """Its JSON reader takes ids as base64, as protobuf does, so these are turned before; all else is as written."""
    from google.protobuf import json_format  # type: ignore[import-untyped]
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    exporting.exporter(f"file:{tmp_path}", "an-agency", "training", "1").export([span()])
    (line,) = lines(tmp_path)
    request = json_format.ParseDict(line, ExportTraceServiceRequest())
    (read,) = request.resource_spans[0].scope_spans[0].spans
    assert (read.name, read.kind, read.end_time_unix_nano - read.start_time_unix_nano) == ("send x", 4, 7_000_000)


def test_a_collector_gets_the_same_by_otlp_over_http() -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    got: list[tuple[str, bytes]] = []

    class Listens(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listens) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        to = exporting.exporter(f"otlp:http://127.0.0.1:{server.server_port}/v1/traces", "an-agency", "training", "1")
        assert to.export([span(2, under=f"{1:016x}")])
        thread.join()
    to.shutdown()
    ((path, body),) = got
    (read,) = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    assert path == "/v1/traces"
    assert (read.trace_id.hex(), read.span_id.hex(), read.parent_span_id.hex()) == ("ab" * 16, f"{2:016x}", f"{1:016x}")


def test_a_file_that_has_grown_becomes_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.exporting.FILE_BYTES", 1000)
    to = exporting.exporter(f"file:{tmp_path}", "an-agency", "training", "1")
    for number in range(1, 31):
        assert to.export([span(number)])
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["an-agency.training.1.before.jsonl", "an-agency.training.1.jsonl"]
    assert all(file.stat().st_size < 2000 for file in files)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_who_sends_an_event_knows_the_span_it_belongs_under() -> None:
    cause = ids.traceparent()
    said = spans.said_under(cause, EVENT)
    assert said.split("-")[1] == cause.split("-")[1]
    assert said.split("-")[2] != cause.split("-")[2]
    assert spans.said_under(said, EVENT) == cause, "turned twice it is the cause again"
    assert spans.said_under(cause, EVENT.replace("15", "16")) != said


# -- room --------------------------------------------------------------------------------------------------------------


async def test_spans_that_find_no_room_are_dropped_and_counted(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.spans.WAITING_SPANS", 50)
    told, before = Spans(collector, Clock()), dropped()
    collector.open.clear()
    reply(told)
    collector.entered.wait(20)
    for _ in range(200):
        reply(told)
    assert dropped() - before == 150
    collector.open.set()
    await told.stop(20)
    assert len(collector.got) == 51


async def test_an_exporter_that_breaks_costs_the_spans_and_nothing_else(collector: Collector) -> None:
    told, before = Spans(collector, Clock()), dropped()
    collector.broken = True
    reply(told)
    while dropped() == before:
        await asyncio.sleep(0.01)
    collector.broken = False
    reply(told)
    await told.stop(20)
    assert dropped() - before == 1
    assert len(collector.got) == 1


async def test_a_stop_sends_what_waits(collector: Collector) -> None:
    told = Spans(collector, Clock())
    for _ in range(1200):
        reply(told)
    await told.stop(20)
    assert len(collector.got) == 1200


async def test_a_stop_does_not_wait_for_a_collector_that_hangs(collector: Collector) -> None:
    told, before = Spans(collector, Clock()), dropped()
    collector.open.clear()
    reply(told)
    collector.entered.wait(20)
    reply(told)
    await told.stop(0.05)
    assert collector.got == []
    assert dropped() - before == 1


async def test_what_the_first_sender_did_not_sample_is_not_told(collector: Collector) -> None:
    told = Spans(collector, Clock())
    reply(told, ids.traceparent()[:-2] + "00")
    reply(told, ids.traceparent()[:-2] + "02")
    reply(told, wanted := ids.traceparent()[:-2] + "03")
    await told.stop(20)
    assert [one.context for one in collector.got] == [wanted]


async def test_a_method_that_somebody_made_up_is_not_told(collector: Collector) -> None:
    told = Spans(collector, Clock())
    told.replied(ids.traceparent(), NOON, "9171010101010001", "none", 405)
    await told.stop(20)
    assert [one.name for one in collector.got] == ["_OTHER none"]
    assert "9171010101010001" not in repr(collector.got)


async def test_a_clock_that_cannot_be_read_ends_no_request(collector: Collector, tmp_path: Path) -> None:
    told = Spans(collector, Clock(tmp_path / "gone"))
    reply(told)
    await told.stop(20)
    assert len(collector.got) == 1


# -- a process of its own ----------------------------------------------------------------------------------------------

PROGRAM = """
import sys
sys.path.insert(0, {here!r})
{before}
import toy
from chassis.running import run
run("training", toy.Settings, toy.build)
"""


def start(before: str, tmp_path: Path, value: str) -> subprocess.CompletedProcess[str]:
    told = {
        "AGENCY": "an-agency", "MONGO_URL": "mongodb://127.0.0.1:9", "DATABASE": "x", "KAFKA": "127.0.0.1:9",
        "HTTP_PORT": "0", "CONTRACTS_DIR": str(HERE.parents[2] / "contracts"), "ISSUER_KEYS": str(tmp_path / "keys"),
        "SPANS": value,
    }  # fmt: skip
    program = PROGRAM.format(here=str(HERE), before=before)
    env = {**os.environ, **{f"TOY_{name}": text for name, text in told.items()}}
    return subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("value", "missing", "told"),
    [
        ("on", "", "spans: String should match"),
        ("otlp:collector", "", "spans: String should match"),
        ("file:{tmp}/keys/spans", "", "spans_refused folder=can't be written: NotADirectoryError"),
        ("file:{tmp}/spans", "opentelemetry.sdk", "opentelemetry-sdk is not installed"),
        ("otlp:http://127.0.0.1:9", "opentelemetry.exporter", "opentelemetry-exporter-otlp-proto-http is not inst"),
    ],
)
def test_what_cannot_be_told_is_said_in_one_line_at_the_start(
    value: str, missing: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text("{}")
    ended = start(f"sys.modules[{missing!r}] = None" if missing else "", tmp_path, value.format(tmp=tmp_path))
    assert ended.returncode == 2
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_where_spans_are_off_nothing_of_the_sdk_is_imported() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import toy; from chassis import spans; from chassis.clock import "
        "Clock; assert spans.begin('off', 'a', 's', '1', Clock()) is None; "
        "print([one for one in sys.modules if one.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', "
        "'chassis.exporting', 'google'))])"
    )
    told = subprocess.run([sys.executable, "-c", program, str(HERE)], capture_output=True, text=True, timeout=60)
    assert (told.stdout.strip(), told.stderr) == ("[]", "")


async def test_a_file_that_cannot_be_written_any_more_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "spans"
    told, before = Spans(exporting.exporter(f"file:{folder}", "an-agency", "training", "1"), Clock()), dropped()
    (folder / "an-agency.training.1.jsonl").unlink()
    folder.rmdir()
    reply(told)
    await told.stop(20)
    assert dropped() - before == 1
