"""Who may speak to whom in the cluster: the pairs that are wanted, and nobody else."""

from collections.abc import Callable
from itertools import product

from deploy.basudara.kubernetes import tree
from deploy.basudara.kubernetes.tree import Tree
from deploy.basudara.manifests import Agency, Party
from tests.k8s.example import CATALOGUE, VALUES, agencies, agreements, named, of_kind, rendered
from tests.k8s.packets import Pod, let_through, may_hear, may_send, pods

DOOR = 8080
# By hand: a training asks the intake of whom it has an agreement with; a notification asks its own intake.
PAIRS = {
    ("disnaker-ambon/training", "bapas-ambon/intake"),
    ("dinkop-ambon/training", "bapas-ambon/intake"),
    ("disperindag-ambon/training", "bapas-ambon/intake"),
    ("bapas-ambon/notification", "bapas-ambon/intake"),
}


def broker() -> Pod:
    labels = (("strimzi.io/cluster", "basudara"), ("strimzi.io/name", "basudara-kafka"))
    return Pod("kafka-basudara", labels)


def reached(made: Tree, port: int, by: Callable[[Tree, Pod, Pod, int], bool] = let_through) -> set[tuple[str, str]]:
    every = product(pods(made), repeat=2)
    return {(a.name, b.name) for a, b in every if a != b and by(made, a, b, port)}


def test_services_reach_only_whom_they_are_to_ask() -> None:
    """Either side alone holds to it: neither leans on the other."""
    assert len(pods(rendered())) == 7
    assert reached(rendered(), DOOR) == PAIRS
    assert reached(rendered(), DOOR, may_send) == PAIRS
    assert reached(rendered(), DOOR, may_hear) == PAIRS


def test_a_sender_is_asked_for_cards_only_under_a_technical_agreement() -> None:
    """Another sender, in no agreement; then in an umbrella with all of them."""
    stranger = Agency(agency="elsewhere", name="Elsewhere", services=("intake", "referral"))
    everybody = {**agencies(), stranger.agency: stranger}
    umbrella = next(one for one in agreements() if one.kind == "UMBRELLA")
    wider = umbrella.model_copy(update={"parties": (*umbrella.parties, Party(agency="elsewhere", role="SENDER"))})
    for under in ([], [wider]):
        made = tree.rendered(CATALOGUE, everybody, [*agreements(), *under], VALUES)
        assert reached(made, DOOR) == PAIRS


def test_who_runs_no_intake_is_asked_for_no_card_and_who_runs_no_training_asks_for_none() -> None:
    manifests = agencies()
    manifests["bapas-ambon"] = manifests["bapas-ambon"].model_copy(update={"services": ("referral",)})
    made = tree.rendered(CATALOGUE, manifests, agreements(), VALUES)
    assert tree.findings(made) == []
    assert reached(made, DOOR, may_send) == set()
    manifests = agencies()
    manifests["dinkop-ambon"] = manifests["dinkop-ambon"].model_copy(update={"services": ("notification",)})
    made = tree.rendered(CATALOGUE, manifests, agreements(), VALUES)
    assert tree.findings(made) == []
    assert reached(made, DOOR, may_hear) == PAIRS - {("dinkop-ambon/training", "bapas-ambon/intake")}


def test_no_other_port_is_open_between_services() -> None:
    for port in (22, 80, 443, 8081, 9093, 27017):
        assert reached(rendered(), port) == set()


def test_a_service_reaches_the_broker_its_own_store_and_the_names() -> None:
    made = rendered()
    for one in pods(made):
        own = one.namespace.removeprefix("basudara-")
        stores = {name: Pod(f"mongodb-{name}", ()) for name in ("bapas-ambon", "disnaker-ambon", "dinkop-ambon")}
        stores[own] = Pod(f"mongodb-{own}", ())
        assert may_send(made, one, broker(), 9093)
        assert not may_send(made, one, broker(), 9092)
        assert {name for name, store in stores.items() if may_send(made, one, store, 27017)} == {own}
        assert may_send(made, one, Pod("kube-system", (("k8s-app", "kube-dns"),)), 53, "UDP")
        assert not may_send(made, one, Pod("kube-system", (("component", "kube-apiserver"),)), 443)
        assert not may_send(made, one, Pod("elsewhere", ()), 443)


def test_the_broker_lets_in_only_pods_of_the_agencies() -> None:
    (listener,) = named(rendered(), "Kafka", "basudara")["spec"]["kafka"]["listeners"]
    homes = {one["metadata"]["name"] for one in of_kind(rendered(), "Namespace")} - {"kafka-basudara"}
    peers = listener["networkPolicyPeers"]
    assert {one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in peers} == homes
    for one in peers:
        assert one["podSelector"] == {"matchLabels": {"app.kubernetes.io/part-of": "basudara"}}


def test_doors_are_open_to_the_ingress_and_to_nobody_foreign() -> None:
    made = rendered()
    for one in pods(made):
        assert let_through(made, Pod("ingress", ()), one, DOOR)
        assert not let_through(made, Pod("default", ()), one, DOOR)
        assert not let_through(made, Pod("basudara-stranger", (("app.kubernetes.io/name", "training"),)), one, DOOR)


def test_only_notification_and_the_issuer_go_out_of_the_cluster() -> None:
    out: dict[str, set[str]] = {}
    for policy in of_kind(rendered(), "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            blocks = {one["ipBlock"]["cidr"] for one in rule["to"] if "ipBlock" in one}
            if blocks:
                assert [row["port"] for row in rule["ports"]] == [443]
                out.setdefault(policy["metadata"]["name"], set()).update(blocks)
    assert out == {"issuer": {"192.0.2.10/32"}, "gateway": {"198.51.100.0/28"}}


def test_every_agency_s_namespace_denies_by_default() -> None:
    made = rendered()
    homes = {one["metadata"]["name"] for one in of_kind(made, "Namespace")} - {"kafka-basudara"}
    for home in homes:
        spec = named(made, "NetworkPolicy", "deny-by-default", home)["spec"]
        assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
