"""The catalogue as a whole: valid by its own standard, complete, and as the agencies agreed."""

import re
from typing import Any

import pytest

from deploy.basudara.contracts.asyncapi import broken
from deploy.basudara.contracts.strict import from_yaml

from .catalogue import (
    CATALOGUE,
    CHANNELS,
    CONTRACTS,
    FOLDERS,
    OPERATIONS,
    SERVICES,
    channel_of,
    resolved,
    schema_of,
    types_of,
)

MESSAGES: dict[str, Any] = CATALOGUE["components"]["messages"]
THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1000
GROUPS = {"intake": "receipts", "referral": "referrals", "training": "placements", "notification": "messages"}

# copied from the agreement between the agencies, not from the catalogue
AGREED = {  # channel: address, writer, readers, key, partitions, compacted
    "intake.case": ("{owner}.intake.case.v1", "intake", ["own"], ["case_ref"], 6, False),
    "intake.consent.to": ("{owner}.intake.consent.to.{reader}.v1", "intake", ["reader", "own"], ["case_ref"], 6, False),
    "referral.referral.to": (
        "{owner}.referral.referral.to.{reader}.v1", "referral", ["reader", "own"], ["case_ref"], 6, False),
    "training.placement.to": (
        "{owner}.training.placement.to.{reader}.v1", "training", ["reader", "own"], ["case_ref"], 6, False),
    "training.enrolment.to": (
        "{owner}.training.enrolment.to.{reader}.v1", "training", ["reader", "own"], ["case_ref", "followup_id"], 6,
        False),
    "training.programme": (
        "{owner}.training.programme.v1", "training", ["parties"], ["cohort_code", "programme_code"], 1, True),
    "notification.message": ("{owner}.notification.message.v1", "notification", ["own"], ["case_ref"], 6, False),
    "agreement.agreement": ("{owner}.agreement.agreement.v1", "agreement", ["parties"], ["number"], 1, True),
    "retry": ("{owner}.{service}.{group}.retry.v1", "{service}", ["own"], [], 1, False),
    "parked": ("{owner}.{service}.{group}.parked.v1", "{service}", ["own"], [], 1, False),
}  # fmt: skip
HEARD_FROM = {  # service: (channel, whose topics)
    "intake": {("intake.case", "own"), ("referral.referral.to", "own"), ("training.placement.to", "to-me"),
               ("notification.message", "own"), ("agreement.agreement", "parties")},
    "referral": {("intake.case", "own"), ("intake.consent.to", "own"), ("training.placement.to", "to-me"),
                 ("training.enrolment.to", "to-me"), ("agreement.agreement", "parties")},
    "training": {("referral.referral.to", "to-me"), ("intake.consent.to", "to-me"), ("agreement.agreement", "parties")},
    "notification": {("intake.case", "own"), ("intake.consent.to", "own"), ("referral.referral.to", "own"),
                     ("training.enrolment.to", "to-me"), ("referral.referral.to", "to-me"),
                     ("training.enrolment.to", "own")},
}  # fmt: skip
RECEIVES = {name: row for name, row in OPERATIONS.items() if row["action"] == "receive"}
SENDS = {name: row for name, row in OPERATIONS.items() if row["action"] == "send"}


def readings(service: str) -> list[tuple[str, str]]:
    """Channel and origin of each receive operation of a service."""
    rows = [(channel_of(row), row["x-basudara"]) for row in RECEIVES.values()]
    return [(channel, own["from"]) for channel, own in rows if own["service"] == service]


def test_catalogue_keeps_every_rule_of_one() -> None:
    """Valid by the official schema of AsyncAPI 3.0, and what that cannot see: `basudara contracts validate`."""
    file = CONTRACTS / "asyncapi.yaml"
    assert list(broken(from_yaml(file.read_bytes()), file)) == []


@pytest.mark.parametrize("channel", AGREED)
def test_channel_is_as_agreed(channel: str) -> None:
    address, writer, readers, key, partitions, compacted = AGREED[channel]
    row, kafka = CHANNELS[channel], resolved(CHANNELS[channel]["bindings"])["kafka"]
    assert row["address"] == address
    assert sorted(row["parameters"]) == sorted(re.findall(r"{(\w+)}", address))
    own = row["x-basudara"]
    assert (own["owner"], own["readers"], own["key"]) == (writer, readers, key)
    assert (kafka["partitions"], kafka["replicas"]) == (partitions, 1)
    assert kafka["topicConfiguration"]["cleanup.policy"] == ["compact" if compacted else "delete"]
    assert kafka["topicConfiguration"]["retention.ms"] == (-1 if compacted else THIRTY_DAYS_MS)


def test_there_is_no_other_channel() -> None:
    assert CHANNELS.keys() == AGREED.keys()


