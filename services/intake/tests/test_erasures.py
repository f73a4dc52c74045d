"""Erasing a person: the table of the erasure, and what happens at a Bapas, on a real broker and store."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from intake_office import DENI, HEAD, NOON, PK, Office
from intake_people import RULES

from chassis.errors import IllegalMove, Invalid, MissingFact, NotAllowed
from intake.domain.erasures import MOVES, Erasure, begin

STATES = ("open", "overdue", "done")
ROLES = ("head_of_bapas", "probation_officer", "assistant_probation_officer", "facility_officer", "service", "system")
LEGAL = {  # copied from the design of the process, not from the code
    ("open", "ask"): "open",
    ("open", "confirm"): "open",
    ("overdue", "confirm"): "overdue",
    ("open", "pass-deadline"): "overdue",
    ("open", "close"): "done",
    ("overdue", "close"): "done",
}
LATER = NOON + timedelta(hours=2)
DISNAKER, DINKOP = "disnaker-ambon/training", "dinkop-ambon/training"


def begun(role: str = "head_of_bapas", reason_code: str | None = "ORDERED") -> Erasure:
    return begin("era_" + "a" * 26, "prt_" + "a" * 26, role=role, reason_code=reason_code, at=NOON, rules=RULES)


def do(command: str, before: Erasure) -> Erasure:
    match command:
        case "ask":
            return before.ask("disperindag-ambon")
        case "confirm":
            return before.confirm("disnaker-ambon", LATER)
        case "pass-deadline":
            return before.pass_deadline()
        case "close":
            return before.close(LATER)
    raise AssertionError(command)


@pytest.mark.parametrize(("state", "command"), list(product(STATES, [name for name in MOVES if name != "begin"])))
def test_an_erasure_moves_only_where_the_process_says(state: str, command: str) -> None:
    before = replace(begun().ask("disnaker-ambon").ask("dinkop-ambon"), state=state)
    ends = LEGAL.get((state, command))
    if ends is None:
        with pytest.raises(IllegalMove):
            do(command, before)
        return
    after = do(command, before)
    assert (after.state, after.version) == (ends, before.version + 1)


@pytest.mark.parametrize("role", ROLES)
def test_only_the_head_has_a_person_erased(role: str) -> None:
    if role == "head_of_bapas":
        assert (begun(role).state, begun(role).erase_by) == ("open", NOON + timedelta(days=30))
        return
    with pytest.raises(NotAllowed):
        begun(role)


def test_an_erasure_needs_a_published_reason() -> None:
    assert MOVES["begin"].reasons == {"RETENTION_OVER", "WRONG_PERSON", "ORDERED"}
    for reason_code, error in ((None, MissingFact), ("TIDY", Invalid)):
        with pytest.raises(error):
            begun(reason_code=reason_code)


def test_who_was_asked_is_missing_until_the_receipt_and_is_counted_once() -> None:
    asked = begun().ask("disnaker-ambon").ask("dinkop-ambon")
    assert (asked.missing, asked.is_proved) == ({DISNAKER, DINKOP}, False)
    once = asked.confirm("disnaker-ambon", LATER)
    assert (once.missing, once.receipts, once.is_proved) == ({DINKOP}, {DISNAKER: LATER}, False)
    assert once.confirm("disnaker-ambon", LATER + timedelta(hours=1)) is once
    late = once.pass_deadline().confirm("dinkop-ambon", LATER)
    assert (late.state, late.is_proved, late.close(LATER).is_proved) == ("overdue", True, False)


def test_a_receipt_counts_only_from_an_agency_that_was_asked() -> None:
    with pytest.raises(NotAllowed):
        begun().ask("disnaker-ambon").confirm("dinkop-ambon", LATER)


# -- at the Bapas ------------------------------------------------------------------------------------------------------


async def closed(office: Office, *purposes: str, **person: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A case that ended without aftercare, and the consents given under it."""
    case = await office.assessed(**person)
    consents = [await office.granted(case, purpose) for purpose in purposes]
    return await office.moved(case, "close", reason_code="ENDED", aftercare=False), consents


