"""Broker users have exactly the rights that manifests and agreements give, each by its whole name."""

import re
from collections import defaultdict

import pytest

from deploy.basudara import rights
from deploy.basudara.kubernetes import tree
from deploy.basudara.manifests import Agreement
from tests.k8s.example import CATALOGUE, VALUES, agencies, agreements, named, of_kind, rendered

WANTED = rights.wanted(CATALOGUE, agencies(), agreements())

# Who may read which topics between agencies, as PKS-001 (bapas with disnaker and dinkop) and PKS-002 (bapas with
# disperindag) say: written by hand from the two agreements and the design's table of channels.
READS = {
    "bapas-ambon.intake": {
        "bapas-ambon.referral.referral.to.{disnaker,dinkop,disperindag}-ambon",
        "{disnaker,dinkop,disperindag}-ambon.training.placement.to.bapas-ambon",
    },
    "bapas-ambon.referral": {
        "bapas-ambon.intake.consent.to.{disnaker,dinkop,disperindag}-ambon",
        "{disnaker,dinkop,disperindag}-ambon.training.placement.to.bapas-ambon",
        "{disnaker,dinkop,disperindag}-ambon.training.enrolment.to.bapas-ambon",
    },
    "bapas-ambon.notification": {
        "bapas-ambon.intake.consent.to.{disnaker,dinkop,disperindag}-ambon",
        "bapas-ambon.referral.referral.to.{disnaker,dinkop,disperindag}-ambon",
        "{disnaker,dinkop,disperindag}-ambon.training.enrolment.to.bapas-ambon",
    },
    "disnaker-ambon.training": {
        "bapas-ambon.intake.consent.to.disnaker-ambon",
        "bapas-ambon.referral.referral.to.disnaker-ambon",
    },
    "disnaker-ambon.notification": {
        "bapas-ambon.referral.referral.to.disnaker-ambon",
        "disnaker-ambon.training.enrolment.to.bapas-ambon",
    },
    "disnaker-ambon.papan-informasi": set(),
    "dinkop-ambon.training": {
        "bapas-ambon.intake.consent.to.dinkop-ambon",
        "bapas-ambon.referral.referral.to.dinkop-ambon",
    },
    "disperindag-ambon.training": {
        "bapas-ambon.intake.consent.to.disperindag-ambon",
        "bapas-ambon.referral.referral.to.disperindag-ambon",
    },
    "kanwil-maluku.agreement": set(),
}
KAFKA_NAMES = {"Read": "READ", "Write": "WRITE", "Describe": "DESCRIBE"}

Right = tuple[str, str, str, bool]


def rights_of(made: tree.Tree) -> dict[str, set[Right]]:
    """By user: kind, name, operation, whether it is a prefix."""
    found: dict[str, set[Right]] = {}
    for user in of_kind(made, "KafkaUser"):
        mine = found[user["metadata"]["name"]] = set()
        for rule in user["spec"]["authorization"]["acls"]:
            assert rule["type"] == "allow"
            what = rule["resource"]
            for operation in rule["operations"]:
                prefixed = {"literal": False, "prefix": True}[what["patternType"]]
                mine.add((what["type"].upper(), what["name"], KAFKA_NAMES[operation], prefixed))
    return found


def across(made: tree.Tree) -> dict[str, set[str]]:
    """By user: topics of the kind "… to …" that it may read, without their version."""
    found = {}
    for user, mine in rights_of(made).items():
        topics = {name for kind, name, operation, _ in mine if (kind, operation) == ("TOPIC", "READ")}
        found[user] = {name.removesuffix(".v1") for name in topics if ".to." in name}
    return found


def spelled(pattern: str) -> set[str]:
    """`{a,b}-x` is a-x and b-x."""
    inner = re.search(r"{([^}]*)}", pattern)
    return {pattern.replace(inner[0], one) for one in inner[1].split(",")} if inner else {pattern}


def test_between_agencies_a_user_reads_what_the_two_agreements_say() -> None:
    by_hand = {user: {one for row in rows for one in spelled(row)} for user, rows in READS.items()}
    assert across(rendered()) == by_hand