@pytest.mark.parametrize("channel", AGREED)
def test_what_says_anything_of_a_person_has_at_most_one_reading_agency(channel: str) -> None:
    row = CHANNELS[channel]["x-basudara"]
    assert row["data_class"] in {"S", "P", "K", "N"}
    assert ("parties" in row["readers"]) == (row["data_class"] == "N")
    assert ("reader" in row["readers"]) == ("{reader}" in CHANNELS[channel]["address"])


def test_each_type_sits_on_exactly_one_channel_of_its_service() -> None:
    seats = [(kind, channel) for channel, row in CHANNELS.items() for kind in row.get("messages", {})]
    assert sorted(kind for kind, _ in seats) == sorted(MESSAGES), "each once, none forgotten"
    for kind, channel in seats:
        assert CHANNELS[channel]["messages"][kind] == {"$ref": f"#/components/messages/{kind}"}
        assert kind.split(".")[2] == CHANNELS[channel]["x-basudara"]["owner"]


def test_messages_and_schema_folders_are_the_same() -> None:
    assert sorted(MESSAGES) == [folder.name for folder in FOLDERS]


@pytest.mark.parametrize("kind", MESSAGES)
def test_message_leads_to_its_own_schema(kind: str) -> None:
    message = MESSAGES[kind]
    assert message["name"] == kind
    assert message["title"] == schema_of(kind)["title"]
    assert message["payload"]["schema"] == {"$ref": f"./events/{kind}/schema.json"}
    assert schema_of(kind)["description"].startswith(message["summary"].strip().removesuffix("."))
    assert message["traits"] == [{"$ref": "#/components/messageTraits/cloudevent"}]


@pytest.mark.parametrize("kind", MESSAGES)
def test_key_members_are_in_the_payload(kind: str) -> None:
    """At least one of them is never null, or the record would have no key."""
    (row,) = (row for row in CHANNELS.values() if kind in row.get("messages", {}))
    members = schema_of(kind)["properties"]
    assert [name for name in row["x-basudara"]["key"] if name in members and members[name]["type"] == "string"]


@pytest.mark.parametrize("name", RECEIVES)
def test_reader_names_messages_that_exist_and_topics_it_may_read(name: str) -> None:
    operation = RECEIVES[name]
    channel, own = channel_of(operation), operation["x-basudara"]
    assert set(types_of(operation)) <= CHANNELS[channel]["messages"].keys()
    assert len(set(types_of(operation))) == len(types_of(operation)) > 0
    assert own.keys() == {"service", "group", "from"}
    assert own["group"] == GROUPS[own["service"]]
    needed = {"own": "own", "to-me": "reader", "parties": "parties"}[own["from"]]
    assert needed in CHANNELS[channel]["x-basudara"]["readers"]
    twice = [origin for heard, origin in readings(own["service"]) if heard == channel]
    suffix = f".{own['from']}" if len(twice) > 1 else ""
    assert name == f"{own['service']}.{own['group']}.receives.{channel}{suffix}"


@pytest.mark.parametrize("service", SERVICES)
def test_service_reads_what_was_agreed(service: str) -> None:
    assert sorted(readings(service)) == sorted(HEARD_FROM[service])


def test_each_channel_has_its_one_writer() -> None:
    told = {channel_of(row): (row["x-basudara"], types_of(row)) for row in SENDS.values()}
    assert len(told) == len(SENDS)
    for channel, row in CHANNELS.items():
        if "messages" in row:
            assert told.pop(channel) == ({"service": row["x-basudara"]["owner"]}, list(row["messages"]))
    assert told == {}


def test_copies_say_where_they_come_from() -> None:
    for channel in ("retry", "parked"):
        headers = resolved(CHANNELS[channel]["x-basudara"]["headers"])
        assert {name.removeprefix("basudara-") for name in headers["properties"]} == {
            "reason", "source-topic", "source-partition", "source-offset", "attempts", "due", "copy",
        }  # fmt: skip


def test_an_operators_word_says_what_was_decided_of_which_record_by_whom_and_why() -> None:
    told = resolved(CHANNELS["parked"]["x-basudara"]["decisions"])
    assert set(told["required"]) == set(told["properties"])
    assert {name.removeprefix("basudara-") for name in told["required"]} == {
        "decision", "decision-of", "decided-by", "reason",
    }  # fmt: skip
    assert told["properties"]["basudara-decision"]["enum"] == ["replayed", "dropped"]
    copies = resolved(CHANNELS["parked"]["x-basudara"]["headers"])
    only_copies_have = set(copies["required"]) - set(told["properties"])
    assert "basudara-source-topic" in only_copies_have, "a copy must never be taken for a decision"


def test_glossary_has_each_word_once() -> None:
    rows = re.findall(r"^\| (.+?) \| ", (CONTRACTS / "glossary.md").read_text(), re.M)
    terms = [term.lower() for term in rows if term != "Term"]
    assert len(terms) > 50
    assert sorted({term for term in terms if terms.count(term) > 1}) == []


def test_decisions_are_short_enough_to_be_read() -> None:
    for file in (CONTRACTS / "decisions").glob("*.md"):
        assert len(file.read_text().splitlines()) <= 40, file.name
