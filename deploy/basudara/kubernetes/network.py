"""Who may speak to whom: nobody, but the pairs named here. Pods go by label, namespaces by their own name."""

from collections.abc import Iterable, Iterator

from deploy.basudara.kubernetes import places
from deploy.basudara.kubernetes.places import CLUSTER, DOOR_PORT, NAME, NAMESPACE, PART, Document, resource
from deploy.basudara.kubernetes.values import Networks, Values

EVERYBODY: Document = {}


def policies(agency: str, services: frozenset[str], values: Values) -> Iterator[Document]:
    """What holds for each agency, whoever its partners are."""
    ours = _named(*services)
    yield _policy(agency, "deny-by-default", EVERYBODY, {"policyTypes": ["Ingress", "Egress"]})
    yield _policy(agency, "dns", EVERYBODY, _to([_dns()], places.DNS_PORT, "UDP", "TCP"))
    yield _policy(agency, "broker", {"matchLabels": {PART: CLUSTER}}, _to([_broker()], places.BROKER_PORT))
    if services:
        yield _policy(agency, "store", ours, _to([_namespace(places.store(agency))], places.STORE_PORT))
        yield _policy(agency, "issuer", ours, _to(_blocks(values.issuer_addresses), places.TLS_PORT))
        yield _policy(agency, "doors", ours, _from([_namespace(one) for one in values.doors_from]))
    if "notification" in services:
        gateway = _to(_blocks(values.gateway_addresses), places.TLS_PORT)
        yield _policy(agency, "gateway", _named("notification"), gateway)
    if {"notification", "intake"} <= services:
        intake, notification = _service(agency, "intake"), _service(agency, "notification")
        yield _policy(agency, "contacts-asked", _named("notification"), _to([intake], DOOR_PORT))
        yield _policy(agency, "contacts", _named("intake"), _from([notification]))


def cards_asked(agency: str, senders: Iterable[str]) -> Document:
    """This agency's training may ask these agencies' intake for a participant card."""
    return _policy(
        agency, "cards-asked", _named("training"), _to([_service(one, "intake") for one in senders], DOOR_PORT)
    )


def cards(agency: str, trainers: Iterable[str]) -> Document:
    """The other side of it."""
    return _policy(agency, "cards", _named("intake"), _from([_service(one, "training") for one in trainers]))


def broker_peers(agencies: Iterable[str]) -> list[Document]:
    """Who may reach the broker's listener. Strimzi makes the policy, as it does for all its own pods."""
    return [_pods(places.home(one), {PART: CLUSTER}) for one in agencies]


def _policy(agency: str, name: str, pods: Document, what: Document) -> Document:
    spec = {"podSelector": pods, **what}
    return resource("networking.k8s.io/v1", "NetworkPolicy", name, places.home(agency), spec=spec)


def _to(peers: list[Document], port: int, *protocols: str) -> Document:
    ports = [{"protocol": one, "port": port} for one in protocols or ("TCP",)]
    return {"policyTypes": ["Egress"], "egress": [{"to": peers, "ports": ports}]}


def _from(peers: list[Document]) -> Document:
    ports = [{"protocol": "TCP", "port": DOOR_PORT}]
    return {"policyTypes": ["Ingress"], "ingress": [{"from": peers, "ports": ports}]}


def _named(*services: str) -> Document:
    return {"matchExpressions": [{"key": NAME, "operator": "In", "values": sorted(services)}]}


def _namespace(name: str) -> Document:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE: name}}}


def _pods(namespace: str, labels: dict[str, str]) -> Document:
    return {**_namespace(namespace), "podSelector": {"matchLabels": labels}}


def _service(agency: str, service: str) -> Document:
    return _pods(places.home(agency), {NAME: service})


def _broker() -> Document:
    return _pods(places.BROKER, {"strimzi.io/cluster": CLUSTER, "strimzi.io/name": f"{CLUSTER}-kafka"})


def _dns() -> Document:
    return _pods("kube-system", {"k8s-app": "kube-dns"})


def _blocks(networks: Networks) -> list[Document]:
    return [{"ipBlock": {"cidr": str(one)}} for one in networks]
