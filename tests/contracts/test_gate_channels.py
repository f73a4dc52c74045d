"""The gate on whole catalogues: what is changed about channels, operations and examples."""

from typing import Any

import pytest

from .changing import PLACED, REQUESTED, Contracts, Edit, breaking

CHANNEL = "training.placement.to"


def own(**new: Any) -> Edit:
    return lambda document: document["channels"][CHANNEL]["x-basudara"].update(new)


def kafka(**new: Any) -> Edit:
    return lambda document: document["components"]["channelBindings"]["person"]["kafka"].update(new)


def setting(name: str, value: Any) -> Edit:
    def edit(document: Any) -> None:
        document["components"]["channelBindings"]["person"]["kafka"]["topicConfiguration"][name] = value

    return edit


def moved(document: Any) -> None:
    channels, operations = document["channels"], document["operations"]
    channels["training.enrolment.to"]["messages"][PLACED] = channels[CHANNEL]["messages"].pop(PLACED)
    for row in operations.values():
        row["messages"] = [one for one in row["messages"] if not one["$ref"].endswith(PLACED)]


def without(part: str, name: str) -> Edit:
    return lambda document: document[part].pop(name)


def operation(name: str, **new: Any) -> Edit:
    return lambda document: document["operations"][name]["x-basudara"].update(new)


HEARS = "referral.referrals.receives.training.placement.to"


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (lambda document: document["channels"][CHANNEL].update(address="{owner}.answer.{reader}.v1"), "address"),
        (own(key=["referral_id"]), "key"),
        (own(owner="referral"), "owner"),
        (own(data_class="S"), "data-class"),
        (own(readers=["own"]), "readers"),
        (kafka(partitions=3), "partitions"),
        (kafka(partitions=12), "partitions"),
        (setting("retention.ms", 1000), "retention"),
        (setting("cleanup.policy", ["compact"]), "topic-setting"),
        (setting("min.compaction.lag.ms", 5), "topic-setting"),
        (setting("max.message.bytes", 5), "record-size"),
        (moved, "message-moved"),
        (lambda document: document["channels"][CHANNEL]["messages"].pop(PLACED), "message-removed"),
        (without("channels", CHANNEL), "channel-removed"),
        (without("operations", HEARS), "operation-removed"),
        (without("operations", "training.sends.training.placement.to"), "operation-removed"),
        (operation(HEARS, group="answers"), "group"),
        (operation(HEARS, **{"from": "own"}), "from"),
        (lambda document: document["channels"][CHANNEL].update(servers=[]), "not-understood"),
        (lambda document: document["components"]["messages"][PLACED].update(contentType="text/csv"), "not-understood"),
        (lambda document: document.update(defaultContentType="application/json"), "content-type"),
        (lambda document: document["components"]["schemas"]["envelope"]["required"].remove("subject"), "required"),
        (lambda document: document["components"]["parameters"]["group"]["enum"].remove("referrals"), "parameter"),
    ],
)  # fmt: skip
def test_a_change_of_a_channel_is_seen_and_names_its_readers(contracts: Contracts, edit: Edit, rule: str) -> None:
    contracts.catalogue(lambda document: tidy(document, edit))
    found = breaking(contracts.since())
    assert rule in {one.rule for one in found}
    assert "bapas-ambon referral referrals" in {str(party) for one in found if one.rule == rule for party in one.breaks}


def tidy(document: Any, edit: Edit) -> None:
    """After an edit, operations of a channel or message that is gone go too."""
    edit(document)
    channels, operations = document["channels"], document["operations"]
    for name, row in list(operations.items()):
        channel = row["channel"]["$ref"].removeprefix("#/channels/")
        kept = channels.get(channel, {}).get("messages", {})
        row["messages"] = [one for one in row["messages"] if one["$ref"].rsplit("/", 1)[1] in kept]
        if channel not in channels:
            del operations[name]


@pytest.mark.parametrize(
    "edit",
    [
        own(data_class="N"),
        setting("retention.ms", -1),
        lambda document: document["channels"][CHANNEL].update(description="another"),
        lambda document: document["components"]["messages"][PLACED].update(summary="another", title="another"),
        lambda document: document["info"].update(version="2.0.0"),
        lambda document: document["components"]["schemas"]["envelope"]["properties"].update(note={"type": "string"}),
    ],
)
def test_what_no_reader_can_notice_breaks_nobody(contracts: Contracts, edit: Edit) -> None:
    contracts.catalogue(edit)
    assert breaking(contracts.since()) == []


def test_an_example_that_is_removed_is_told_and_one_that_is_renamed_is_not(contracts: Contracts) -> None:
    examples = contracts.folder / "events" / REQUESTED / "examples"
    (examples / "adult.json").rename(examples / "grown-up.json")
    assert contracts.since() == []
    (examples / "child.json").unlink()
    assert [one.rule for one in breaking(contracts.since())] == ["example-removed"]
