"""Kafka by Strimzi: the cluster, every topic of the catalogue, every user with exactly the rights it is to have."""

from collections.abc import Iterable
from itertools import groupby

from chassis.catalogue import Channel
from deploy.basudara.kubernetes import network, places
from deploy.basudara.kubernetes.agency import namespace
from deploy.basudara.kubernetes.places import BROKER, CLUSTER, Document, external_secret, resource
from deploy.basudara.kubernetes.values import Values
from deploy.basudara.rights import QUOTAS, Acl, Installation, User

VERSION = "kafka.strimzi.io/v1"
KAFKA = "4.3.1"  # as deploy/local runs it
REPLICAS, IN_SYNC = 3, 2
OF_CLUSTER = {"strimzi.io/cluster": CLUSTER}
HARDENED = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def broker_files(wanted: Installation, values: Values) -> dict[str, list[Document]]:
    agencies = sorted({user.agency for user in wanted.users})
    return {
        "0-namespace.yaml": [namespace(BROKER)],
        "1-passwords.yaml": [_password(user, values) for user in wanted.users],
        "2-cluster.yaml": [_kafka(agencies), _pool("controller", values), _pool("broker", values)],
        "3-topics.yaml": [_topic(name, channel) for name, channel in sorted(wanted.topics.items())],
        "4-users.yaml": [_user(user) for user in wanted.users],
    }


def _kafka(agencies: Iterable[str]) -> Document:
    replication = {"offsets.topic": REPLICAS, "transaction.state.log": REPLICAS, "default": REPLICAS}
    config = {
        "auto.create.topics.enable": False,
        **{f"{name}.replication.factor": count for name, count in replication.items()},
        "transaction.state.log.min.isr": IN_SYNC,
        "min.insync.replicas": IN_SYNC,
        "unclean.leader.election.enable": False,
    }
    container = {"securityContext": HARDENED}
    operators = {f"{name}OperatorContainer": container for name in ("topic", "user")}
    small = {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}
    kafka = {
        "version": KAFKA,
        # the only way in: without a user there is none
        "listeners": [
            {
                "name": "services",
                "port": places.BROKER_PORT,
                "type": "internal",
                "tls": True,
                "authentication": {"type": "scram-sha-512"},
                "networkPolicyPeers": network.broker_peers(agencies),
            }
        ],
        "authorization": {"type": "simple"},  # what no rule allows is denied
        "config": config,
        "template": {"kafkaContainer": container},
    }
    entities = {"topicOperator": {"resources": small}, "userOperator": {"resources": small}, "template": operators}
    return resource(VERSION, "Kafka", CLUSTER, BROKER, spec={"kafka": kafka, "entityOperator": entities})


def _pool(role: str, values: Values) -> Document:
    """Brokers and controllers apart: a broker under load holds up no election."""
    memory, heap, size = ("2Gi", "1g", values.storage_gib) if role == "broker" else ("1Gi", "512m", 10)
    volume: Document = {"type": "persistent-claim", "size": f"{size}Gi", "deleteClaim": False}
    if values.storage_class is not None:
        volume["class"] = values.storage_class
    picks = {"matchLabels": {**OF_CLUSTER, "strimzi.io/pool-name": f"{role}s"}}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": picks,
    }
    spec = {
        "replicas": REPLICAS,
        "roles": [role],
        "storage": {"type": "jbod", "volumes": [{"id": 0, "kraftMetadata": "shared", **volume}]},
        "resources": {"requests": {"cpu": "250m", "memory": memory}, "limits": {"memory": memory}},
        "jvmOptions": {"-Xms": heap, "-Xmx": heap},
        "template": {"pod": {"topologySpreadConstraints": [spread]}},
    }
    return resource(VERSION, "KafkaNodePool", f"{role}s", BROKER, labels=OF_CLUSTER, spec=spec)


def _topic(name: str, channel: Channel) -> Document:
    """Partitions and retention as the catalogue says; how many copies is this cluster's."""
    config = {**channel.configuration, "min.insync.replicas": str(IN_SYNC)}
    spec = {"partitions": channel.partitions, "replicas": REPLICAS, "config": config}
    return resource(VERSION, "KafkaTopic", name, BROKER, labels=OF_CLUSTER, spec=spec)


def _user(user: User) -> Document:
    password = {"secretKeyRef": {"name": password_of(user.name), "key": "kafka-password"}}
    grouped = groupby(sorted(user.acls, key=_what_then_how), key=lambda acl: _what_then_how(acl)[:3])
    spec = {
        "authentication": {"type": "scram-sha-512", "password": {"valueFrom": password}},
        "authorization": {"type": "simple", "acls": [_rule(list(some)) for _, some in grouped]},
        "quotas": QUOTAS,
    }
    return resource(VERSION, "KafkaUser", user.name, BROKER, labels=OF_CLUSTER, spec=spec)


def _what_then_how(acl: Acl) -> tuple[str, str, bool, str]:
    return acl.kind, acl.name, acl.prefixed, acl.operation


def _rule(acls: list[Acl]) -> Document:
    """All that is allowed on one topic or group."""
    what, pattern = acls[0], "prefix" if acls[0].prefixed else "literal"
    return {
        "type": "allow",
        "resource": {"type": what.kind.lower(), "name": what.name, "patternType": pattern},
        "operations": [acl.operation.title().replace("_", "") for acl in acls],
    }


def password_of(user: str) -> str:
    """Strimzi puts a Secret under the user's own name: ours has one dot more than any user can have."""
    return f"{user}.password"


def _password(user: User, values: Values) -> Document:
    where = places.kept_at(user.agency, user.service, "kafka-password")
    return external_secret(password_of(user.name), BROKER, values.secret_store, {"kafka-password": where})
