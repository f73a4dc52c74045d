"""The record of who changed what, while replicas are killed: each command is on it once, and the chain stays one."""

import asyncio
from collections import Counter

import httpx

from deploy.basudara.audit import judged
from tests.resilience.town import Process, Town, case, until

ROUNDS, MORE = 3, 25


async def keep_asking(town: Town, process: Process, done: list[str]) -> None:
    """Until it is killed. `done`: what it said that it did."""
    while True:
        try:
            referral, reply = await town.ask(process, case(len(done)))
        except httpx.HTTPError:
            return
        assert reply.status_code == 201, reply.text
        done.append(referral)


async def test_each_command_is_on_the_record_once_whoever_is_killed(town: Town) -> None:
    survivor, victim = [await town.start("referral", name) for name in ("1", "2")]
    done: list[str] = []
    asking = [asyncio.create_task(keep_asking(town, one, done)) for one in (survivor, survivor, victim, victim)]
    for _ in range(ROUNDS):
        wanted = len(done) + MORE

        async def enough(wanted: int = wanted) -> bool:
            return len(done) >= wanted

        await until(enough, "commands were carried out")
        victim.kill()
        victim = await town.start("referral", "2")
        asking += [asyncio.create_task(keep_asking(town, victim, done)) for _ in range(2)]
    survivor.kill()
    victim.kill()
    await asyncio.gather(*asking)
    await town.start("referral", "1")
    await everything_sealed(town)
    database = town.database("referral")
    record = town.mongo[f"{database.name}-audit"]["audit"]
    blocks = [block async for block in record.find(sort=[("_id", 1)])]
    verdict = judged(f"{town.sender}/referral", blocks)
    assert verdict.broken is None
    kept = {row["_id"] async for row in database["requests"].find()}
    told = Counter(ref for block in blocks for one in block["entries"] for ref in one["refs"] if ref in kept)
    assert set(done) <= kept
    assert told == Counter(dict.fromkeys(kept, 1))
    assert verdict.head.entries == len(kept)


async def everything_sealed(town: Town) -> None:
    async def nothing_open() -> bool:
        return not await town.database("referral")["audit_open"].count_documents({})

    await until(nothing_open, "what killed replicas left open is sealed")
