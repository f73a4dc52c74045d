"""What the containers keep from each other, looked at while they run."""

import json
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pymongo.errors import OperationFailure

from tests.compose import project
from tests.compose.project import Composed

FIND = """
import json, socket, sys
def finds(name):
    try:
        return bool(socket.gethostbyname(name))
    except socket.gaierror:
        return False
print(json.dumps([name for name in sys.argv[1:] if finds(name)]))
"""
LIST = """
import json, os
print(json.dumps({one.name: [one.stat().st_uid, one.stat().st_mode & 0o777] for one in os.scandir("/secrets")}))
"""


def inside(name: str, code: str, *arguments: str) -> Any:
    """What this code prints in the container of "agency/service"."""
    quick = ("-e", "RES_OPTIONS=timeout:1 attempts:1")  # a name that is nowhere is known to be soon
    return json.loads(project.compose("exec", "-T", *quick, container(name), "python", "-c", code, *arguments))


def container(name: str) -> str:
    return name.replace("/", "-")


def meet(one: str, other: str) -> bool:
    """Within an agency, and where one asks the other for participant cards."""
    (agency, service), (partner, asked) = one.split("/"), other.split("/")
    return agency == partner or {service, asked} == {"intake", "training"}


def test_every_container_came_up_at_its_first_try_and_the_one_shots_are_done(stack: Composed) -> None:
    states = {project.service_of(one): (one["RestartCount"], one["State"]) for one in project.containers()}
    assert set(project.ONE_SHOT) < set(states)
    for name, (restarts, state) in states.items():
        wanted = ("exited", 0) if name in project.ONE_SHOT else ("running", 0)
        assert (state["Status"], state["ExitCode"], restarts, state["OOMKilled"]) == (*wanted, 0, False), name


def test_agencies_find_each_other_for_participant_cards_and_for_nothing_else(stack: Composed) -> None:
    for name in stack.urls:
        wanted = [container(other) for other in stack.urls if meet(name, other)]
        assert inside(name, FIND, *map(container, stack.urls)) == wanted, name


def test_a_service_has_only_the_secrets_that_it_reads(stack: Composed) -> None:
    held = {name: inside(name, LIST) for name in stack.urls}
    assert {tuple(row) for rows in held.values() for row in rows.values()} == {(10001, 0o400)}
    everybody = {"issuer.json", "credential", "kafka", "mongo"}
    more = {
        "intake": {"agency-key", "staff.json"},
        "referral": set[str](),
        "training": {"agency-key"},
        "notification": {"staff.json", "gateway"},
    }
    assert {name: set(rows) for name, rows in held.items()} == {
        name: everybody | more[name.split("/")[1]] for name in stack.urls
    }


def test_nobody_gets_in_at_the_broker_without_a_password(stack: Composed) -> None:
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": stack.kafka, "log_level": 0}).list_topics(timeout=5)
    assert AdminClient(stack.reach.broker).list_topics(timeout=20).topics


def test_nobody_gets_in_at_the_store_without_a_password(stack: Composed) -> None:
    name = next(iter(stack.databases.values()))
    with replace(stack.reach, login=None).store() as store, pytest.raises(OperationFailure):
        store[name]["outbox"].find_one()
    with stack.reach.store() as store:
        assert "outbox" in store[name].list_collection_names()
