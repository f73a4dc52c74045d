"""An office joins a running installation by a manifest and one command, answers its first referral, and leaves again;
the services of all other agencies neither restart nor notice."""

import json
import time
from datetime import date
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient

from deploy.basudara.stack import Stack
from deploy.local import processes
from tests.rights.test_changes import GONE_WITHIN_SECONDS, hearing, until
from tests.system.command import basudara
from tests.system.offices import BAPAS, Offices, klien
from tests.system.seeing import put, settled
from tests.system.seeing import records as all_records

NEW = "perikanan-ambon"
MANIFEST = f"""agency: {NEW}
name: Dinas Perikanan Kota Ambon (contoh)
services: [training]
subscribers:
  - {{name: papan, channels: [referral.referral.to]}}
"""
KB = {
    "number": "KB-009/CONTOH", "kind": "UMBRELLA", "umbrella_number": None, "title": "KB (contoh)",
    "parties": [{"agency": "kanwil-maluku", "role": "WITNESS"}, {"agency": BAPAS, "role": "SENDER"}],
    "scope": ["FISH_PROCESSING"], "territory": ["81.71"], "valid_from": "2026-02-09", "valid_until": "2029-02-08",
    "state": "ACTIVE",
}  # fmt: skip
NEW_PARTY = {"agency": NEW, "role": "TRAINER"}
PKS = {
    **KB, "number": "PKS-009/CONTOH", "kind": "TECHNICAL", "umbrella_number": KB["number"],
    "parties": [{"agency": BAPAS, "role": "SENDER"}, NEW_PARTY],
}  # fmt: skip


def agree(stack: Stack, folder: Path, data: dict[str, Any]) -> None:
    file = folder / f"{data['number'].split('/')[0].lower()}.yaml"
    file.write_text(json.dumps(data))
    assert basudara(stack, "agreement", "apply", str(file)).status == 0


def others(stack: Stack) -> dict[str, int]:
    found = {name: processes.find(stack._pid_file(name)) for name in stack.urls if not name.startswith(NEW)}
    return {name: child.pid for name, child in found.items() if child is not None}


def test_an_office_joins_answers_and_leaves(town: Stack, tmp_path: Path) -> None:
    agree(town, tmp_path, KB)
    before, began = others(town), time.monotonic()
    (Path(town.manifests_folder) / f"{NEW}.yaml").write_text(MANIFEST)
    planned = basudara(town, "agency", "apply", NEW, "--plan").shown
    assert f"service {NEW}/training" in planned
    assert f"{NEW}/training" not in Stack.load(town.home).urls, "a plan does nothing"
    assert basudara(town, "agency", "apply", NEW).shown == planned
    assert basudara(town, "agency", "apply", NEW).shown == "nothing to do\n"
    agree(town, tmp_path, {**KB, "parties": [*KB["parties"], NEW_PARTY]})  # type: ignore[misc]
    agree(town, tmp_path, PKS)
    stack = Stack.load(town.home)
    answered = first_referral(stack)
    print(f"\nfrom a manifest to the first answered referral: {time.monotonic() - began:.0f} s")
    assert answered == "accepted"
    assert others(stack) == before
    leaves(stack)
    assert others(stack) == before
    assert all(row["healthy"] for name, row in Stack.load(town.home).status().items())


def first_referral(stack: Stack) -> str:
    """What Bapas hears of its first referral to the newcomer."""
    offices = Offices(stack)
    who = klien(1, "Bakti Pertama", None, "1988-08-08", "PAROLE", "2028-11-30")
    desk = offices.opd(NEW)
    plain = {"hours": 80, "mode": "OFF_JOB", "hazard_listed": False, "min_age": 17}
    units = [{"unit": "IKAN-1", "critical": True}]
    fish = {"programme_code": "IKAN", "title": "Olah ikan", "field": "FISH_PROCESSING", "units": units}
    desk.post("/programmes", {**fish, **plain})
    plan = {"cohort_code": "IKAN-1", "programme_code": "IKAN", "capacity": 8, "place_code": "tpi-1"}
    dates = {"starts_on": "2027-02-01", "ends_on": "2027-02-26", "minors_only": False, "budget_line": "DPA"}
    desk.post("/cohorts", {**plan, **dates})
    staff = {"instructor_id": "instructor-1", "assessor_ids": ["assessor-1"]}
    desk.move("/cohorts/IKAN-1", "open", **staff)
    offices.ready(who, date(2027, 1, 8), NEW, "FISH_PROCESSING")
    drafted = offices.draft(who, NEW, "FISH_PROCESSING")
    who.referrals.append(drafted["referral_id"])
    ask = f"/referrals/{who.referrals[0]}/moves/request"
    asked = {"json": {"expected_version": drafted["version"]}}
    until(lambda: offices.referrals.ask("POST", ask, **asked).is_success, "referral hears of the consent")
    placement = f"/placements/{who.referrals[0]}"  # topics made just now are found within five seconds
    until(lambda: desk.ask("GET", placement).is_success, "the newcomer hears of the referral")
    offices.accept(who, NEW, "tpi-1")
    until(lambda: offices.referral(who.referrals[0])["state"] != "requested", "the sender hears the answer")
    return str(offices.referral(who.referrals[0])["state"])


def leaves(stack: Stack) -> None:
    """Its subscriber, busy on an open connection, hears nothing of what is said after that; what was said stays."""
    topic = f"{BAPAS}.referral.referral.to.{NEW}.v1"
    said = all_records(stack, topic)
    with hearing(stack.reach_as(f"{NEW}.papan"), topic, f"{NEW}.papan.1") as heard:
        until(lambda: len(heard.values) == len(said), "the subscriber hears what was said")
        began = time.monotonic()
        told = basudara(stack, "agency", "remove", NEW)
        assert told.status == 1, "only said"
        assert f"service ended {NEW}/training" in told.shown
        assert basudara(stack, "agency", "remove", NEW, "--yes").status == 0
        until(lambda: heard.refused, "the subscriber is refused", GONE_WITHIN_SECONDS)
        print(f"from the command to the first refusal: {time.monotonic() - began:.1f} s")
        put(stack, said[0])
        time.sleep(2)  # four times as long as a fetch waits at the broker
    assert len(heard.values) == len(said)
    left = Stack.load(stack.home)
    assert f"{NEW}/training" not in left.urls
    assert f"{NEW}.training.programme.v1" in AdminClient(left.reach.broker).list_topics(timeout=20).topics
    with left.reach.store() as client:
        assert client[f"{NEW}-training"]["placements"].count_documents({}) == 1
    settled(left)
