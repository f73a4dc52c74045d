"""A record that was tampered with: the first place is named, by the operator's command and by a program of its own."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.audit import Head, block_of, entry, hash_of, head_of, number_of
from chassis.work import Actor, Asked
from deploy.basudara.audit import Told, judged
from deploy.basudara.stack import ROOT

CHECKER = ROOT / "services" / "chassis" / "tests" / "record_checker.py"
NAME, AT = "an-agency/intake", datetime(2027, 1, 18, tzinfo=UTC)
OFFICER = Actor(agency="an-agency", role="probation_officer", subject="pk-001")

Blocks = list[dict[str, Any]]


def record(blocks: int = 6) -> Blocks:
    """Two entries in each block."""
    (agency, service), found, before = NAME.split("/"), Blocks(), Head()
    for number in range(blocks):
        asked = [Asked(what=f"show_{one}", move=None, refs=(f"ref_{number}",)) for one in ("case", "card")]
        entries = [{"_id": "x", **entry("shown", one, OFFICER, AT)} for one in asked]
        found.append(block_of(agency, service, before, entries, AT))
        before = head_of(found[-1])
    return found


def again(blocks: Blocks) -> Blocks:
    """Written anew by somebody who knows the form: whole in itself."""
    before = Head()
    for number, block in enumerate(blocks, start=1):
        block |= {"_id": number, "number": number, "previous": before.hash, "first": before.entries + 1}
        block["hash"] = hash_of(block)
        before = head_of(block)
    return blocks


def both(blocks: Blocks, told: Head | None = None) -> tuple[str | None, bool]:
    """What the command says is broken, and whether the other program finds it whole."""
    heads = [] if told is None else [Told(number=told.number, hash=told.hash)]
    command = [sys.executable, str(CHECKER), *NAME.split("/"), str(told) if told else ""]
    lines = "".join(json.dumps(block) + "\n" for block in blocks)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return judged(NAME, blocks, heads).broken, done.returncode == 0


def test_an_untouched_record_is_intact() -> None:
    blocks = record()
    assert both(blocks) == (None, True)
    assert both(blocks, head_of(blocks[-1])) == (None, True)
    assert both(blocks, head_of(blocks[2])) == (None, True), "it has grown since"
    assert both([]) == (None, True)
    assert judged(NAME, blocks).head == head_of(blocks[-1])
    assert judged(NAME, blocks).head.entries == 12


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Blocks], object]:
    """In block 3."""
    return lambda blocks: change(blocks[2])


TAMPERED: dict[str, Callable[[Blocks], object]] = {
    "an entry changed": edit(lambda block: block["entries"][1].update(subject="pk-002")),
    "a time changed": edit(lambda block: block["entries"][0].update(at="2027-01-18T00:00:00.001Z")),
    "an outcome left out": edit(lambda block: block["entries"][0].pop("outcome")),
    "a member added": edit(lambda block: block["entries"][0].update(note="fine")),
    "another type": edit(lambda block: block["entries"][0].update(times="1")),
    "a value that no JSON has": edit(lambda block: block["entries"][0].update(times=float("nan"))),
    "an entry removed": edit(lambda block: block["entries"].pop()),
    "all entries removed": edit(lambda block: block.update(entries=[])),
    "an entry inserted": edit(lambda block: block["entries"].append(copy.deepcopy(block["entries"][0]))),
    "entries changed about": edit(lambda block: block["entries"].reverse()),
    "the time of sealing changed": edit(lambda block: block.update(at="2027-01-19T00:00:00.000Z")),
    "the hash changed": edit(lambda block: block.update(hash="0" * 64)),
    "a block removed": lambda blocks: blocks.pop(2),
    "a block removed, numbers closed up": lambda blocks: (blocks.pop(2), _renumber(blocks)),
    "a block doubled": lambda blocks: blocks.insert(2, copy.deepcopy(blocks[2])),
    "blocks changed about": lambda blocks: blocks.insert(2, blocks.pop(3)),
    "another service's block": edit(lambda block: (block.update(service="training"), _rehash(block))),
    "an entry changed and its block hashed anew": edit(
        lambda block: (block["entries"][1].update(subject="pk-002"), _rehash(block))
    ),
}
WHERE = {
    "a block doubled": "block 4",
    "an entry changed and its block hashed anew": "block 4",
    "a block removed, numbers closed up": "block 3",
}


def _rehash(block: dict[str, Any]) -> dict[str, Any]:
    block["hash"] = hash_of(block)
    return block


def _renumber(blocks: Blocks) -> Blocks:
    for number, block in enumerate(blocks, start=1):
        block |= {"_id": number, "number": number}
    return blocks


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_tampered_with_is_found_where_it_was(how: str) -> None:
    blocks = record()
    TAMPERED[how](blocks)
    broken, whole = both(blocks)
    assert not whole
    assert str(broken).startswith(f"{WHERE.get(how, 'block 3')}:")


def test_what_was_cut_off_or_written_anew_is_found_by_the_head_that_was_told() -> None:
    blocks = record()
    head = head_of(blocks[-1])
    assert both(blocks[:4]) == (None, True), "by itself it is whole"
    assert both(blocks[:4], head) == ("block 5: is missing; block 6 was sealed", False)
    assert both([], head) == ("block 1: is missing; block 6 was sealed", False)
    changed = copy.deepcopy(blocks)
    changed[1]["entries"].pop()
    again(changed)
    assert both(changed) == (None, True)
    assert both(changed, head) == ("block 6: is not the one whose hash was told", False)


def test_a_measure_tells_enough_of_the_head_to_see_that_it_is_another() -> None:
    blocks = record()
    head = head_of(blocks[-1])
    told = Told(number=6, bits=int(float(str(float(number_of(head))))))
    assert judged(NAME, blocks, [told]).broken is None
    changed = copy.deepcopy(blocks)
    changed[1]["entries"].pop()
    assert judged(NAME, again(changed), [told]).broken == "block 6: is not the one whose hash was told"
    assert judged(NAME, blocks[:5], [told]).broken == "block 6: is missing; block 6 was sealed"


def test_every_head_that_was_told_is_held_against_the_record() -> None:
    blocks = record()
    good, bad = Told(number=3, hash=blocks[2]["hash"]), Told(number=3, hash="0" * 64)
    assert judged(NAME, blocks, [good]).broken is None
    for told in ([good, bad], [bad, good]):
        assert judged(NAME, blocks, told).broken == "block 3: is not the one whose hash was told"


def test_an_entry_holds_nothing_that_programs_could_spell_in_two_ways() -> None:
    odd = Actor(agency="an-agency", role="clerk", subject='a"b\\c\u00e9\u202e\n')
    one = entry("shown", Asked(what="show", move=None, refs=()), odd, AT)
    assert one["subject"] == "a?b?c???"