async def erasure(office: Office, case: dict[str, Any], role: str = HEAD) -> dict[str, Any]:
    reply = await office.get(f"/cases/{case['case_ref']}/erasure", role)
    assert reply.status_code == 200, reply.text
    view: dict[str, Any] = reply.json()
    return view


async def receipt(office: Office, erasure_id: str, ref: str, source: str | None = None) -> None:
    """An agency's training says that it erased."""
    data = {"erasure_id": erasure_id, "case_ref": ref, "erased_at": "2027-03-04T04:00:00.000Z"}
    kind, who = "id.basudara.training.erasure.done.v1", source or office.partner
    await office.running.hear(kind, data, subject=erasure_id, source=who, to=office.agency)
    await office.running.settled()


async def until(office: Office, case: dict[str, Any], state: str) -> dict[str, Any]:
    for _ in range(100):
        view = await erasure(office, case)
        if view["state"] == state:
            return view
        await asyncio.sleep(0.1)
    raise AssertionError(f"the erasure never was {state}")


async def test_with_the_key_everything_that_leads_to_the_person_goes_and_who_knows_them_is_asked(
    office: Office,
) -> None:
    case, (_, messaging, _) = await closed(office, "TRAINING", "MESSAGING", "LIVELIHOOD_FOLLOWUP")
    erased = await office.moved(case, "erase", reason_code="RETENTION_OVER")
    assert (erased["state"], erased["version"]) == ("erased", case["version"] + 1)
    database = office.running.service.database
    assert await database.find("person_keys", {}) == []
    assert await database.find("register", {}) == []
    assert (await database["cases"].find_one({"_id": case["case_ref"]}))["sealed_klien"] == ""
    view = await erasure(office, case, PK)
    assert (view["state"], view["missing"], view["receipts"]) == ("open", [f"{office.partner}/training"], [])
    erase_by, asked_at = (datetime.fromisoformat(view[name]) for name in ("erase_by", "asked_at"))
    assert erase_by == asked_at + timedelta(days=30)
    told = [event for event in await office.running.said() if ".erasure." in event.type]
    assert [event.type.split(".")[4] for event in told] == ["begun", "asked"]
    own, theirs = told
    about = {"erasure_id": view["erasure_id"], "erase_by": own.data["erase_by"]}
    assert own.data == {**about, "case_ref": case["case_ref"], "reason_code": "RETENTION_OVER"}
    assert theirs.data == {**about, "case_ref": messaging["agency_case_ref"]}
    assert datetime.fromisoformat(own.data["erase_by"]) == erase_by
    assert {event.subject for event in told} == {view["erasure_id"]}


async def test_what_still_ran_under_the_case_ends_and_a_withdrawal_goes_on_to_its_own_end(office: Office) -> None:
    case, (training, messaging, followup) = await closed(office, "TRAINING", "MESSAGING", "LIVELIHOOD_FOLLOWUP")
    await office.answered(messaging, "withdraw", given_by="PERSON")
    await office.moved(case, "erase", reason_code="ORDERED")
    states = [(await office.consent(one))["state"] for one in (training, messaging, followup)]
    assert states == ["expired", "stopping", "expired"]
    ended = {event.subject: event.data["cause"] for event in await office.events("consent.expired")}
    assert ended == {training["consent_id"]: "CASE_CLOSED", followup["consent_id"]: "CASE_CLOSED"}
    await office.stopped(messaging, "notification")
    assert (await office.consent(messaging))["state"] == "withdrawn"


async def test_of_an_erased_child_no_birthday_stays_in_the_store(office: Office) -> None:
    case = await office.assessed(DENI, birth_date="2009-05-20")
    await office.granted(case, by=("CHILD", "GUARDIAN"))
    case = await office.moved(case, "close", reason_code="ENDED", aftercare=False)
    database = office.running.service.database
    assert shows_birthday(await database.find("consents", {})), "until then it is when the consent ends"
    await office.moved(case, "erase", reason_code="ORDERED")
    for collection in ("cases", "consents", "duties"):
        assert not shows_birthday(await database.find(collection, {})), collection


def shows_birthday(stored: object) -> bool:
    """The 18th, 20 May 2027 in WIT, as a day or as its first moment in UTC."""
    return any(day in repr(stored) for day in ("2027-05-20", "2027, 5, 19", "2027-05-19"))


