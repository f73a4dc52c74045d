"""A new key of the agency's: persons and the register come under it while all goes on, whatever dies."""

import asyncio
import base64
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from intake_office import Office
from intake_people import AREAS, BOOK, NOON, somebody
from pydantic import SecretStr

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.database import Database, Moved, Writes
from chassis.keyring import Keyring
from chassis.outbox import Outbox
from chassis.renewing import AT_ONCE
from chassis.running import Service
from chassis.store import Store
from chassis.testing import ROOT, Backend, new_code
from chassis.work import Cause, Work
from intake.adapters.data_files import StaffFile
from intake.adapters.vault import AesVault
from intake.application.ports import Desk
from intake.application.registering import RegisterCase, register_case
from intake.application.renewing import print_anew, wrap_anew
from intake.bootstrap import KEPT, build
from intake.domain.cases import Case
from intake.domain.register import AlreadyRegistered, PersonKey, RegisterEntry

K, L = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"l"))
TRACE = base64.b64encode(Keyring.of(K).current.trace).decode()
BEFORE, KNOWN = f"current {K}\n", f"current {K}\nnext {L}\n"
AFTER, DROPPED = f"former {K}\ncurrent {L}\n", f"dropped {TRACE}\ncurrent {L}\n"


def desk(ring: str) -> Desk:
    return Desk(agency="own", rules=BOOK, areas=AREAS, vault=AesVault(Keyring.of(ring)), staff=StaffFile(None))


def cause() -> Cause:
    fresh = ids.event_id()
    return Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=NOON)


def salma(number: int = 42) -> RegisterCase:
    klien = somebody(register_no=f"REG/{number:04}/X")
    return RegisterCase(klien=klien, in_custody=False, role="probation_officer", by="pk-1", at=NOON)


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[Store]:
    database = Database(backend.mongo, new_code("rekey"), "test")
    made = Store(database, KEPT, Outbox("own", "intake", Catalogue(ROOT / "contracts")))
    await made.prepare()
    yield made
    database.close()


async def registered(store: Store, ring: str, number: int = 42) -> str:
    async def handler(command: RegisterCase, work: Work) -> str:
        return (await register_case(command, work, desk(ring)))[0].id

    return await store.transact(handler, salma(number), cause())


async def all_open(store: Store, ring: str) -> int:
    """How many persons there are; each of them opens."""
    vault, keys = desk(ring).vault, {key.id: key for key in await store.read(PersonKey)}
    for case in await store.read(Case):
        if case.id in keys:
            assert vault.open(case.sealed_klien, case.id, keys[case.id].wrapped).full_name == "Salma Misal"
    return len(keys)


async def renew(store: Store, ring: str) -> None:
    one = desk(ring)
    persons = [key.id for key in await store.read(PersonKey) if one.vault.is_former(key.wrapped)]
    entries = [entry.id for entry in await store.read(RegisterEntry) if one.vault.is_former(entry.id)]
    await store.transact(lambda command, work: wrap_anew(command, work, one), persons, cause())
    await store.transact(lambda command, work: print_anew(command, work, one), entries, cause())


# -- handlers ----------------------------------------------------------------------------------------------------------


async def test_a_number_is_found_before_and_after_it_came_under_the_new_key(store: Store) -> None:
    case_ref = await registered(store, BEFORE)
    for ring in (KNOWN, AFTER):
        with pytest.raises(AlreadyRegistered) as refused:
            await registered(store, ring)
        assert (refused.value.case_ref, refused.value.same_content) == (case_ref, True)
    await renew(store, AFTER)
    assert await all_open(store, AFTER) == await all_open(store, DROPPED) == 1
    for ring in (KNOWN, AFTER, DROPPED):
        with pytest.raises(AlreadyRegistered) as refused:
            await registered(store, ring)
        assert (refused.value.case_ref, refused.value.same_content) == (case_ref, True), ring


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("pair", [(BEFORE, KNOWN), (KNOWN, AFTER)])
async def test_replicas_of_which_one_is_a_step_ahead_do_not_enter_one_number_twice(
    store: Store, pair: tuple[str, str], first: int
) -> None:
    """Both look, see nothing, and commit, in either order."""
    works = [store.work(cause()) for _ in pair]
    for work, ring in zip(works, pair, strict=True):
        await register_case(salma(), work, desk(ring))
    await store.commit(works[first])
    with pytest.raises(Moved):
        await store.commit(works[1 - first])
    assert len(await store.read(Case)) == 1


async def test_a_number_entered_under_both_keys_stands_there_once_in_the_end(store: Store) -> None:
    await registered(store, KNOWN)
    assert len(await store.read(RegisterEntry)) == 2
    await renew(store, AFTER)
    [entry] = await store.read(RegisterEntry)
    assert entry.id == desk(AFTER).vault.fingerprint("register_no", "REG/0042/X").entered[0]


async def test_who_is_erased_while_the_job_holds_their_key_stays_erased(store: Store) -> None:
    case_ref = await registered(store, BEFORE)
    tries, one = 0, desk(AFTER)

    async def overtaken(command: list[str], work: Work) -> None:
        nonlocal tries
        await wrap_anew(command, work, one)
        tries += 1
        if tries == 1:
            await store.transact(erase, case_ref, cause())

    await store.transact(overtaken, [case_ref], cause())
    assert tries == 2
    assert await store.read(PersonKey) == []


