"""The judge of the fuzz finds what it is there for: each fault planted by itself, beside what is good."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chassis.delivery import COPY, REASON, SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC
from deploy.basudara.records import Record, event_in
from deploy.local import loopback, processes
from tests.fuzz import asking, watching
from tests.fuzz.accounts import HANDLED, PARKED, PASSED_BY, Account, Kept, account, parked_of
from tests.fuzz.asking import Replies, ask_for_a_while
from tests.fuzz.damage import Damage
from tests.fuzz.events import NUMBER, Ids, Reader
from tests.fuzz.fuzzing import shown
from tests.fuzz.judging import DEFECTS, REPLIES, Canary, Finding, Sight, judged
from tests.fuzz.putting import Put
from tests.fuzz.requests import Requests
from tests.fuzz.watching import Watch, errors
from tests.http.world import CANARIES

NAME, MEGABYTE = "an-agency/a-service", 1_000_000
METRICS = '# TYPE basudara_defects counter\nbasudara_defects_total{where="handler"} 0.0\n'
READER = Reader(name=NAME, group="g", database="d", heard=frozenset({"heard"}))


def good() -> Sight:
    """Ten minutes of a service that nothing happens to, its memory a little uneven."""
    seconds = range(600)
    return Sight(
        processes=[(7, 100)] * 600,
        probes=[(float(at), 0.01) for at in seconds],
        memory=[(float(at), 100 * MEGABYTE + at % 7 * 100_000) for at in seconds],
        before={(DEFECTS, (("where", "http"),)): 2.0},
        after={(DEFECTS, (("where", "http"),)): 2.0, replied("/cases", "503"): 4.0, replied("/cases", "422"): 90.0},
    )


def replied(route: str, status: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return REPLIES, (("route", route), ("status", status))


def rules(sight: Sight, *canaries: Canary, **accounts: Account) -> list[str]:
    return [one.rule for one in judged({NAME: sight}, canaries, accounts)]


def put(number: int, what: str = "as it is", event: tuple[str, str] | None = None) -> Put:
    return Put(number=number, topic="t", partition=0, offset=number, what=what, event=event)


def test_what_is_good_is_found_good() -> None:
    fine = Canary(service=NAME, what="GET /", seconds=59.0, outcome="200")
    assert rules(good(), fine, good=Account(outcomes=Counter({HANDLED: 3}))) == []


def test_a_process_that_is_another_one_is_a_crash() -> None:
    """Also where it had the same number as the one before."""
    for other in (None, (8, 100), (7, 101)):
        sight = good()
        sight.processes[300] = other
        assert rules(sight) == ["crash"]
    assert rules(Sight()) == ["crash"], "what was never seen is not alive"


def test_no_answer_and_a_late_one_are_a_hang() -> None:
    for late in (None, 11.0):
        sight = good()
        sight.probes[300] = (300.0, late)
        assert rules(sight) == ["hang"]
    sight = good()
    sight.unanswered.append("half: b'GET'")
    assert rules(sight) == ["hang"]
    assert rules(good(), Canary(service=NAME, what="a record", seconds=60.0, outcome=None)) == ["hang"]


def test_a_defect_and_a_reply_that_is_none_are_found() -> None:
    counted: dict[Any, float] = {(DEFECTS, (("where", "parse"),)): 1.0}
    assert rules(replace(good(), after=counted)) == ["defect"]
    assert rules(replace(good(), after={(DEFECTS, (("where", "http"),)): 3.0})) == ["defect"]
    for status in ("500", "502"):
        assert rules(replace(good(), after={replied("/cases", status): 1.0})) == ["5xx"]


def test_memory_that_grows_is_found_and_that_of_a_start_is_not() -> None:
    def grown(last: float) -> Sight:
        sizes = [60.0] * 200 + [100.0] * 200 + [last] * 200
        return replace(good(), memory=[(float(at), int(size * MEGABYTE)) for at, size in enumerate(sizes)])

    assert rules(grown(100.0)) == []
    assert rules(grown(107.0)) == []
    assert rules(grown(108.5)) == ["memory"]
    assert rules(replace(good(), memory=grown(200.0).memory[:250])) == [], "too short to be told from a start"


def test_a_record_of_which_its_reader_knows_nothing_is_found() -> None:
    puts = [
        put(0, event=("id-0", "heard")), put(1, "bytes"), put(2, event=("id-2", "another")), put(3, "bytes"),
        put(4, event=("id-4", "heard")), put(5, event=("id-0", "heard")), put(6, "no headers"),
    ]  # fmt: skip
    parked = {"number 1": ["invalid field=body rule=x"], "t:0:6": ["invalid field=key"]}
    found = account(READER, puts, Kept(notes=frozenset({"g:id-0"}), parked=parked))
    assert [one.number for one in found.lost] == [3, 4]
    assert found.outcomes == {HANDLED: 1, PARKED: 2, PASSED_BY: 1, "duplicate": 1}
    assert found.reasons == {"invalid field=body": 1, "invalid field=key": 1}
    assert rules(good(), a=found) == ["unaccounted"]


def test_a_record_parked_twice_is_found() -> None:
    found = account(READER, [put(1)], Kept(notes=frozenset(), parked={"number 1": ["invalid", "invalid"]}))
    assert rules(good(), a=found) == ["parked twice"]


def test_a_copy_that_was_sent_again_counts_once() -> None:
    def copy(name: str, source: str, number: str | None) -> Record:
        told = {
            COPY: name,
            REASON: "invalid field=key",
            SOURCE_TOPIC: source,
            SOURCE_PARTITION: "0",
            SOURCE_OFFSET: "7",
        }
        headers = [*told.items(), *([(NUMBER, number)] if number else [])]
        return Record(
            topic="parked", partition=0, offset=0, at=datetime.now(UTC), key=b"", value=b"",
            headers=tuple((key, value.encode()) for key, value in headers),
        )  # fmt: skip

    found = parked_of([copy("c1", "t", "3"), copy("c1", "t", "3"), copy("c2", "t", None), copy("c3", "t", "3")])
    assert found == {"number 3": ["invalid field=key"] * 2, "t:0:7": ["invalid field=key"]}


def test_lines_of_a_log_that_tell_of_a_fault_are_found_once_each() -> None:
    lines = [
        {"event": "http.refused", "level": "info"},
        {"event": "http.defect", "level": "error", "error": "KeyError at a:1"},
        {"event": "http.defect", "level": "error", "error": "KeyError at a:1"},
        {"event": "service.part_ended", "level": "error"}, {"event": "consumer.retried", "level": "warning"},
    ]  # fmt: skip
    log = "\n".join([*map(json.dumps, lines), "Traceback (most recent call last):"])
    assert [line.split(" ", 2)[0] for line in errors(log)] == ["2", "1", "1"]
    assert rules(replace(good(), errors=errors(log))) == ["log"] * 3


def test_a_personal_canary_in_a_log_is_found() -> None:
    texts = {"a.log": f"who: {CANARIES[0]}", "b.log": "nobody"}
    assert shown(texts) == [Finding(service="a.log", rule="personal", told="canary 0 stands in its log")]


# -- seen by the watch itself ------------------------------------------------------------------------------------------


@pytest.fixture
def child(tmp_path: Path) -> Iterator[tuple[processes.Child, Path]]:
    pid_file = tmp_path / "a.pid"
    log = tmp_path / "a.log"
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    made = processes.start(command, pid_file=pid_file, log=log, foreground=True)
    processes.wait_until(pid_file.exists, made, name="child", log=log, limit_seconds=10)
    yield made, pid_file
    processes.end_leftovers(pid_file)


async def answering(live: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A service: its counters always, `/live` only while it lives."""
    line = await reader.readuntil(b"\r\n\r\n")
    if b"/metrics" in line or live.is_set():
        body = METRICS.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
    else:
        await reader.read(-1)
    writer.close()