async def test_every_door_to_the_person_is_shut_and_the_number_is_free_again(office: Office) -> None:
    case, (training,) = await closed(office, "TRAINING")
    ref = training["agency_case_ref"]
    referral = await office.referral(ref, "accepted")
    await office.moved(case, "erase", reason_code="WRONG_PERSON")
    assert (await office.get(f"/cases/{case['case_ref']}")).status_code == 410
    assert (await office.card(ref, referral)).status_code == 410
    assert (await office.contact(ref)).status_code == 410
    assert (await office.post("/cases/search", {"register_no": "REG/0042/X"})).status_code == 404
    reply = await office.post(
        f"/cases/{case['case_ref']}/corrections", {"expected_version": 5, "corrections": {"alias": "Ona"}}
    )
    assert reply.status_code == 410
    assert (await office.ask(case, "MESSAGING")).status_code == 410
    assert (await office.registered())["state"] == "registered"


async def test_an_erasure_is_refused_where_it_may_not_be(office: Office) -> None:
    running = await office.assessed()
    refused = await office.move(running, "erase", reason_code="ORDERED")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:basudara:problem:illegal_move")
    cared = await office.moved(running, "close", reason_code="ENDED", aftercare=True)
    refused = await office.move(cared, "erase", reason_code="ORDERED")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:basudara:problem:aftercare_runs")
    assert (await office.get(f"/cases/{cared['case_ref']}/erasure", HEAD)).status_code == 404

    case, _ = await closed(office, register_no="REG/0044/X")
    for role in (PK, "facility_officer", "service"):
        assert (await office.move(case, "erase", role, reason_code="ORDERED")).status_code == 403
    assert (await office.move(case, "erase")).status_code == 422
    await office.moved(case, "erase", reason_code="ORDERED")
    assert (await office.move(case, "erase", reason_code="ORDERED")).status_code == 409
    again = {"version": case["version"] + 1, "case_ref": case["case_ref"]}
    assert (await office.move(again, "erase", reason_code="ORDERED")).status_code == 409
    assert (await office.get(f"/cases/{case['case_ref']}/erasure", "facility_officer")).status_code == 403


async def test_whom_no_agency_knows_is_erased_at_once(office: Office) -> None:
    case, _ = await closed(office)
    await office.moved(case, "erase", reason_code="WRONG_PERSON")
    view = await erasure(office, case)
    assert (view["state"], view["missing"], view["closed_at"]) == ("done", [], view["asked_at"])
    versions = {event.type.split(".")[4]: event.aggregateversion for event in await office.running.said() if
                ".erasure." in event.type}  # fmt: skip
    assert versions == {"begun": 1, "closed": 2}


async def test_each_receipt_is_counted_once_and_the_last_closes(office: Office) -> None:
    await office.agreement(partner=office.other)
    case, (mine,) = await closed(office, "TRAINING")
    case2 = await office.assessed(register_no="REG/0045/X")
    theirs = [await office.granted(case2, agency=agency) for agency in (office.partner, office.other)]
    case2 = await office.moved(case2, "close", reason_code="ENDED", aftercare=False)
    await office.moved(case2, "erase", reason_code="ORDERED")
    view = await erasure(office, case2)
    assert view["missing"] == sorted(f"{agency}/training" for agency in (office.partner, office.other))
    for _ in range(2):
        await receipt(office, view["erasure_id"], theirs[0]["agency_case_ref"])
    half = await erasure(office, case2)
    assert (half["state"], half["missing"]) == ("open", [f"{office.other}/training"])
    assert half["receipts"] == [{"name": f"{office.partner}/training", "erased_at": "2027-03-04T04:00:00Z"}]
    await receipt(office, view["erasure_id"], theirs[1]["agency_case_ref"], office.other)
    assert (await erasure(office, case2))["state"] == "done"
    await receipt(office, view["erasure_id"], theirs[1]["agency_case_ref"], office.other)
    assert len(await office.events("erasure.closed")) == 1
    assert await office.running.parked() == []
    assert (await office.get(f"/cases/{case['case_ref']}")).status_code == 200, "nobody else was touched"
    assert mine["case_ref"] == case["case_ref"]


