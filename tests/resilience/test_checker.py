"""The checker is quiet about a sound installation, and names each fault that is planted into it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.resilience.checker import check, main

Line = dict[str, Any]
ASKED, ANSWERED = "id.basudara.referral.referral.requested.v1", "id.basudara.training.placement.accepted.v1"
OUT, BACK = "bapas.referral.referral.to.opd.v1", "opd.training.placement.to.bapas.v1"
RETRY = "opd.training.placements.retry.v1"
NOON = "2027-01-11T12:00:00.000Z"


def row(agency: str, service: str, id: str, topic: str, aggregate: str, version: int, **more: Any) -> Line:
    return {
        "kind": "row", "agency": agency, "service": service, "id": id, "topic": topic, "key": "k", "sent": True,
        "aggregate": aggregate, "version": version, "held": None, **more,
    }  # fmt: skip


def record(of: Line, offset: int, correlation: str) -> Line:
    return {
        "kind": "record", "topic": of["topic"], "partition": 0, "offset": offset, "key": of["key"], "id": of["id"],
        "type": of["type"], "subject": of["subject"], "aggregateversion": of["version"], "headers": {},
        "causationid": of["causationid"], "correlationid": correlation, "source": f"/{of['agency']}/{of['service']}",
    }  # fmt: skip


def sound() -> list[Line]:
    """Three commands about one case: asked, heard, answered, heard; the third one is handled at its second try."""
    lines: list[Line] = [{"kind": "aggregate", "agency": "opd", "service": "training", "collection": "tallies",
                          "id": "case", "version": 3}]  # fmt: skip
    for number in (1, 2, 3):
        cause, asked, answered, subject = f"c{number}", f"a{number}", f"b{number}", f"ref{number}"
        out = row("bapas", "referral", asked, OUT, f"Request:{subject}", 1, type=ASKED, subject=subject,
                  causationid=cause)  # fmt: skip
        back = row("opd", "training", answered, BACK, "Tally:case", number, type=ANSWERED, subject=subject,
                   causationid=asked)  # fmt: skip
        lines += [
            {"kind": "command", "agency": "bapas", "service": "referral", "subject": subject, "cause": cause},
            {"kind": "aggregate", "agency": "bapas", "service": "referral", "collection": "requests", "id": subject,
             "version": 1},
            out, record(out, number, cause), record(out, number + 10, cause), back, record(back, number, cause),
            note("opd", "training", f"placements:{asked}"), note("bapas", "referral", f"referrals:{answered}"),
        ]  # fmt: skip
    copy = {**record(the(lines, kind="row", id="a3"), 0, "c3"), "topic": RETRY, "headers": {"basudara-due": NOON}}
    lines += [copy, *(note("opd", "training", f"placements:record:{OUT}:0:{offset}") for offset in (3, 13))]
    return lines


def note(agency: str, service: str, text: str, at: str = NOON) -> Line:
    return {"kind": "note", "agency": agency, "service": service, "note": text, "at": at}


def the(lines: list[Line], **members: Any) -> Line:
    """The first line with these members."""
    return next(line for line in lines if members.items() <= line.items())


def without(lines: list[Line], **members: Any) -> list[Line]:
    left = [line for line in lines if not members.items() <= line.items()]
    assert len(left) < len(lines)
    return left


def changed(lines: list[Line], of: dict[str, Any], **to: Any) -> list[Line]:
    assert any(of.items() <= line.items() for line in lines)
    return [{**line, **to} if of.items() <= line.items() else line for line in lines]


def command_without_effect(lines: list[Line]) -> list[Line]:
    return [*lines, {"kind": "command", "agency": "bapas", "service": "referral", "subject": "ref9", "cause": "c9"}]


def sent_row_without_record(lines: list[Line]) -> list[Line]:
    return without(lines, kind="record", id="b3")


def sent_copy_without_record(lines: list[Line]) -> list[Line]:
    copy = row("opd", "training", "x1", RETRY, f"record:{OUT}:0:3", 1, type=ASKED, subject="ref3", causationid="c3")
    return [*without(lines, topic=RETRY), copy]


def record_that_its_reader_passed_over(lines: list[Line]) -> list[Line]:
    return without(lines, note="referrals:b2")


def record_that_nobody_reads(lines: list[Line]) -> list[Line]:
    reading = {"kind": "reading", "agency": "bapas", "service": "referral", "group": "referrals", "type": ANSWERED}
    return [line for line in lines if not str(line.get("note")).startswith("referrals:")] + [reading]


def retry_that_was_forgotten(lines: list[Line]) -> list[Line]:
    for effect in ({"note": "placements:a3"}, {"note": "referrals:b3"}, {"id": "b3"}):
        lines = without(lines, **effect)
    late = note("bapas", "referral", "referrals:record:x:0:0", "2027-01-11T13:00:00.000Z")
    return [*changed(lines, {"kind": "aggregate", "id": "case"}, version=2), late]


def event_applied_twice(lines: list[Line]) -> list[Line]:
    again = {**the(lines, kind="row", id="b3"), "id": "b4", "version": 4}
    lines = changed(lines, {"kind": "aggregate", "id": "case"}, version=4)
    return [*lines, again, record(again, 4, "c3"), note("bapas", "referral", "referrals:b4")]


def answer_said_twice_with_one_version(lines: list[Line]) -> list[Line]:
    again = {**the(lines, kind="row", id="b3"), "id": "b4"}
    return [*lines, again, record(again, 4, "c3"), note("bapas", "referral", "referrals:b4")]


def two_works_made_one_version(lines: list[Line]) -> list[Line]:
    lines = changed(lines, {"kind": "row", "id": "b3"}, version=2)
    lines = changed(lines, {"kind": "record", "id": "b3"}, aggregateversion=2)
    return changed(lines, {"kind": "aggregate", "id": "case"}, version=2)


def effect_without_a_note(lines: list[Line]) -> list[Line]:
    return [*without(lines, note="placements:a1"), note("opd", "training", f"placements:record:{OUT}:0:1"),
            note("opd", "training", f"placements:record:{OUT}:0:11")]  # fmt: skip


def records_that_changed_places(lines: list[Line]) -> list[Line]:
    return changed(changed(lines, {"kind": "record", "id": "b1"}, offset=9), {"kind": "record", "id": "b3"}, offset=0)


def event_that_nobody_caused(lines: list[Line]) -> list[Line]:
    return without(lines, kind="command", cause="c1")


def event_that_caused_itself(lines: list[Line]) -> list[Line]:
    lines = without(lines, kind="command", cause="c1")
    return changed(lines, {"kind": "record", "id": "a1"}, causationid="a1")


def version_that_nothing_tells_of(lines: list[Line]) -> list[Line]:
    return without(without(lines, kind="row", id="b2"), kind="record", id="b2")


def last_version_that_nothing_tells_of(lines: list[Line]) -> list[Line]:
    return changed(lines, {"kind": "aggregate", "id": "case"}, version=4)


def state_that_was_lost(lines: list[Line]) -> list[Line]:
    return changed(lines, {"kind": "aggregate", "id": "case"}, version=2)


def row_that_was_not_sent(lines: list[Line]) -> list[Line]:
    return changed(lines, {"kind": "row", "id": "b3"}, sent=False)


def row_that_cannot_be_sent(lines: list[Line]) -> list[Line]:
    return changed(lines, {"kind": "row", "id": "b3"}, sent=False, held="MessageSizeTooLargeError")


PLANTED: dict[Callable[[list[Line]], list[Line]], str] = {
    command_without_effect: "lost-command",
    sent_row_without_record: "lost-record",
    sent_copy_without_record: "lost-record",
    record_that_its_reader_passed_over: "lost-event",
    record_that_nobody_reads: "lost-event",
    retry_that_was_forgotten: "lost-retry",
    event_applied_twice: "doubled",
    answer_said_twice_with_one_version: "doubled",
    two_works_made_one_version: "forked",
    effect_without_a_note: "unnoted",
    records_that_changed_places: "disordered",
    event_that_nobody_caused: "causeless",
    event_that_caused_itself: "causeless",
    version_that_nothing_tells_of: "gap",
    last_version_that_nothing_tells_of: "gap",
    state_that_was_lost: "behind",
    row_that_was_not_sent: "unsent",
    row_that_cannot_be_sent: "held",
}


def text(lines: list[Line]) -> list[str]:
    return [json.dumps(line) for line in lines]


def test_a_sound_installation_has_no_finding() -> None:
    assert check(text(sound())) == []


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found_by_its_name(plant: Callable[[list[Line]], list[Line]]) -> None:
    found = {finding.name for finding in check(text(plant(sound())))}
    # an effect that was lost may have been the cause of others: those are named too
    follows = {"causeless"} if plant is sent_row_without_record else set()
    assert PLANTED[plant] in found
    assert found - follows == {PLANTED[plant]}


def test_an_unanswered_command_may_have_had_its_effect_or_not() -> None:
    lines = changed(sound(), {"kind": "command", "cause": "c1"}, cause=None)
    never = {"kind": "command", "agency": "bapas", "service": "referral", "subject": "ref9", "cause": None}
    assert check(text([*lines, never])) == []


def test_its_exit_code_tells_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = tmp_path / "dump"
    dump.write_text("\n".join(text(sound())))
    assert main([str(dump)]) == 0
    dump.write_text("\n".join(text(row_that_was_not_sent(sound()))))
    assert main([str(dump)]) == 1
    assert capsys.readouterr().out == f"unsent: b3 for {BACK}\n"
    dump.write_text('{"kind":"row"}')
    assert main([str(dump)]) == main([]) == 2
