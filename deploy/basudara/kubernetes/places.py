"""Names that all resources agree on: namespaces, labels, addresses. Nothing else makes one of these."""

from typing import Any

Document = dict[str, Any]

CLUSTER = "basudara"  # of Kafka, and of each agency's MongoDB
BROKER = "kafka-basudara"  # no agency's namespace begins so
BROKER_PORT, STORE_PORT, DOOR_PORT, TLS_PORT, DNS_PORT = 9093, 27017, 8080, 443, 53
STORE_REPLICA_SET = "rs0"
NAME, PART, AGENCY = "app.kubernetes.io/name", "app.kubernetes.io/part-of", "basudara.id/agency"
NAMESPACE = "kubernetes.io/metadata.name"  # set by Kubernetes itself: nobody can give it to another namespace


def home(agency: str) -> str:
    """The namespace of an agency's services."""
    return f"basudara-{agency}"


def store(agency: str) -> str:
    """The namespace of an agency's MongoDB."""
    return f"mongodb-{agency}"


def kafka() -> str:
    return f"{CLUSTER}-kafka-bootstrap.{BROKER}.svc:{BROKER_PORT}"


def mongo(agency: str) -> str:
    host = f"{CLUSTER}-{STORE_REPLICA_SET}.{store(agency)}.svc.cluster.local"
    return f"mongodb://{host}:{STORE_PORT}/?replicaSet={STORE_REPLICA_SET}&tls=true"


def door(agency: str, service: str) -> str:
    return f"http://{service}.{home(agency)}.svc:{DOOR_PORT}"


def kept_at(agency: str, service: str, key: str) -> str:
    """Where a secret value lies in the secret store."""
    return f"basudara/{agency}/{service}/{key}"


def labels(agency: str, service: str) -> dict[str, str]:
    return {NAME: service, PART: CLUSTER, AGENCY: agency}


def resource(version: str, kind: str, name: str, namespace: str | None = None, **more: Any) -> Document:
    """`more`: labels, and the members beside metadata."""
    metadata: Document = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if "labels" in more:
        metadata["labels"] = more.pop("labels")
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def external_secret(name: str, namespace: str, store_name: str, values: dict[str, str]) -> Document:
    """A Secret filled from the secret store. `values`: key in the Secret -> where its value lies."""
    data = [
        {"secretKey": key, "remoteRef": {"key": where, "property": "value"}} for key, where in sorted(values.items())
    ]
    spec = {
        "refreshInterval": "1h0m0s",
        "secretStoreRef": {"kind": "SecretStore", "name": store_name},
        "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": data,
    }
    return resource("external-secrets.io/v1", "ExternalSecret", name, namespace, spec=spec)
