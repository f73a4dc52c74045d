"""What can't be sent is refused before it changes anything."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.testing import ROOT, Backend
from tests.resilience.tally import REQUESTED
from tests.resilience.town import Town, case


@pytest.fixture
async def wide_town(backend: Backend, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose contracts leave one text without a limit: only the topic's is left."""
    contracts = tmp_path / "contracts"
    shutil.copytree(ROOT / "contracts", contracts)
    file = contracts / "events" / REQUESTED / "schema.json"
    schema = json.loads(file.read_text())
    schema["properties"]["agreement_number"] = {"type": "string"}
    file.write_text(json.dumps(schema))
    made = Town(backend, tmp_path, contracts)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def test_an_event_too_big_for_its_topic_is_refused_before_the_state_changes(wide_town: Town) -> None:
    """Promise 8: the largest legal one goes through and arrives, one byte more leaves no trace."""
    town = wide_town
    sender = await town.start("referral")
    await town.start("training")
    small, _ = await town.ask(sender, case(1), padding_bytes=1)
    row = await town.database("referral")["outbox"].find_one({})
    envelope_bytes = len(row["rows"][0]["value"]) - 1
    _, refused = await town.ask(sender, case(1), padding_bytes=2_000_000)
    limit = refused.json()["limit_bytes"]
    too_big, reply = await town.ask(sender, case(1), padding_bytes=limit - envelope_bytes + 1)
    assert (reply.status_code, reply.json()["type"]) == (413, "urn:basudara:problem:too_large")
    largest, accepted = await town.ask(sender, case(1), padding_bytes=limit - envelope_bytes)
    assert accepted.status_code == 201
    await town.settled("referral", "training", "referral")
    database = town.database("referral")
    assert await database["requests"].find_one({"_id": too_big}) is None
    assert await database["outbox"].count_documents({}) == 2
    assert await town.seen() == [small, largest]
