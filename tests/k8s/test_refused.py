"""What is broken is refused: by the published schemas, by the other resources, by what Kubernetes lets be called."""

from collections.abc import Callable
from typing import Any

import pytest

from deploy.basudara.kubernetes import tree
from tests.k8s.example import Document, named, rendered

HOME = "basudara-bapas-ambon"
NAME, CARD_ASKER = "app.kubernetes.io/name", "spec ingress 0 from 0 podSelector matchLabels"


def deployment(made: tree.Tree) -> Document:
    return named(made, "Deployment", "intake")


def container(made: tree.Tree) -> Document:
    found: Document = deployment(made)["spec"]["template"]["spec"]["containers"][0]
    return found


def user(made: tree.Tree) -> Document:
    return named(made, "KafkaUser", "bapas-ambon.intake")


def listener(made: tree.Tree) -> Document:
    found: Document = named(made, "Kafka", "basudara")["spec"]["kafka"]["listeners"][0]
    return found


def topic(made: tree.Tree) -> Document:
    return named(made, "KafkaTopic", "bapas-ambon.intake.case.v1")


def service(made: tree.Tree) -> Document:
    return named(made, "Service", "intake")


def budget(made: tree.Tree) -> Document:
    return named(made, "PodDisruptionBudget", "intake")


def secret(made: tree.Tree) -> Document:
    return named(made, "ExternalSecret", "intake")


def policy(name: str) -> Callable[[tree.Tree], Document]:
    return lambda made: named(made, "NetworkPolicy", name, HOME)


def put(value: object, path: str) -> Callable[[Any], None]:
    """Its steps between blanks."""

    def do(part: Any) -> None:
        *way, last = _steps(path)
        for step in way:
            part = part[step]
        part[last] = value

    return do


def drop(path: str) -> Callable[[Any], None]:
    def do(part: Any) -> None:
        *way, last = _steps(path)
        for step in way:
            part = part[step]
        del part[last]

    return do


def _steps(path: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in path.split()]


UNKNOWN, TYPE, NEEDED = "Additional properties are not allowed", "is not of type", "is a required property"
BROKEN: list[tuple[Callable[[tree.Tree], Document], Callable[[Any], None], str]] = [
    # a member that no schema knows
    (deployment, put(True, "spec surge"), UNKNOWN),
    (deployment, put({}, "status2"), UNKNOWN),
    (container, put(True, "securityContext readOnlyRoot"), UNKNOWN),
    (container, put(1, "livenessProbe httpGet timeout"), UNKNOWN),
    (deployment, put("x", "metadata lables"), UNKNOWN),
    (policy("store"), put([], "spec outgress"), UNKNOWN),
    (user, put([], "spec authorization rules"), UNKNOWN),
    (user, put("x", "spec authorization acls 0 resource pattern"), UNKNOWN),
    (user, put({}, "metadata anotations"), UNKNOWN),
    (listener, put(True, "anonymous"), UNKNOWN),
    (topic, put("1", "spec retention.ms"), UNKNOWN),
    (secret, put("hunter2", "spec data 0 value"), UNKNOWN),
    # a value of the wrong kind
    (deployment, put("two", "spec replicas"), TYPE),
    (container, put("8080", "ports 0 containerPort"), TYPE),
    (container, put("yes", "securityContext allowPrivilegeEscalation"), TYPE),
    (topic, put("6", "spec partitions"), TYPE),
    (topic, put(0, "spec partitions"), "less than the minimum"),
    (user, put("READ", "spec authorization acls 0 operations 0"), "is not one of"),
    (user, put("plain", "spec authentication type"), "is not one of"),
    (listener, put("9093", "port"), TYPE),
    (secret, put("Vault", "spec secretStoreRef kind"), "is not one of"),
    # a member that must be there
    (deployment, drop("spec selector"), NEEDED),
    (deployment, drop("metadata"), NEEDED),
    (container, drop("name"), NEEDED),
    (user, drop("spec"), NEEDED),
    (listener, drop("tls"), NEEDED),
    (secret, drop("spec data 0 remoteRef key"), NEEDED),
    (deployment, put("apps/v2", "apiVersion"), "has no published schema"),
    (topic, put("kafka.strimzi.io/v1beta2", "apiVersion"), "has no published schema"),
    # what does not fit the others
    (deployment, put("other", f"spec template metadata labels {NAME}"), "its own pods do not bear these labels"),
    (service, put("other", f"spec selector {NAME}"), "of 0 Deployments"),
    (service, put("web", "spec ports 0 targetPort"), "no container has a port web"),
    (budget, put({"a": "b"}, "spec selector matchLabels"), "not the pods of one"),
    (policy("cards"), put("intaek", "spec podSelector matchExpressions 0 values 0"), "runs no intaek"),
    (policy("cards"), put("intake", f"{CARD_ASKER} {NAME}"), "basudara-dinkop-ambon runs no intake"),
    (secret, drop("spec data 0"), "intake has no key agency-key"),
    (deployment, put("nobody", "spec template spec serviceAccountName"), "there is no nobody"),
    (deployment, put("basudara-elsewhere", "metadata namespace"), "nothing makes basudara-elsewhere"),
    (deployment, drop("spec template spec volumes 0"), "scratch is not both there and mounted"),
    (user, put("other", "metadata labels strimzi.io/cluster"), "no Kafka is called 'other'"),
    (user, put("*", "spec authorization acls 1 resource name"), "by its whole name"),
    (user, put("prefix", "spec authorization acls 1 resource patternType"), "by its whole name"),
    (user, put("bapas-ambon.intake.case.v2", "spec authorization acls 1 resource name"), "there is no topic"),
    (user, put("other", "spec authentication password valueFrom secretKeyRef name"), "nothing makes other"),
    (topic, put(4, "spec replicas"), "there are 3 brokers"),
    # what Kubernetes does not let a thing be called
    (topic, put("Bapas.case", "metadata name"), "is no name that Kubernetes takes"),
    (deployment, drop("metadata name"), "is no name that Kubernetes takes"),
    (deployment, put("a" * 24, "metadata name"), "24 characters, 23 at most"),
    (deployment, put("-x", "metadata labels app.kubernetes.io/part-of"), "is no name that Kubernetes takes"),
]  # fmt: skip


@pytest.mark.parametrize(("whose", "break_it", "told"), BROKEN)
def test_what_is_broken_is_refused(
    whose: Callable[[tree.Tree], Document], break_it: Callable[[Any], None], told: str
) -> None:
    made = rendered()
    break_it(whose(made))
    found = tree.findings(made)
    assert [line for line in found if told in line], found


def test_two_resources_of_one_name_are_refused() -> None:
    made = rendered()
    made["kafka/3-topics.yaml"].append(topic(made))
    assert [line for line in tree.findings(made) if "two resources have it" in line]


def test_it_is_one_line_with_file_resource_and_place() -> None:
    made = rendered()
    deployment(made)["spec"]["replicas"] = "two"
    (line,) = tree.findings(made)
    assert line.startswith("agencies/bapas-ambon/intake.yaml: Deployment intake: spec.replicas: ")
