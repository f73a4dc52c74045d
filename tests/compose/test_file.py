"""What `docker-compose.yml` says, looked at without docker: whom it starts, and what each of them may do."""

import re
from typing import Any

import pytest
import yaml

from deploy.basudara import manifests
from deploy.basudara.stack import AGENCIES, ROOT

FILE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = FILE["services"]
KNOWN = manifests.agencies(AGENCIES)
WANTED = {f"{code}-{service}": (code, service) for code, one in KNOWN.items() for service in one.services}
ONE_SHOTS = {"secrets", "kafka-format", "init"}
MADE_BY = {"secrets", "init"}  # they hold every service's volume while they fill it
ENGINES = {"kafka", "mongo"}
SECRET_NAME = re.compile(r"PASSWORD|TOKEN|SECRET|KEY|CREDENTIAL")


def setting(name: str, what: str) -> str:
    return str(SERVICES[name]["environment"][f"{WANTED[name][1].upper()}_{what}"])


def volumes(name: str) -> dict[str, str]:
    """Name to where it is."""
    return {one.split(":")[0]: one.split(":")[1] for one in SERVICES[name].get("volumes", ())}


def test_it_names_exactly_the_services_of_the_manifests() -> None:
    assert set(SERVICES) == {*WANTED, *ENGINES, *ONE_SHOTS, "gateway", "operator"}
    for name, (agency, service) in WANTED.items():
        assert SERVICES[name]["build"]["dockerfile"] == f"services/{service}/Dockerfile"
        told = {what: setting(name, what) for what in ("AGENCY", "DATABASE", "KAFKA_USER", "MONGO_USER")}
        user = f"{agency}.{service}"
        assert told == {"AGENCY": agency, "DATABASE": name, "KAFKA_USER": user, "MONGO_USER": user}


def test_the_gateway_tells_every_notification_and_each_names_itself() -> None:
    told = [setting(name, "RECEIPTS_URL") for name, (_, service) in WANTED.items() if service == "notification"]
    assert SERVICES["gateway"]["command"] == told
    assert all(f"http://{name}:8080/receipts" in told for name, row in WANTED.items() if row[1] == "notification")


def test_only_the_services_doors_are_published_and_only_on_loopback() -> None:
    assert {name for name, one in SERVICES.items() if "ports" in one} == set(WANTED)
    doors = [door for name in WANTED for door in SERVICES[name]["ports"]]
    assert len(doors) == len(set(doors)) == len(WANTED)
    assert [door for door in doors if not re.fullmatch(r"127\.0\.0\.1:8\d{3}:8080", door)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", one["mem_limit"])
    assert one["pids_limit"] <= (1024 if name in ENGINES else 256)
    assert set(one) & {"privileged", "devices", "pid", "ipc", "userns_mode", "pull_policy", "env_file"} == set()
    if name == "secrets":
        assert (one["network_mode"], one["user"], one["cap_add"]) == ("none", "0:0", ["CHOWN", "DAC_OVERRIDE"])
    else:
        assert "cap_add" not in one
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", one["user"])


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_an_exact_tag_and_every_volume_a_name(name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", SERVICES[name]["image"])
    assert set(volumes(name)) <= set(FILE["volumes"])


@pytest.mark.parametrize("name", sorted({*WANTED, *ENGINES, "gateway"}))
def test_what_lasts_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_no_secret_stands_in_the_file() -> None:
    told = [row for one in SERVICES.values() for row in one.get("environment", {}).items()]
    hidden = [(key, value) for key, value in told if SECRET_NAME.search(key)]
    assert len(hidden) > 30
    assert [row for row in hidden if not re.fullmatch(r"/secrets/[a-z.-]+", row[1])] == []
    assert [row for row in told if re.search(r"//[^/]*@", str(row[1]))] == []


def test_a_volume_of_secrets_is_read_by_its_service_alone() -> None:
    for name in WANTED:
        assert volumes(name) == {name: "/secrets", "town": "/town"}
        assert all(one.endswith(":ro") for one in SERVICES[name]["volumes"])
        assert {other for other in SERVICES if name in volumes(other)} == {name, *MADE_BY}
    for name in ("operator", "engine"):
        assert {other for other in SERVICES if name in volumes(other)} == {"operator", *MADE_BY}


def test_agencies_meet_only_where_cards_are_asked_for() -> None:
    shared: dict[str, set[str]] = {}
    for name in WANTED:
        for network in SERVICES[name]["networks"]:
            shared.setdefault(network, set()).add(name)
    own = {code: {name for name in WANTED if WANTED[name][0] == code} for code in KNOWN}
    senders = {name for name in WANTED if WANTED[name][1] == "intake"}
    cards = {f"cards-{WANTED[name][0]}": senders | {name} for name in WANTED if WANTED[name][1] == "training"}
    assert shared == {code: names for code, names in own.items() if names} | cards
    for name, network in FILE["networks"].items():
        assert (network == {"internal": True}) == (name not in own), name


def test_the_operators_image_has_the_versions_that_were_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.\[\]-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))

    assert len(pins("deploy/compose/requirements.txt")) > 30
    assert pins("deploy/compose/requirements.txt") <= pins("requirements.txt")
