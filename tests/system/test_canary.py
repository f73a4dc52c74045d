"""What shows nowhere: names, numbers and papers of everybody in the stories, after all that was done and refused."""

import json

import pytest

from deploy.basudara.stack import Stack
from tests.system.command import basudara
from tests.system.offices import Desk
from tests.system.play import Played
from tests.system.seeing import logs, records
from tests.system.told import nowhere

MEMBERS = ("full_name", "nik", "phone", "register_no", "basis_document")


@pytest.fixture(scope="module")
def texts(played: Played) -> list[str]:
    persons = (played.yopi, played.frans, *played.crowd)
    found = {str(one.body[name]) for one in persons for name in MEMBERS if one.body[name] is not None}
    numbers = {text.removeprefix("+62") for text in found}
    assert len(found) > 40
    return sorted(found | numbers)


def test_no_person_shows_in_a_key_or_a_header_of_any_topic_parked_ones_too(stack: Stack, texts: list[str]) -> None:
    """Promise 53."""
    found = records(stack)
    assert {one.topic.rsplit(".", 2)[-2] for one in found} >= {"parked"}, "what failed is looked at too"
    places = {f"{one.topic}:{one.partition}:{one.offset}": str((one.key, one.headers)) for one in found}
    nowhere(texts, dict(places))


def test_no_person_shows_in_measures_health_or_logs(stack: Stack, texts: list[str]) -> None:
    """Promise 53."""
    shown: dict[str, str | bytes] = dict(logs(stack))
    for name in stack.urls:
        desk = Desk(stack, name, "service", "looking-on")
        for path in ("/metrics", "/ready", "/live"):
            shown[f"{name}{path}"] = desk.ask("GET", path).text
    assert all(shown.values())
    nowhere(texts, shown)


def test_no_person_shows_where_an_operator_looks(stack: Stack, played: Played, texts: list[str]) -> None:
    """Promise 53: what the commands of the operator tell."""
    told = {
        "status": basudara(stack, "status", "--json").shown,
        "parked": basudara(stack, "parked", "list", "--json").shown,
        "trace": json.dumps(basudara(stack, "events", "trace", played.yopi.case, "--json").json),
    }
    nowhere(texts, dict(told))
