"""Each service runs as little as it can, is known to be well or not, and gets every setting it needs and no secret."""

import json
import re
import subprocess
import sys
import tempfile
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from deploy.basudara.kubernetes import tree
from tests.k8s.example import ROOT, TRACKED, Document, agencies, named, of_kind, rendered

# Run by the service's own code, in a process of its own: these tests know no service.
READS_ITS_SETTINGS = """
import importlib, json, sys
made = importlib.import_module(sys.argv[1] + ".settings").Settings()
shown = {name: str(value) for name, value in made}
print(json.dumps({"fields": sorted(type(made).model_fields), "read": shown}))
"""

DEPLOYMENTS = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in of_kind(rendered(), "Deployment")]
each = pytest.mark.parametrize(("home", "service"), DEPLOYMENTS)


def pod_of(home: str, service: str) -> Document:
    found: Document = named(rendered(), "Deployment", service, home)["spec"]["template"]["spec"]
    return found


def test_every_service_of_every_manifest_runs() -> None:
    wanted = {(f"basudara-{code}", service) for code, one in agencies().items() for service in one.services}
    assert set(DEPLOYMENTS) == wanted


@each
def test_it_gets_work_once_it_is_ready_and_keeps_it_while_it_lives(home: str, service: str) -> None:
    """Readiness that follows the broker would close every door in an outage, though commands can wait in the outbox."""
    (container,) = pod_of(home, service)["containers"]
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert [asked[name]["path"] for name in asked] == ["/ready", "/live", "/live"]
    assert {one["port"] for one in asked.values()} == {"http"}
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] >= 1800


@each
def test_it_may_do_nothing_but_run(home: str, service: str) -> None:
    pod = pod_of(home, service)
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & set(pod)
    assert [one for one in pod["volumes"] if "hostPath" in one] == []
    writable = [one["mountPath"] for one in container["volumeMounts"] if not one.get("readOnly")]
    assert writable == ["/scratch"]


@each
def test_it_has_limits_and_a_second_one_elsewhere(home: str, service: str) -> None:
    deployment = named(rendered(), "Deployment", service, home)
    (container,) = pod_of(home, service)["containers"]
    assert set(container["resources"]["requests"]) >= {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    (spread,) = pod_of(home, service)["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["maxSkew"]) == ("kubernetes.io/hostname", 1)
    assert named(rendered(), "PodDisruptionBudget", service, home)["spec"]["maxUnavailable"] == 1


@each
def test_it_has_time_to_stop(home: str, service: str) -> None:
    pod = pod_of(home, service)
    left = pod["terminationGracePeriodSeconds"] - pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert left > float(settings_of(home, service)["read"]["stop_seconds"])


@each
def test_its_settings_are_taken_by_the_service_itself(home: str, service: str) -> None:
    """Image and Deployment together give every setting that is needed, and none that the service does not know."""
    told = settings_of(home, service)
    code = home.removeprefix("basudara-")
    assert told["read"]["kafka_user"] == told["read"]["mongo_user"] == f"{code}.{service}"
    assert told["read"]["database"] == f"{code}-{service}"
    assert (told["read"]["production"], told["read"]["kafka_tls"]) == ("True", "True")
    assert told["read"]["clock_file"] == "None"
    prefix = f"{service.upper()}_"
    given = {row["name"] for row in environment(home, service)} - {"SSL_CERT_FILE", "TMPDIR"}
    assert {name for name in given if not name.startswith(prefix)} == set()
    assert {name.removeprefix(prefix).lower() for name in given} <= set(told["fields"])


def environment(home: str, service: str) -> list[Document]:
    found: list[Document] = pod_of(home, service)["containers"][0]["env"]
    return found


@cache
def settings_of(home: str, service: str) -> dict[str, Any]:
    """What the service reads, with mounted files made here."""
    with tempfile.TemporaryDirectory() as folder:
        return _settings_of(home, service, Path(folder))


def _settings_of(home: str, service: str, folder: Path) -> dict[str, Any]:
    (container,) = pod_of(home, service)["containers"]
    given = dict(re.findall(r"([A-Z_]+)=(\S+)", _image(service)))
    for row in container["env"]:
        given[row["name"]] = row.get("value", "pod-7c9d8f6b5d-abcde")
    for name, value in given.items():
        if value.startswith("/etc/basudara/"):
            file = folder / value.removeprefix("/etc/basudara/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("something")
            given[name] = str(file)
    command = [sys.executable, "-c", READS_ITS_SETTINGS, service]
    done = subprocess.run(command, env=given, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _image(service: str) -> str:
    """The environment that the last stage of the image gives to what runs."""
    last = (ROOT / "services" / service / "Dockerfile").read_text().rsplit("FROM ", 1)[1]
    return "\n".join(line for line in last.splitlines() if line.startswith("ENV "))


def test_two_replicas_are_two_members_of_their_group() -> None:
    for home, service in DEPLOYMENTS:
        (row,) = [one for one in environment(home, service) if one["name"].endswith("_INSTANCE")]
        assert row["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_no_file_holds_a_secret() -> None:
    assert list(of_kind(rendered(), "Secret")) == []
    for home, service in DEPLOYMENTS:
        for row in environment(home, service):
            if re.search(r"PASSWORD|SECRET|CREDENTIAL|TOKEN|_KEY", row["name"]):
                assert "secretKeyRef" in row.get("valueFrom", {}) or row["value"].startswith("/etc/basudara/secrets/")
    phones = [officer.phone for one in agencies().values() for officer in one.staff]
    assert len(phones) > 20
    for file in TRACKED.rglob("*.yaml"):
        text = file.read_text()
        assert [one for one in phones if one in text] == []
        assert re.findall(r"\b[A-Za-z0-9+/_-]{40,}={0,2}(?![\w.-])", _without_names(text)) == []
        assert "PRIVATE KEY" not in text
        assert re.search(r"://[^\s/]*@", text) is None  # a password in an address


def _without_names(text: str) -> str:
    """Names of topics, users and places are long, too: they are words with hyphens, dots and slashes."""
    return re.sub(r"[a-z]+([-./_:@?=&]+[a-z0-9]+)+", "", text)


def test_each_secret_value_comes_from_its_own_place() -> None:
    made = rendered()
    at: dict[str, list[str]] = {}
    for one in of_kind(made, "ExternalSecret"):
        for row in one["spec"]["data"]:
            assert row["remoteRef"]["property"] == "value"
            at.setdefault(row["remoteRef"]["key"], []).append(one["metadata"]["namespace"])
    assert at.pop("basudara/trust") == [one for one in at_homes(made) if one != "basudara-kanwil-maluku"]
    for place, homes in at.items():
        agency = place.split("/")[1]
        broker = ["kafka-basudara"] if place.endswith("/kafka-password") else []
        own = [f"basudara-{agency}"] if named_service(place) else []
        assert sorted(homes) == sorted(broker + own), place


def at_homes(made: tree.Tree) -> list[str]:
    names = chain.from_iterable(made.values())
    return [one["metadata"]["name"] for one in names if one["kind"] == "Namespace" and "kafka" not in str(one)]


def named_service(place: str) -> bool:
    """Not the register's word, nor a foreign subscriber: what they use lies with their owner."""
    return place.split("/")[2] in ("intake", "referral", "training", "notification")
