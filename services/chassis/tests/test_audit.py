"""The record of who read or changed what, on a real store: what is on it, when, and that it is whole afterwards."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy
from test_a_running_service import CASE, tell

from chassis.audit import OPEN, SEALED, Record
from chassis.clock import Clock
from chassis.database import Database
from chassis.running import Service
from chassis.testing import Running

CHECKER = Path(__file__).parent / "record_checker.py"
NOBODY = dict.fromkeys(("agency", "role", "subject", "service"))


@pytest.fixture
async def known(toy_service: Running) -> Running:
    """A service that knows one case."""
    await tell(toy_service, 2)
    await toy_service.settled()
    return toy_service


async def sealed(service: Running) -> list[dict[str, Any]]:
    """Its blocks, once nothing is open."""
    await service.service.store.again_while_moved(service.service.record.seal)
    assert await service.service.database.find(OPEN, {}) == []
    return await service.service.database.find(SEALED, {})


async def entries(service: Running) -> list[dict[str, Any]]:
    return [one for block in await sealed(service) for one in block["entries"]]


def checked(service: Running, blocks: list[dict[str, Any]], told: str = "") -> tuple[int, str]:
    """By a program of its own, which knows only what is written down."""
    lines = "".join(json.dumps(block) + "\n" for block in blocks)
    command = [sys.executable, str(CHECKER), service.agency, "training", told]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def who(service: Running, role: str = "clerk", subject: str = "tester-1") -> dict[str, Any]:
    return {"agency": service.agency, "role": role, "subject": subject, "service": None}


async def measured(service: Running, series: str) -> float:
    """0 if it is not there."""
    lines = (await service.http.get("/metrics")).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), 0)


def without_time(one: dict[str, Any]) -> dict[str, Any]:
    assert len(one["at"]) == len("2027-01-18T00:00:00.123Z")
    return {name: value for name, value in one.items() if name != "at"}


async def test_a_command_is_on_the_record_with_whom_and_what_it_was_about(known: Running) -> None:
    reply = await known.http.post("/beats", json={"case_ref": CASE}, headers=known.as_("clerk"))
    assert reply.status_code == 201
    (one,) = await entries(known)
    assert without_time(one) == {
        **who(known), "what": "ask", "move": None, "refs": [CASE], "outcome": "changed", "code": None, "rule": None,
        "times": 1,
    }  # fmt: skip


async def test_a_refusal_is_on_the_record_and_nothing_that_was_sent_beside_our_ids(known: Running) -> None:
    http, clerk = known.http, known.as_("clerk")
    await http.post(f"/beats/{CASE}/moves/stop", headers=clerk)
    await http.post("/beats/Salma Misal/moves/8171995703920001", headers=clerk)
    await http.post("/beats/salma/moves/salma-misal", headers=clerk)
    await http.get(f"/people/{CASE[:-1]}b", headers=clerk)
    await http.get(f"/people/{CASE}", headers=known.as_("clerk", agency="other-agency"))
    await http.post("/beats", json={"case_ref": "Salma"}, headers=clerk)
    await http.post("/beats", json={"case_ref": 7}, headers=clerk)
    found = await entries(known)
    told = [(one["what"], one["move"], one["refs"], one["code"]) for one in found]
    assert told == [
        ("move_beat", "stop", [CASE], "illegal_move"),
        ("move_beat", None, [], "unknown_move"),
        ("move_beat", None, [], "unknown_move"),
        ("show_person", None, [CASE[:-1] + "b"], "not_found"),
        ("show_person", None, [CASE], "not_allowed"),
        ("ask", None, [], "not_found"),
        ("ask", None, [], "invalid"),
    ]
    assert {one["outcome"] for one in found} == {"refused"}
    assert [one["agency"] for one in found] == [known.agency] * 4 + ["other-agency"] + [known.agency] * 2
    kept = json.dumps(await sealed(known)).lower()
    assert [text for text in ("salma", "8171995703920001", "misal") if text in kept] == []


async def test_who_knocks_without_a_name_is_counted_and_costs_no_write(known: Running) -> None:
    for _ in range(50):
        await known.http.get(f"/people/{CASE}")
        await known.http.get(f"/people/{CASE}", headers={"Authorization": "Bearer x.y.z"})
    found = await entries(known)
    assert all({name: one[name] for name in NOBODY} == NOBODY for one in found)
    counted = {
        rule: sum(one["times"] for one in found if one["rule"] == rule) for rule in {one["rule"] for one in found}
    }
    assert counted == {"a bearer token is required": 50, "header: not base64url": 50}
    assert len(found) < 20


async def test_a_person_is_on_the_record_before_she_is_shown(known: Running) -> None:
    shown = await known.http.get(f"/people/{CASE}", headers=known.as_("clerk"))
    assert shown.json()["full_name"] == "Salma Misal"
    open_ = await known.service.database.find(OPEN, {})
    kept = [one for block in await known.service.database.find(SEALED, {}) for one in block["entries"]]
    (one,) = [*open_, *kept]
    assert (one["what"], one["refs"], one["outcome"]) == ("show_person", [CASE], "shown")
    assert "Salma" not in json.dumps(await sealed(known))


async def test_nobody_is_shown_where_it_could_not_be_told_later_and_a_refusal_stands(known: Running) -> None:
    away = Database("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100", "nowhere", "nobody")
    lost = Record(away, known.agency, "training", Clock())
    state, clerk = known.service.app.state, known.as_("clerk")
    state.door = replace(state.door, record=lost)
    shown = await known.http.get(f"/people/{CASE}", headers=clerk)
    assert (shown.status_code, "Salma" in shown.text) == (503, False)
    assert (await known.http.post(f"/beats/{CASE}/moves/stop", headers=clerk)).status_code == 409
    assert (await known.http.get("/people/none", headers=clerk)).status_code == 404
    assert sorted(one["code"] for one in lost._counted.values()) == ["illegal_move", "not_found"], (
        "told when it is back"
    )
    away.close()


async def test_a_command_that_is_taken_back_leaves_no_entry_and_one_that_ran_again_leaves_one(known: Running) -> None:
    async def ask(case_ref: str) -> int:
        reply = await known.http.post("/beats", json={"case_ref": case_ref}, headers=known.as_("clerk"))
        return reply.status_code

    replies = await asyncio.gather(*(ask(CASE) for _ in range(30)), *(ask("none") for _ in range(5)))
    outcomes = [one["outcome"] for one in await entries(known)]
    assert sorted(replies) == [201] * 30 + [404] * 5
    assert (outcomes.count("changed"), outcomes.count("refused"), len(outcomes)) == (30, 5, 35)


async def test_what_was_written_is_read_back_the_same_after_a_restart_and_by_another_program(known: Running) -> None:
    await known.http.post("/beats", json={"case_ref": CASE}, headers=known.as_("clerk", subject="f:1:a|b.c-d"))
    await known.http.get(f"/people/{CASE}", headers=known.as_("clerk"))
    before = await sealed(known)
    assert checked(known, before)[0] == 0
    await known.http.get("/people/none", headers=known.as_("clerk"))
    service = known.service
    await service.stop()  # seals what is open
    again = Service(service.name, service.settings, toy.build(service.settings))
    await again.start()
    known.service = again
    known.http.base_url = f"http://127.0.0.1:{again.port}"
    await known.http.post("/beats", json={"case_ref": CASE}, headers=known.as_("clerk"))
    after = await sealed(known)
    assert after[: len(before)] == before
    outcome, said = checked(known, after)
    assert (outcome, said) == (0, f"{len(after)}:{after[-1]['hash']} 4")
    assert await measured(known, "basudara_audit_blocks") == len(after)
    assert await measured(known, "basudara_audit_head") == int(after[-1]["hash"][:13], 16)


async def test_replicas_that_write_and_seal_at_once_keep_one_chain(known: Running) -> None:
    others = [Record(known.service.database, known.agency, "training", Clock()) for _ in range(3)]
    store, done = known.service.store, asyncio.Event()

    async def keep_sealing(one: Record) -> None:
        while not done.is_set():
            await store.again_while_moved(one.seal)

    async def knock(first: int) -> None:
        for number in range(first, first + 20):
            reply = await known.http.get(f"/people/{CASE}", headers=known.as_("clerk", subject=f"tester-{number}"))
            assert reply.status_code == 200

    sealing = [asyncio.create_task(keep_sealing(one)) for one in others]
    await asyncio.gather(*(knock(first) for first in (0, 20, 40, 60)))
    done.set()
    await asyncio.gather(*sealing)
    blocks = await sealed(known)
    assert checked(known, blocks)[0] == 0
    assert len(blocks) > 2
    subjects = sorted(one["subject"] for block in blocks for one in block["entries"])
    assert subjects == sorted(f"tester-{number}" for number in range(80)), "each once"


async def test_a_service_notices_that_its_record_was_changed_behind_it(known: Running) -> None:
    await known.http.get(f"/people/{CASE}", headers=known.as_("clerk"))
    await sealed(known)
    before = await measured(known, 'basudara_defects_total{where="audit"}')
    await known.service.database[SEALED].delete_one({"_id": 1})
    await sealed(known)
    assert await measured(known, 'basudara_defects_total{where="audit"}') == before + 1