@pytest.mark.parametrize("user", WANTED.users, ids=lambda user: user.name)
def test_a_user_has_the_rights_that_are_wanted_and_no_other(user: rights.User) -> None:
    wanted = {(acl.kind, acl.name, acl.operation, acl.prefixed) for acl in user.acls}
    assert rights_of(rendered())[user.name] == wanted
    assert len(rights_of(rendered())) == len(WANTED.users)


def test_no_right_is_for_whatever_is_called_somehow() -> None:
    """But a subscriber's own groups, which begin with his whole name and a dot."""
    for user, mine in rights_of(rendered()).items():
        for kind, name, operation, prefixed in mine:
            assert re.fullmatch(r"[a-z0-9.-]+", name)
            assert operation in ("READ", "WRITE", "DESCRIBE")
            if prefixed:
                assert (kind, name, operation) == ("GROUP", f"{user}.", "READ")


def test_a_topic_has_one_writer_and_no_agency_reads_past_another() -> None:
    writers = defaultdict(set)
    for user, mine in rights_of(rendered()).items():
        agency = user.split(".")[0]
        for kind, name, operation, _ in mine:
            if (kind, operation) == ("TOPIC", "WRITE"):
                writers[name].add(user)
            if (kind, operation) == ("TOPIC", "READ") and ".to." in name:
                assert agency in (name.split(".")[0], name.split(".to.")[1].removesuffix(".v1"))
    assert {name: len(users) for name, users in writers.items() if len(users) != 1} == {}
    assert set(writers) == {topic["metadata"]["name"] for topic in of_kind(rendered(), "KafkaTopic")}


def test_topics_are_as_the_catalogue_says() -> None:
    case = named(rendered(), "KafkaTopic", "bapas-ambon.intake.case.v1")["spec"]
    assert (case["partitions"], case["replicas"]) == (6, 3)
    assert case["config"] == {"cleanup.policy": "delete", "retention.ms": "2592000000", "min.insync.replicas": "2"}
    register = named(rendered(), "KafkaTopic", "kanwil-maluku.agreement.agreement.v1")["spec"]
    assert (register["partitions"], register["config"]["cleanup.policy"]) == (1, "compact")
    assert {one["metadata"]["name"] for one in of_kind(rendered(), "KafkaTopic")} == set(WANTED.topics)


def test_nobody_gets_in_without_a_user() -> None:
    kafka = named(rendered(), "Kafka", "basudara")["spec"]["kafka"]
    (listener,) = kafka["listeners"]
    assert listener["tls"] is True
    assert listener["authentication"] == {"type": "scram-sha-512"}
    assert kafka["authorization"] == {"type": "simple"}  # no superUsers, and what no rule allows is denied
    assert kafka["config"]["auto.create.topics.enable"] is False
    for user in of_kind(rendered(), "KafkaUser"):
        assert user["spec"]["authentication"]["type"] == "scram-sha-512"
        assert set(user["spec"]["quotas"]) >= {"producerByteRate", "consumerByteRate", "requestPercentage"}


def test_an_agreement_that_ended_takes_its_readers_off() -> None:
    ended = [one if one.number != "PKS-002/CONTOH" else _ended(one) for one in agreements()]
    made = tree.rendered(CATALOGUE, agencies(), ended, VALUES)
    assert tree.findings(made) == []
    found = across(made)
    assert found["disperindag-ambon.training"] == set()
    assert [name for name in found["bapas-ambon.referral"] if "disperindag" in name] == []
    assert "basudara-disperindag-ambon" not in str(named(made, "NetworkPolicy", "cards"))
    assert "bapas-ambon/intake" not in str(named(made, "ConfigMap", "training-partners", "basudara-disperindag-ambon"))
    assert found["dinkop-ambon.training"] == across(rendered())["dinkop-ambon.training"]


def _ended(one: Agreement) -> Agreement:
    return one.model_copy(update={"state": "ENDED"})
