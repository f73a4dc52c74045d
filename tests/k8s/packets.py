"""What a cluster's network would let through: NetworkPolicies as Kubernetes reads them, and nothing of our renderer."""

from dataclasses import dataclass
from typing import Any

from deploy.basudara.kubernetes.tree import Tree
from tests.k8s.example import of_kind

Document = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    namespace: str
    labels: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return f"{self.namespace.removeprefix('basudara-')}/{dict(self.labels)['app.kubernetes.io/name']}"


def pods(made: Tree) -> list[Pod]:
    found = []
    for one in of_kind(made, "Deployment"):
        labels = one["spec"]["template"]["metadata"]["labels"]
        found.append(Pod(one["metadata"]["namespace"], tuple(labels.items())))
    return found


def let_through(made: Tree, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
    """Both sides have to let it: the one that sends, and the one that is sent to."""
    return may_send(made, source, target, port, protocol) and may_hear(made, source, target, port, protocol)


def may_send(made: Tree, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
    return _allowed(made, source, target, "egress", "to", port, protocol)


def may_hear(made: Tree, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
    return _allowed(made, target, source, "ingress", "from", port, protocol)


def _allowed(made: Tree, pod: Pod, peer: Pod, way: str, side: str, port: int, protocol: str) -> bool:
    """A pod that no policy picks for this way is open; one that is picked needs a rule."""
    picked = False
    for policy in of_kind(made, "NetworkPolicy"):
        spec = policy["spec"]
        if policy["metadata"]["namespace"] != pod.namespace or not _picks(spec["podSelector"], dict(pod.labels)):
            continue
        picked = picked or way.capitalize() in spec["policyTypes"]
        for rule in spec.get(way, []):
            ports = {(one["port"], one["protocol"]) for one in rule["ports"]}
            if (port, protocol) in ports and any(_is(one, peer, pod.namespace) for one in rule[side]):
                return True
    return not picked


def _is(peer: Document, pod: Pod, home: str) -> bool:
    if "ipBlock" in peer:
        return False
    inside = {"kubernetes.io/metadata.name": pod.namespace}
    near = _picks(peer["namespaceSelector"], inside) if "namespaceSelector" in peer else pod.namespace == home
    return near and _picks(peer.get("podSelector", {}), dict(pod.labels))


def _picks(selector: Document, labels: dict[str, str]) -> bool:
    """An empty selector picks everything."""
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    rows = selector.get("matchExpressions", [])
    assert all(row["operator"] == "In" for row in rows)
    return all(labels.get(row["key"]) in row["values"] for row in rows)
