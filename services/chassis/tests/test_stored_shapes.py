"""Documents that an older release stored, and what a newer one does about them; the walk of the README is here too."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import toy
from test_a_running_service import CASE, referral

from chassis import ids
from chassis.catalogue import Catalogue
from chassis.clock import Clock
from chassis.consuming import Listener
from chassis.database import Database
from chassis.kept import BadStep, Document, Kept, NewerShape
from chassis.outbox import Outbox
from chassis.reshaping import AT_ONCE, WrittenByNewer, bring_up, claim, prepare
from chassis.running import Service
from chassis.store import Store
from chassis.testing import ROOT, Backend, Running, new_code
from chassis.work import Cause, Work


@dataclass(frozen=True, kw_only=True)
class Person:
    """As the first release knew it."""

    id: str
    version: int
    name: str
    place: str = "ambon"
    seen: int = 0


@dataclass(frozen=True, kw_only=True)
class NamedPerson:
    """As the second does: the name became two, and there is a role to search by."""

    id: str
    version: int
    first: str
    last: str
    place: str = "ambon"
    role: str = "klien"
    seen: int = 0


def two_names(document: Document) -> Document:
    first, _, last = document.pop("name").partition(" ")
    return {**document, "first": first, "last": last, "role": "klien"}


FIRST = Kept(Person, "persons", ("place",))
SECOND = Kept(NamedPerson, "persons", ("place",), shape=2, steps=(two_names,))
SEARCHED = replace(SECOND, indexes=("place", "role"))


class Releases:
    """One database, and the releases that work on it side by side."""

    def __init__(self, mongo: str) -> None:
        self.database = Database(mongo, new_code("shapes"), "test")
        self._catalogue = Catalogue(ROOT / "contracts")

    def store(self, kept: Kept) -> Store:
        return Store(self.database, [kept], Outbox("own", "training", self._catalogue))

    async def stored(self, id: str = "p1") -> Document:
        [found] = await self.database.find("persons", {"_id": id})
        return dict(found)

    async def older(self, *ids: str, **more: Any) -> None:
        """Documents as they were stored before there were any numbers."""
        rows = [{"_id": id, "version": 3, "name": "Salma Misal", "place": "ambon", "seen": 7, **more} for id in ids]
        await self.database["persons"].insert_many(rows)


@pytest.fixture
async def releases(backend: Backend) -> AsyncIterator[Releases]:
    made = Releases(backend.mongo)
    yield made
    made.database.close()


def cause() -> Cause:
    fresh = ids.event_id()
    return Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=Clock().now())


async def see(told: tuple[type[Any], str], work: Work) -> None:
    kind, id = told
    person = await work.get(kind, id)
    work.save(replace(person, version=person.version + 1, seen=person.seen + 1))


# -- reading and writing -----------------------------------------------------------------------------------------------


async def test_an_older_document_is_read_as_of_now_and_the_next_write_stores_it_so(releases: Releases) -> None:
    await releases.older("p1")
    store = releases.store(SECOND)
    person = await store.get(NamedPerson, "p1")
    assert person == NamedPerson(id="p1", version=3, first="Salma", last="Misal", seen=7)
    assert "name" in await releases.stored(), "reading alone writes nothing"
    await store.transact(see, (NamedPerson, "p1"), cause())
    after = {"_id": "p1", "version": 4, "first": "Salma", "last": "Misal", "place": "ambon", "role": "klien", "seen": 8}
    assert await releases.stored() == {**after, "shape": 2}


async def test_the_first_release_with_numbers_reads_what_has_none_and_writes_the_first(releases: Releases) -> None:
    await releases.older("p1")
    await releases.store(FIRST).transact(see, (Person, "p1"), cause())
    assert (await releases.stored())["shape"] == 1
    assert (await releases.store(SECOND).get(NamedPerson, "p1")).seen == 8


async def test_two_steps_follow_each_other(releases: Releases) -> None:
    await releases.older("p1")
    third = replace(SECOND, shape=3, steps=(two_names, lambda document: {**document, "last": "Umpama"}))
    assert (await releases.store(third).get(NamedPerson, "p1")).last == "Umpama"
    await releases.store(SECOND).transact(see, (NamedPerson, "p1"), cause())
    assert (await releases.store(third).get(NamedPerson, "p1")).last == "Umpama", "from the second shape on"


async def test_a_step_may_not_change_what_an_older_release_finds_a_document_by(releases: Releases) -> None:
    await releases.older("p1")
    for member, value in (("place", "Ambon"), ("version", 4), ("_id", "p2")):
        moving = replace(SECOND, steps=(lambda one, member=member, value=value: {**two_names(one), member: value},))
        with pytest.raises(BadStep) as refused:
            await releases.store(moving).get(NamedPerson, "p1")
        assert refused.value.facts == {"collection": "persons", "member": member}


def test_a_number_without_its_steps_is_a_slip_of_the_pen() -> None:
    with pytest.raises(ValueError, match="persons: shape 3 needs 2 steps"):
        replace(SECOND, shape=3)


# -- two releases side by side -----------------------------------------------------------------------------------------


async def test_an_older_release_neither_reads_nor_searches_nor_overwrites_what_a_newer_wrote(
    releases: Releases,
) -> None:
    await releases.older("p1", "p2")
    old, new = releases.store(FIRST), releases.store(SECOND)
    await new.transact(see, (NamedPerson, "p1"), cause())
    before = await releases.stored()
    for asked in (old.get(Person, "p1"), old.read(Person, place="ambon"), old.transact(see, (Person, "p1"), cause())):
        with pytest.raises(NewerShape):
            await asked
    assert await releases.stored() == before
    await old.transact(see, (Person, "p2"), cause())  # what is still its own, it works on
    assert (await releases.stored("p2"))["seen"] == 8


async def test_what_was_read_before_it_was_brought_up_is_not_written_over_it(releases: Releases) -> None:
    """The job keeps the version, so the version alone would let an older release pass."""
    await releases.older("p1")
    old, read, brought_up = releases.store(FIRST), asyncio.Event(), asyncio.Event()

    async def slowly(id: str, work: Work) -> None:
        await see((Person, id), work)
        read.set()
        await brought_up.wait()

    command = asyncio.create_task(old.transact(slowly, "p1", cause()))
    await read.wait()
    assert await bring_up(releases.database, SECOND) == 1
    brought_up.set()
    with pytest.raises(NewerShape):
        await command
    assert (await releases.stored())["shape"] == 2


async def test_the_reader_of_an_older_release_waits_for_the_newer_one_and_puts_nothing_aside(
    toy_service: Running,
) -> None:
    """It asks for the document in its handler, where what is unavailable is else put aside for later."""
    await toy_service.service.stop()
    parts = toy.build(toy_service.service.settings)
    listener = Listener("training", "placements")
    listener.to(toy.Requested)(toy.count)
    older = Service("training", toy_service.service.settings, replace(parts, listener=listener))
    toy_service.service = older
    await older.start()
    await older.database["tallies"].insert_one({"_id": CASE, "version": 1, "seen": [], "beats": 0, "shape": 2})
    await toy_service.hear(toy.REQUESTED, referral(2), source=toy_service.partner, subject="ref-2")
    async with asyncio.timeout(20):
        while older.consumer.failing != "newer_shape":
            await asyncio.sleep(0.05)
    assert await older.readiness() == {"reader": "newer_shape"}
    await older.stop()
    newer = replace(parts, kept=[Kept(toy.Tally, "tallies", ("beats",), shape=2, steps=(dict,))])
    toy_service.service = Service("training", older.settings, newer)
    await toy_service.service.start()
    assert await toy_service.parked() == []
    assert (await toy_service.service.store.get(toy.Tally, CASE)).seen == (referral(2)["referral_id"],)


# -- bringing all of them up -------------------------------------------------------------------------------------------


async def test_a_job_beside_live_commands_loses_nothing(releases: Releases) -> None:
    """Every person is seen again and again while the job walks through them, in batches."""
    names = [f"p{number:04}" for number in range(2 * AT_ONCE + 50)]
    await releases.older(*names)
    store, done = releases.store(SECOND), asyncio.Event()
    seen = dict.fromkeys(names, 7)

    async def officer(own: list[str]) -> None:
        while not done.is_set():
            for id in own:
                await store.transact(see, (NamedPerson, id), cause())
                seen[id] += 1

    officers = [asyncio.create_task(officer(names[one::9])) for one in range(8)]  # the ninth part nobody sees
    await asyncio.sleep(0.05)
    brought_up = await bring_up(releases.database, SECOND)
    done.set()
    await asyncio.gather(*officers)
    assert brought_up >= len(names[8::9]), "at least those that no command came to"
    found = {one.id: one for one in await store.read(NamedPerson)}
    assert {id: one.seen for id, one in found.items()} == seen
    assert {one.version for one in found.values() if one.seen == 7} == {3}, "the job raises no version"
    assert await releases.database.find("persons", SECOND.older) == []
    assert await bring_up(releases.database, SECOND) == 0


async def test_one_document_that_no_step_can_read_holds_up_no_other(releases: Releases) -> None:
    await releases.older("p1", "p3")
    await releases.database["persons"].insert_one({"_id": "p2", "version": 1, "nom": "Salma"})
    assert await bring_up(releases.database, SECOND) == 2
    assert (await releases.stored("p2")) == {"_id": "p2", "version": 1, "nom": "Salma"}
    with pytest.raises(KeyError):
        await releases.store(SECOND).get(NamedPerson, "p2")


async def test_a_search_by_a_new_member_finds_older_documents_too(releases: Releases) -> None:
    await releases.older("p1", "p2")
    store = releases.store(SEARCHED)
    await prepare(store, [SEARCHED])
    assert [one.id for one in await store.read(NamedPerson, role="klien")] == ["p1", "p2"]


# -- the marker --------------------------------------------------------------------------------------------------------


async def test_an_older_release_does_not_start_where_a_newer_one_was(releases: Releases) -> None:
    await claim(releases.database, [FIRST])
    await claim(releases.database, [FIRST])
    await claim(releases.database, [SECOND])
    with pytest.raises(WrittenByNewer) as refused:
        await claim(releases.database, [Kept(toy.Tally, "tallies", shape=1), FIRST])
    assert "persons is of shape 2, this release knows 1" in refused.value.reason()
    marks = {one["_id"]: one["shape"] for one in await releases.database.find("shapes", {})}
    assert marks == {"persons": 2}, "who is refused leaves no mark"


async def test_a_refused_start_is_one_sentence_and_exit_code_2(backend: Backend, tmp_path: Path) -> None:
    code = new_code("own")
    database = Database(backend.mongo, f"{code}-toy", "test")
    await database["shapes"].insert_one({"_id": "tallies", "shape": 2})
    told = {
        "AGENCY": code, "MONGO_URL": backend.mongo, "DATABASE": f"{code}-toy", "KAFKA": backend.kafka,
        "HTTP_PORT": "0", "CONTRACTS_DIR": str(ROOT / "contracts"), "ISSUER_KEYS": str(tmp_path / "keys"),
    }  # fmt: skip
    environment = {**os.environ, **{f"TOY_{name}": value for name, value in told.items()}}
    starting = "import toy; from chassis.running import run; run('training', toy.Settings, toy.build)"
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", starting], env=environment, cwd=Path(__file__).parent,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    [line] = ended.stderr.splitlines()
    assert '"written_by_newer_release"' in line
    assert "tallies is of shape 2, this release knows 1: start the newer one" in line
    assert await database["tallies"].index_information() == {}, "it wrote nothing"
    database.close()


# -- the walk of the README --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The toy's, of the next release: what it has seen by field, where it kept a list."""

    id: str
    version: int
    seen: tuple[str, ...] = ()
    beats: int = 0
    cause: str = ""
    total: int


def with_total(document: Document) -> Document:
    return {**document, "total": len(document["seen"])}


async def test_the_walk_of_the_readme_through_a_running_service(toy_service: Running) -> None:
    first = toy_service.service
    await first.database["tallies"].insert_one({"_id": "prt_1", "version": 2, "seen": ["a", "b"], "beats": 4})
    await first.stop()
    parts = toy.build(first.settings)
    nexts = replace(parts, kept=[Kept(Tally, "tallies", ("beats",), shape=2, steps=(with_total,))])
    toy_service.service = Service("training", first.settings, nexts)
    await toy_service.service.start()
    for _ in range(200):
        [stored] = await toy_service.service.database.find("tallies", {})
        if stored.get("shape") == 2:
            break
        await asyncio.sleep(0.05)
    assert stored == {"_id": "prt_1", "version": 2, "seen": ["a", "b"], "beats": 4, "total": 2, "shape": 2}
    await next(task for task in toy_service.service._tasks if task.get_name() == "shapes")
    assert await toy_service.service.readiness() == {}, "the job has ended, the service has not"
    older = Service("training", first.settings, parts)
    with pytest.raises(WrittenByNewer):
        await older.start()
    older.database.close()
