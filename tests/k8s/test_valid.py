"""What is rendered is what lies in the repository, and what the published schemas and the other resources allow."""

import yaml

from deploy.basudara.kubernetes import tree
from tests.k8s.example import TRACKED, rendered

KINDS = {  # five agencies; seven services of four of them, two passwords each; nine broker users
    "ConfigMap": 5,  # of those who ask partners: three trainings, two notifications
    "Deployment": 7,
    "ExternalSecret": 20,  # 9 broker users, 7 services, 4 agencies' trusted authorities
    "Kafka": 1,
    "KafkaNodePool": 2,
    "KafkaTopic": 33,
    "KafkaUser": 9,
    "Namespace": 6,
    "NetworkPolicy": 35,
    "PodDisruptionBudget": 7,
    "Service": 7,
    "ServiceAccount": 7,
}


def test_the_tracked_files_are_in_step() -> None:
    """If not: `basudara render k8s`."""
    assert tree.out_of_step(rendered(), TRACKED) == []


def test_the_tracked_files_are_what_their_schemas_allow() -> None:
    read: tree.Tree = {}
    for file in sorted(TRACKED.rglob("*.yaml")):
        read[file.relative_to(TRACKED).as_posix()] = list(yaml.safe_load_all(file.read_text()))
    counted = dict(sorted(tree.kinds(read).items()))
    print(counted)
    assert counted == KINDS
    assert tree.findings(read) == []