async def watched(pid_file: Path, live: asyncio.Event, act: Any) -> Sight:
    port = next(loopback.free_ports())

    open_ = set[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        await answering(live, reader, writer)
        open_.discard(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        watch, stop = Watch({NAME: pid_file}, {NAME: f"http://127.0.0.1:{port}"}), asyncio.Event()
        running = asyncio.create_task(watch.run(stop))
        await _until(lambda: len(watch.sights[NAME].probes) > 1 or not live.is_set())
        act()
        await _until(lambda: len(watch.sights[NAME].processes) > 3)
        stop.set()
        await running
        await watch.end()
        await _until(lambda: not open_)
    return watch.sights[NAME]


async def _until(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


async def test_a_process_that_was_killed_is_seen_to_be_gone(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EACH_SECONDS", 0.1)
    made, pid_file = child
    live = asyncio.Event()
    live.set()
    assert rules(await watched(pid_file, live, lambda: None)) == []
    sight = await watched(pid_file, live, lambda: processes.stop(made, pid_file=pid_file))
    assert sight.processes[0] == (made.pid, made.started)
    assert sight.memory[0][1] > MEGABYTE
    assert rules(sight) == ["crash"]


async def test_a_service_that_takes_requests_and_never_answers_is_seen(
    child: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EACH_SECONDS", 0.1)
    monkeypatch.setattr(watching, "HANGS_SECONDS", 0.2)
    assert rules(await watched(child[1], asyncio.Event(), lambda: None)) == ["hang"]


async def test_a_whole_request_without_an_answer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ANSWERED_WITHIN_SECONDS", 0.2)
    monkeypatch.setattr(asking, "GIVEN_SECONDS", 0.1)
    monkeypatch.setattr(asking, "HELD_SECONDS", 0.1)
    chance, replies, port = Random(1), Replies(), next(loopback.free_ports())

    open_ = set[asyncio.StreamWriter]()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        await reader.read(-1)
        writer.close()
        open_.discard(writer)

    async with await asyncio.start_server(silent, "127.0.0.1", port):
        requests = Requests(chance, "referral", ["a.b.c"], {}, Ids(chance))
        until = asyncio.get_running_loop().time() + 1
        await ask_for_a_while(f"http://127.0.0.1:{port}", requests, 50, until, replies)
        await _until(lambda: not open_)
    assert replies.unanswered
    assert rules(replace(good(), unanswered=replies.unanswered[:1])) == ["hang"]


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_requests() -> None:
    one, other = (Requests(Random(5), "intake", ["a.b.c"], {}, Ids(Random(6))) for _ in range(2))
    drawn = [one.next() for _ in range(200)]
    assert drawn == [other.next() for _ in range(200)]
    assert len({asked.what for asked in drawn}) == 9


def test_damage_makes_what_no_reader_can_read_and_what_it_can() -> None:
    said = {"specversion": "1.0", "data": {"a": [1, {"b": "c"}]}}
    damage = Damage(Random(3))
    texts = [damage.in_json(said) for _ in range(300)]
    assert sum(_is_json(text) for text in texts) in range(30, 290)
    assert any(b'"a":1,"a":2' in text for text in texts)
    assert {damage.in_bytes(b"abc") for _ in range(100)} > {b"abcabc", b""}
    assert event_in(b"{}", ()) is None


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
