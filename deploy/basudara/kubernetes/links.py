"""Whether resources fit together: what one of them names by label, name or key, another one is or has."""

from collections.abc import Iterable, Iterator
from functools import cached_property

from deploy.basudara.kubernetes.places import NAME, NAMESPACE, Document

Labels = dict[str, str]

CLUSTER_LABEL = "strimzi.io/cluster"


class Links:
    """All resources of one rendering, so that each can be held against the others. Each is of a right shape."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._all = list(documents)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str | None, str], Document]:
        return {_key(one): one for one in self._all}

    @cached_property
    def _namespaces(self) -> set[str]:
        return {one["metadata"]["name"] for one in self._of("Namespace")}

    def breaches(self, document: Document) -> Iterator[str]:
        """Each as "where: what"."""
        namespace = document["metadata"].get("namespace")
        if namespace is not None and namespace not in self._namespaces:
            yield f"metadata.namespace: nothing makes {namespace}"
        if sum(_key(one) == _key(document) for one in self._all) > 1:
            yield "metadata.name: two resources have it"
        check = {
            "Deployment": self._deployment,
            "Service": self._service,
            "PodDisruptionBudget": self._budget,
            "NetworkPolicy": self._policy,
            "KafkaNodePool": self._of_cluster,
            "KafkaTopic": self._topic,
            "KafkaUser": self._user,
        }.get(document["kind"])
        if check is not None:
            yield from check(document)

    def _of(self, kind: str, namespace: str | None = None) -> list[Document]:
        return [one for one in self._all if one["kind"] == kind and one["metadata"].get("namespace") == namespace]

    def _has(self, kind: str, like: Document, name: str) -> Document | None:
        """Of this kind, in the namespace of `like`."""
        return self._by_name.get((kind, like["metadata"]["namespace"], name))

    def _picked(self, like: Document, labels: Labels) -> list[Document]:
        """Pods' templates in the namespace of `like` that bear these labels."""
        found = self._of("Deployment", like["metadata"]["namespace"])
        return [one for one in found if labels.items() <= _labels(one).items()]

    def _deployment(self, document: Document) -> Iterator[str]:
        spec, pod = document["spec"], document["spec"]["template"]["spec"]
        if not spec["selector"].get("matchLabels", {}).items() <= _labels(document).items():
            yield "spec.selector: its own pods do not bear these labels"
        for one in pod.get("topologySpreadConstraints", []):
            if not one["labelSelector"]["matchLabels"].items() <= _labels(document).items():
                yield "topologySpreadConstraints: its own pods do not bear these labels"
        if self._has("ServiceAccount", document, pod["serviceAccountName"]) is None:
            yield f"serviceAccountName: there is no {pod['serviceAccountName']}"
        volumes = {one["name"]: one for one in pod["volumes"]}
        for volume in volumes.values():
            yield from self._volume(document, volume)
        for container in pod["containers"]:
            mounted = {one["name"] for one in container["volumeMounts"]}
            for name in sorted(mounted ^ set(volumes)):
                yield f"volumes: {name} is not both there and mounted"
            for row in container["env"]:
                if (asked := row.get("valueFrom", {}).get("secretKeyRef")) is not None:
                    yield from self._secret(document, asked["name"], [asked["key"]])

    def _volume(self, document: Document, volume: Document) -> Iterator[str]:
        if (secret := volume.get("secret")) is not None:
            yield from self._secret(document, secret["secretName"], [one["key"] for one in secret.get("items", [])])
        if (config := volume.get("configMap")) is not None and not self._has("ConfigMap", document, config["name"]):
            yield f"volumes: there is no ConfigMap {config['name']}"

    def _secret(self, document: Document, name: str, keys: list[str]) -> Iterator[str]:
        made = self._has("ExternalSecret", document, name)
        if made is None:
            yield f"secret: nothing makes {name}"
            return
        for key in sorted(set(keys) - {one["secretKey"] for one in made["spec"]["data"]}):
            yield f"secret: {name} has no key {key}"

    def _service(self, document: Document) -> Iterator[str]:
        behind = self._picked(document, document["spec"]["selector"])
        if len(behind) != 1:
            yield f"spec.selector: the pods of {len(behind)} Deployments bear these labels"
            return
        containers = behind[0]["spec"]["template"]["spec"]["containers"]
        named = {port["name"] for container in containers for port in container["ports"]}
        for port in document["spec"]["ports"]:
            if port["targetPort"] not in named:
                yield f"spec.ports: no container has a port {port['targetPort']}"

    def _budget(self, document: Document) -> Iterator[str]:
        if len(self._picked(document, document["spec"]["selector"]["matchLabels"])) != 1:
            yield "spec.selector: not the pods of one Deployment"

    def _policy(self, document: Document) -> Iterator[str]:
        spec, home = document["spec"], document["metadata"]["namespace"]
        yield from self._runs(home, spec["podSelector"], "spec.podSelector")
        for way, peers in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(way, []):
                for peer in rule[peers]:
                    where = peer.get("namespaceSelector", {}).get("matchLabels", {}).get(NAMESPACE, home)
                    yield from self._runs(where, peer.get("podSelector", {}), f"spec.{way}")

    def _runs(self, namespace: str, selector: Document, where: str) -> Iterator[str]:
        """Services that a policy names do run. What lies in other namespaces is not ours to know."""
        named = {*filter(None, [selector.get("matchLabels", {}).get(NAME)])}
        for one in selector.get("matchExpressions", []):
            named |= set(one["values"]) if one["key"] == NAME else set()
        for service in sorted(named if namespace in self._namespaces else ()):
            if ("Deployment", namespace, service) not in self._by_name:
                yield f"{where}: {namespace} runs no {service}"

    def _of_cluster(self, document: Document) -> Iterator[str]:
        cluster = document["metadata"].get("labels", {}).get(CLUSTER_LABEL, "")
        if self._has("Kafka", document, cluster) is None:
            yield f"metadata.labels: no Kafka is called {cluster!r}"

    def _topic(self, document: Document) -> Iterator[str]:
        yield from self._of_cluster(document)
        pools = self._of("KafkaNodePool", document["metadata"]["namespace"])
        brokers = sum(one["spec"]["replicas"] for one in pools if "broker" in one["spec"]["roles"])
        if document["spec"]["replicas"] > brokers:
            yield f"spec.replicas: there are {brokers} brokers"

    def _user(self, document: Document) -> Iterator[str]:
        yield from self._of_cluster(document)
        asked = document["spec"]["authentication"]["password"]["valueFrom"]["secretKeyRef"]
        yield from self._secret(document, asked["name"], [asked["key"]])
        for rule in document["spec"]["authorization"]["acls"]:
            what = rule["resource"]
            if what["name"] == "*" or (what["type"], what["patternType"]) == ("topic", "prefix"):
                yield f"spec.authorization: {what['name']}: a topic is allowed by its whole name"
            elif what["type"] == "topic" and self._has("KafkaTopic", document, what["name"]) is None:
                yield f"spec.authorization: there is no topic {what['name']}"


def _key(document: Document) -> tuple[str, str | None, str]:
    return document["kind"], document["metadata"].get("namespace"), document["metadata"]["name"]


def _labels(deployment: Document) -> Labels:
    found: Labels = deployment["spec"]["template"]["metadata"]["labels"]
    return found