async def erase(case_ref: str, work: Work) -> None:
    work.remove(await work.get(PersonKey, case_ref))


# -- the service -------------------------------------------------------------------------------------------------------


async def started_with(office: Office, ring: str) -> None:
    """The same service once more, as after a restart, with this ring in its file."""
    running = office.running
    await running.service.stop()
    running.service.settings.agency_key_file.write_text(ring)
    running.service = Service("intake", running.service.settings, build(running.service.settings))
    await running.service.start()
    running.http.base_url = f"http://127.0.0.1:{running.service.port}"


async def until(seen: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await seen():
            await asyncio.sleep(0.005)


async def former_left(store: Store) -> int:
    """As the file's former key has no name: what has none."""
    made = [key.wrapped for key in await store.read(PersonKey)] + [one.id for one in await store.read(RegisterEntry)]
    return sum(":" not in one for one in made)


def none_left_in(store: Store) -> Callable[[], Awaitable[bool]]:
    async def none_left() -> bool:
        return await former_left(store) == 0

    return none_left


async def test_after_the_former_key_is_dropped_it_is_of_no_use_and_nobody_is_missed(office: Office) -> None:
    """From bare key to dropped key over the service's own doors; an erased person stays erased."""
    cases = [await office.registered(register_no=f"REG/{number:04}/X") for number in range(1, 6)]
    kept, erased = cases[:4], cases[4]["case_ref"]
    await office.running.service.store.transact(erase, erased, cause())
    for ring in (KNOWN, AFTER):
        await started_with(office, ring)
        late = await office.registered(register_no=f"REG/{len(kept) + 100:04}/X")
        kept.append(late)
    await until(none_left_in(office.running.service.store))
    await started_with(office, DROPPED)
    store = office.running.service.store
    for case in kept:
        view = (await office.get(f"/cases/{case['case_ref']}", subject="pk-1")).json()
        assert (view["case_ref"], view["full_name"]) == (case["case_ref"], "Salma Misal")
        found = await office.post("/cases/search", {"register_no": view["register_no"]})
        assert found.json()["case_ref"] == case["case_ref"]
    assert (await office.get(f"/cases/{erased}", subject="pk-1")).status_code == 410
    assert {key.id for key in await store.read(PersonKey)} == {case["case_ref"] for case in kept}
    await whoever_holds_the_former_key_reads_nothing(store)


async def whoever_holds_the_former_key_reads_nothing(store: Store) -> None:
    former = desk(BEFORE).vault
    for key in await store.read(PersonKey):
        with pytest.raises(InvalidTag):  # taking the name off helps nobody
            former.open("", key.id, key.wrapped.rpartition(":")[2])
    printed = {entry.id.rpartition(":")[2] for entry in await store.read(RegisterEntry)}
    numbers = [f"REG/{number:04}/X" for number in range(200)]
    assert printed.isdisjoint(former.fingerprint("register_no", number).entered[0] for number in numbers)


async def test_killed_amid_the_work_every_person_is_readable_and_the_next_start_goes_on(
    office: Office, tmp_path: Path
) -> None:
    many = 3 * AT_ONCE
    service = office.running.service
    await asyncio.gather(*(registered(service.store, BEFORE, number) for number in range(many)))
    await service.stop()
    settings = service.settings
    settings.agency_key_file.write_text(AFTER)
    database = Database(settings.mongo_url.get_secret_value(), settings.database, "test")
    store = Store(database, KEPT, Outbox(settings.agency, "intake", Catalogue(ROOT / "contracts")))
    stuck = sorted(key.id for key in await store.read(PersonKey))[many // 2]

    async def some_are_renewed() -> bool:
        return await former_left(store) <= 2 * many - AT_ONCE

    async with locked(database, stuck):
        with (tmp_path / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "intake", env=environment(settings), stderr=log
            )
        await until(some_are_renewed)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert 0 < await former_left(store) < 2 * many, "it died amid the work"
    assert await all_open(store, AFTER) == many
    database.close()
    office.running.service = Service("intake", settings, build(settings))
    await office.running.service.start()
    store = office.running.service.store
    await until(none_left_in(store))
    assert await all_open(store, DROPPED) == many
    assert len(await store.read(RegisterEntry)) == many


@asynccontextmanager
async def locked(database: Database, key_id: str) -> AsyncIterator[None]:
    """Somebody's open transaction on one person's key: the job gets so far, and not past it."""
    begun, let_go = threading.Event(), threading.Event()

    def hold(writes: Writes) -> None:
        writes.update("person_keys", {"_id": key_id}, {"$set": {"held": 1}})
        begun.set()
        let_go.wait()
        raise Moved  # nothing of it stays

    holding = asyncio.create_task(database.together(hold))
    await asyncio.to_thread(begun.wait)
    try:
        yield
    finally:
        let_go.set()
        with pytest.raises(Moved):
            await holding


def environment(settings: Any) -> dict[str, str]:
    told = {name: value for name, value in settings if value not in (None, ())}
    texts = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in told.items()
        if not isinstance(value, tuple)
    }
    return {**os.environ, **{f"INTAKE_{name.upper()}": text for name, text in texts.items()}}