async def test_a_receipt_of_an_agency_not_asked_and_of_an_unknown_erasure_is_parked(office: Office) -> None:
    case, (consent,) = await closed(office, "TRAINING")
    await office.moved(case, "erase", reason_code="ORDERED")
    view = await erasure(office, case)
    await receipt(office, view["erasure_id"], consent["agency_case_ref"], office.other)
    await receipt(office, "era_" + "z" * 26, consent["agency_case_ref"])
    reasons = [dict(row.headers)["basudara-reason"].decode().split()[0] for row in await office.running.parked()]
    assert sorted(reasons) == ["not_allowed", "not_yet"]
    assert (await erasure(office, case))["state"] == "open"


async def test_the_deadline_names_who_has_not_erased_and_a_late_receipt_still_closes(office: Office) -> None:
    case, (consent,) = await closed(office, "TRAINING")
    await office.moved(case, "erase", reason_code="ORDERED")
    office.at(days=29, hours=23)
    await office.running.settled()
    assert (await erasure(office, case))["state"] == "open", "the last hour is still in time"
    office.at(days=30, hours=1)
    view = await until(office, case, "overdue")
    assert view["missing"] == [f"{office.partner}/training"]
    [overdue] = await office.events("erasure.overdue")
    assert list(overdue.data["missing"]) == view["missing"]
    assert overdue.data["case_ref"] == case["case_ref"]
    assert overdue.data["late_seconds"] > 3000, "asked at noon, looked at an hour after the last moment"
    await receipt(office, view["erasure_id"], consent["agency_case_ref"])
    done = await erasure(office, case)
    assert (done["state"], done["missing"]) == ("done", [])
    [said] = await office.events("erasure.closed")
    assert datetime.fromisoformat(said.data["closed_at"]) > datetime.fromisoformat(done["erase_by"])


async def test_an_erasure_closed_in_time_is_not_overdue_later(office: Office) -> None:
    case, (consent,) = await closed(office, "TRAINING")
    await office.moved(case, "erase", reason_code="ORDERED")
    view = await erasure(office, case)
    await receipt(office, view["erasure_id"], consent["agency_case_ref"])
    office.at(days=31)
    await office.running.settled()
    assert (await erasure(office, case))["state"] == "done"
    assert await office.events("erasure.overdue") == []
    assert "erasure.deadline" not in repr(await office.running.service.database.find("duties", {}))


# -- in a store that was put back --------------------------------------------------------------------------------------


async def own_word(office: Office, case_ref: str, erasure_id: str) -> None:
    """What stands on the own topic, though this store knows nothing of it any more."""
    data = {"erasure_id": erasure_id, "case_ref": case_ref, "reason_code": "ORDERED"}
    data |= {"erase_by": "2027-04-03T03:00:00.000Z"}
    await office.running.hear("id.basudara.intake.erasure.begun.v1", data, subject=erasure_id)
    await office.running.settled()


async def test_who_was_erased_after_the_backup_is_erased_again_and_the_receipt_still_closes(office: Office) -> None:
    case = await office.assessed()
    consent = await office.granted(case)
    erasure_id = "era_" + "b" * 26
    for _ in range(2):
        await own_word(office, case["case_ref"], erasure_id)
    assert (await office.get(f"/cases/{case['case_ref']}")).status_code == 410
    database = office.running.service.database
    assert (await database.find("person_keys", {}), await database.find("register", {})) == ([], [])
    view = await erasure(office, case)
    assert (view["erasure_id"], view["missing"]) == (erasure_id, [f"{office.partner}/training"])
    assert await office.events("erasure.asked") == [], "who was asked was asked then"
    await receipt(office, erasure_id, consent["agency_case_ref"])
    assert (await erasure(office, case))["state"] == "done"


async def test_whom_nobody_knew_is_done_again_at_once_and_a_case_that_is_not_there_is_left(office: Office) -> None:
    case = await office.registered()
    await own_word(office, case["case_ref"], "era_" + "b" * 26)
    await own_word(office, "prt_" + "q" * 26, "era_" + "d" * 26)
    view = await erasure(office, case)
    assert (view["state"], view["missing"]) == ("done", [])
    office.at(days=31)
    await office.running.settled()
    assert await office.events("erasure.overdue") == []
    assert await office.running.parked() == []
