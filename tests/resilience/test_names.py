"""Names of topics, groups and databases come from the catalogue and the settings, and are looked at before anything."""

import pytest
from confluent_kafka.admin import AdminClient

from tests.resilience.town import Process, Town

WRONG = {
    "another-office": "topic_missing topic=another-office.training.placements.retry.v1",
    "kantor_lain": "agency: lower-case letters, digits and single hyphens only",
    "*": "agency: lower-case letters, digits and single hyphens only",
}


def at_the_broker(town: Town) -> tuple[set[str], set[str]]:
    """Names of topics and of groups."""
    admin = AdminClient({"bootstrap.servers": town.backend.kafka})
    groups = admin.list_consumer_groups(request_timeout=10).result()
    return set(admin.list_topics(timeout=10).topics), {one.group_id for one in groups.valid}


def said(process: Process) -> str:
    refusals = [line["reason"] for line in process.lines("service.refuses_to_start")]
    return "\n".join([*refusals, process.log.read_text()])


@pytest.mark.parametrize("agency", WRONG)
async def test_a_service_of_a_wrong_name_refuses_to_start_and_makes_no_topic_and_no_group(
    town: Town, agency: str
) -> None:
    """Promise 30."""
    before = at_the_broker(town)
    stranger = await town.start("training", wait=False, agency=agency)
    assert await stranger.ended() == 2
    assert WRONG[agency] in said(stranger)
    assert not stranger.lines("service.started")
    assert at_the_broker(town) == before
