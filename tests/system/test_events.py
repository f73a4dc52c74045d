"""What the operator sees of events: as they come, those of one case, and everything for a checker."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from deploy.basudara.stack import ROOT, Stack
from tests.resilience.checker import check
from tests.system.command import basudara, refused
from tests.system.offices import BAPAS, DINKOP, DISNAKER
from tests.system.play import Played
from tests.system.seeing import at_rest, events, put, records, settled
from tests.system.test_edge_kafka import TOPIC, record, request
from tests.system.told import nowhere

SCHEMA = ROOT / "deploy" / "basudara" / "events.schema.json"
SPOILT = b"Salma Misal"  # what a record holds that no reader can read
RECORD = "audit_open"  # who read or changed what is not for a checker of events
JOURNAL = [{"id": "cmd-1", "at": "2027-01-04T00:00:00Z", "what": "register"}, {"id": "cmd-2", "kind": "other"}]


def traced(stack: Stack, ref: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = basudara(stack, "events", "trace", ref, "--json").json
    return steps


# -- trace -------------------------------------------------------------------------------------------------------------


def test_a_case_is_traced_whole_by_whatever_name_an_agency_has_for_it(stack: Stack, played: Played) -> None:
    yopi = played.yopi
    own = events(records(stack), *yopi.refs.values())
    some = next(one for one in own if one.kind == "enrolment.completed")
    for ref in (yopi.case, yopi.refs[DISNAKER], yopi.referrals[0], yopi.enrolments[0], some.id, own[0].id):
        steps = traced(stack, ref)
        assert {one.id for one in own} <= {step["id"] for step in steps}
    assert len(own) > 30


def test_a_trace_tells_of_one_person_only(stack: Stack, played: Played) -> None:
    """Classes and lines join many persons: no event about another is shown, nor his pseudonym anywhere."""
    strangers = [ref for one in (played.frans, *played.crowd) for ref in one.refs.values()]
    own = set(played.yopi.refs.values())
    steps = traced(stack, played.yopi.case)
    assert {step["key"] for step in steps if step["key"].startswith("prt_")} == own
    nowhere(
        strangers, {"trace": json.dumps(steps), "table": basudara(stack, "events", "trace", played.yopi.case).shown}
    )
    assert {step["key"] for step in traced(stack, played.frans.refs[DINKOP])} >= set(played.frans.refs.values())


def test_a_trace_goes_from_cause_to_effect_in_order_of_time(stack: Stack, played: Played) -> None:
    steps = traced(stack, played.yopi.referrals[0])
    assert [step["time"] for step in steps] == sorted(step["time"] for step in steps)
    assert steps[0]["after_seconds"] == 0
    assert sum(step["after_seconds"] for step in steps) > 150 * 24 * 3600, "from January to June"
    numbers = {step["type"].split(".")[-2] + step["type"].split(".")[-3]: at for at, step in enumerate(steps, start=1)}
    accepted = next(step for step in steps if step["type"].endswith("referral.accepted.v1"))
    assert accepted["because_of"] == numbers["acceptedplacement"]
    assert steps[0]["because_of"] is None, "an officer's command"
    assert all(step["because_of"] is None or step["because_of"] < at for at, step in enumerate(steps, start=1))


def test_a_class_that_starts_for_many_is_one_step_of_each(stack: Stack, played: Played) -> None:
    kinds = [step["type"].removeprefix("id.basudara.") for step in traced(stack, played.yopi.case)]
    started = [one for one in records(stack) if one.said.get("type", "").endswith("enrolment.started.v1")]
    correlations = {one.said["correlationid"] for one in started if one.said["subject"] == played.yopi.enrolments[0]}
    assert sum(one.said["correlationid"] in correlations for one in started) > 5, "one command for all of them"
    assert kinds.count("training.enrolment.started.v1") == 1


def test_a_trace_reads_as_a_table_too(stack: Stack, played: Played) -> None:
    shown = basudara(stack, "events", "trace", played.yopi.referrals[0]).shown
    for text in ("referral.requested", "certificate.issued", BAPAS, DISNAKER, "step "):
        assert text in shown


def test_a_trace_says_where_an_event_was_set_aside_and_why(stack: Stack, played: Played) -> None:
    said = request(data={"field": "HANDICRAFT", "agreement_number": "PKS-002/CONTOH", "age_group": "UNHEARD_OF"})
    put(stack, record(said))
    settled(stack)
    (step,) = traced(stack, said["id"])
    (aside,) = step["aside"]
    assert aside["place"].split(":")[0].endswith(".parked.v1")
    assert aside["reason"].startswith("invalid")
    assert aside["reason"] in basudara(stack, "events", "trace", said["id"]).shown


def test_what_no_topic_tells_of_is_refused(stack: Stack, played: Played) -> None:
    assert "no topic tells of it" in refused(stack, "events", "trace", "prt_" + "a" * 26)


# -- tail --------------------------------------------------------------------------------------------------------------


def test_what_stands_there_is_told_by_agency_and_type(stack: Stack, played: Played) -> None:
    whole = [one.said for one in records(stack, TOPIC.replace("disperindag-ambon", DISNAKER))]
    wanted = Counter(one["id"] for one in whole if one["type"].endswith("referral.requested.v1"))
    assert len(wanted) > 5
    for name in ("referral.requested", "id.basudara.referral.referral.requested.v1"):
        ended = basudara(stack, "events", "tail", "--no-follow", "--json", "--agency", BAPAS, "--type", name)
        told = [json.loads(line) for line in ended.shown.splitlines()]
        assert Counter(one["id"] for one in told if DISNAKER in one["topic"]) == wanted
        assert {(one["agency"], one["service"]) for one in told} == {(BAPAS, "referral")}
    assert not any("data" in one for one in told), "no payload"
    shown = basudara(stack, "events", "tail", "--no-follow", "--agency", DISNAKER, "--type", "seat.waitlisted").shown
    assert shown.count("\n") == shown.count("seat.waitlisted") == shown.count(DISNAKER) > 2


@contextmanager
def following(stack: Stack, *given: str) -> Iterator[subprocess.Popen[str]]:
    """`events tail` in a process of its own, from the moment on from which it misses nothing."""
    command = [sys.executable, "-m", "deploy.basudara.cli", "events", "tail", "--home", str(stack.home), *given]
    command = [
        "env",
        "--default-signal=INT",
        *command,
    ]  # a runner in the background ignores it, and so would its children
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stderr is not None
        never = threading.Timer(60, running.kill)  # what is never told must not be waited for
        never.start()
        try:
            assert "looking at" in running.stderr.readline()
            yield running
        finally:
            never.cancel()
            running.kill()


def test_events_are_told_as_they_come_until_the_operator_ends_it(stack: Stack, played: Played) -> None:
    """Past a record that is no event, and from a topic that was made meanwhile."""
    first, second = request(), request()
    with following(stack, "--json", "--agency", BAPAS) as running:
        assert running.stdout is not None
        put(stack, record(SPOILT), record(first))
        assert json.loads(running.stdout.readline())["id"] == first["id"], "what came before is not told"
        fresh = "made-meanwhile.intake.case.v1"  # which no service reads
        admin = AdminClient(stack.reach.broker)
        admin.create_topics([NewTopic(fresh, 1, 1)])[fresh].result(20)
        put(stack, replace(record(second), topic=fresh))
        told = json.loads(running.stdout.readline())
        assert (told["id"], told["topic"], told["subject"]) == (second["id"], fresh, second["subject"])
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""


# -- export ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(
    stack: Stack, played: Played, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[dict[str, Any]]]:
    """With a record that no reader understands, and a journal of two commands."""
    assert played.yopi.case
    put(stack, replace(record(b"\xff" + SPOILT, (("ce_id", b"\xfe"), ("twice", b"1"), ("twice", b"2"))), key=None))
    at_rest(stack)
    folder = tmp_path_factory.mktemp("export")
    (folder / "journal").write_text("".join(json.dumps(one) + "\n" for one in JOURNAL))
    given = (str(folder / "dump"), "--commands", str(folder / "journal"), "--json")
    counts = basudara(stack, "events", "export", *given).json
    text = (folder / "dump").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert counts == Counter(one["kind"] for one in lines)
    return text, lines


Exported = tuple[str, list[dict[str, Any]]]


def test_every_line_obeys_the_published_format(exported: Exported) -> None:
    _, lines = exported
    schema = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text()), validate_formats=True)
    assert [one for one in lines if not schema.is_valid(one)][:3] == []
    assert set(Counter(one["kind"] for one in lines)) == {"command", "reading", "aggregate", "note", "row", "record"}


def test_every_record_is_exported_with_what_it_says(stack: Stack, exported: Exported) -> None:
    _, lines = exported
    told = {(one["topic"], one["partition"], one["offset"]): one for one in lines if one["kind"] == "record"}
    there = records(stack)
    assert set(told) == {(one.topic, one.partition, one.offset) for one in there}
    for one in there:
        line, said = told[one.topic, one.partition, one.offset], one.said
        if line["id"] is not None:
            names = ("id", "type", "subject", "aggregateversion", "causationid", "correlationid", "source")
            given = {name: said.get(name, one.header(f"ce_{name}")) for name in names}
            assert {name: str(line[name]) for name in names} == {name: str(text) for name, text in given.items()}
    (bad,) = [one for one in told.values() if one["topic"] == TOPIC and one["headers"].get("twice")]
    assert (bad["id"], bad["type"], bad["key"]) == (None, None, None)
    assert (bad["headers"]["ce_id"], bad["headers"]["twice"]) == ("\ufffd", "1")


def test_everything_that_is_kept_is_exported(stack: Stack, exported: Exported) -> None:
    _, lines = exported
    told = Counter(
        (one["agency"], one["service"], one.get("collection", one["kind"]))
        for one in lines
        if one["kind"] in ("aggregate", "note", "row")
    )
    machinery = {"inbox": "note", "outbox": "row"}
    kept: Counter[tuple[str, str, str]] = Counter()
    with stack.reach.store() as mongo:
        for name, database in stack.databases.items():
            agency, service = name.split("/")
            for collection in set(mongo[database].list_collection_names()) - {"duties", "leases", "shapes", RECORD}:
                found = mongo[database][collection].find()
                count = sum(len(one["rows"]) if collection == "outbox" else 1 for one in found)
                kept[agency, service, machinery.get(collection, collection)] = count
    assert told == +kept
    assert told[BAPAS, "intake", "cases"] > 10


def test_rows_records_and_notes_can_be_held_against_each_other(exported: Exported) -> None:
    """What a checker relies on, when nothing is on its way."""
    _, lines = exported
    on_topics = {one["id"] for one in lines if one["kind"] == "record"}
    rows = [one for one in lines if one["kind"] == "row"]
    assert {one["sent"] for one in rows} == {True}
    said = [one for one in rows if not one["aggregate"].startswith("record:")]
    assert {one["id"] for one in said} <= on_topics
    assert all(one["type"] and one["subject"] and one["causationid"] for one in said)
    handled = {one["note"].split(":", 1)[1] for one in lines if one["kind"] == "note"}
    assert len(handled & on_topics) > 100


def test_who_must_handle_what_is_told_and_was_handled(exported: Exported) -> None:
    """A checker need not guess from what was handled who should have."""
    _, lines = exported
    readings = {(one["agency"], one["service"]) for one in lines if one["kind"] == "reading"}
    assert readings == {(one["agency"], one["service"]) for one in lines if one["kind"] == "note"}
    found = check([json.dumps(one) for one in lines if one["kind"] != "command"])
    assert [str(one) for one in found if one.name in ("lost-event", "lost-record", "doubled")] == []
    handled = next(one for one in lines if one["kind"] == "note" and ":record:" not in one["note"])
    fewer = [json.dumps(one) for one in lines if one["kind"] != "command" and one is not handled]
    assert any(one.name == "lost-event" for one in check(fewer)), "a note that is missing is seen"


def test_no_person_is_in_an_export(played: Played, exported: Exported) -> None:
    persons = (played.yopi, played.frans, *played.crowd)
    members = ("full_name", "nik", "phone", "register_no", "basis_document")
    texts = [str(one.body[name]) for one in persons for name in members if one.body[name] is not None]
    assert len(texts) > 40
    nowhere([*texts, "Batu Contoh", SPOILT.decode()], {"export": exported[0]})


def test_commands_stand_as_the_caller_wrote_them(exported: Exported) -> None:
    commands = [one for one in exported[1] if one["kind"] == "command"]
    assert commands == [{**one, "kind": "command"} for one in JOURNAL]


def test_a_journal_or_file_that_will_not_do_is_refused_and_leaves_what_was_there(
    stack: Stack, played: Played, tmp_path: Path
) -> None:
    journal, dump = tmp_path / "journal", tmp_path / "dump"
    dump.write_text("older")
    for bad, rule in (('{"id": 1}\nnot json\n', "line 2: not JSON"), ("[1]\n", "line 1: not a JSON object")):
        journal.write_text(bad)
        assert rule in refused(stack, "events", "export", str(dump), "--commands", str(journal))
    assert "cannot be read" in refused(stack, "events", "export", str(dump), "--commands", str(tmp_path / "none"))
    assert "cannot be written" in refused(stack, "events", "export", str(tmp_path / "no" / "dump"))
    assert dump.read_text() == "older"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["dump", "journal"]
