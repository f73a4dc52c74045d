"""The namespace of one agency: its services, their secrets by reference, and who may reach them."""

from collections.abc import Iterable

from deploy.basudara.kubernetes import network, places, secret_keys
from deploy.basudara.kubernetes.places import AGENCY, Document, external_secret, resource
from deploy.basudara.kubernetes.values import Values
from deploy.basudara.kubernetes.workload import TRUSTED, service_resources
from deploy.basudara.manifests import Agency, Agreement

Pairs = frozenset[tuple[str, str]]  # (sender, trainer)


def card_pairs(agencies: Iterable[Agency], agreements: Iterable[Agreement]) -> Pairs:
    """(sender, trainer): the trainer's training may ask the sender's intake for a participant card."""
    runs = {one.agency: one.services for one in agencies}
    found = set()
    for one in agreements:
        named = {role: [party.agency for party in one.parties if party.role == role] for role in ("SENDER", "TRAINER")}
        if one.kind == "TECHNICAL":
            found |= {(sender, trainer) for sender in named["SENDER"] for trainer in named["TRAINER"]}
    return frozenset(
        (sender, trainer)
        for sender, trainer in found
        if "intake" in runs.get(sender, ()) and "training" in runs.get(trainer, ())
    )


def agency_files(agency: Agency, pairs: Pairs, values: Values) -> dict[str, list[Document]]:
    """By the name of the file, in the order in which they are to be applied."""
    code, services = agency.agency, frozenset(agency.services)
    senders = sorted(sender for sender, trainer in pairs if trainer == code)
    trainers = sorted(trainer for sender, trainer in pairs if sender == code)
    policies = list(network.policies(code, services, values))
    if senders:
        policies.append(network.cards_asked(code, senders))
    if trainers:
        policies.append(network.cards(code, trainers))
    files = {"0-namespace.yaml": [namespace(places.home(code), code)], "1-network.yaml": policies}
    if services:
        files["2-secrets.yaml"] = _secrets(code, sorted(services), values)
    for service in sorted(services):
        asked = {"training": senders, "notification": [code] if "intake" in services else []}.get(service, [])
        partners = {f"{one}/intake": places.door(one, "intake") for one in asked}
        files[f"{service}.yaml"] = service_resources(code, service, partners, values)
    return files


def namespace(name: str, agency: str | None = None) -> Document:
    """With the strictest of Kubernetes' own standards for pods."""
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    if agency is not None:
        labels[AGENCY] = agency
    return resource("v1", "Namespace", name, labels=labels)


def _secrets(agency: str, services: list[str], values: Values) -> list[Document]:
    home = places.home(agency)
    found = [external_secret("trust", home, values.secret_store, {TRUSTED: "basudara/trust"})]
    for service in services:
        wanted = {key: places.kept_at(agency, service, key) for key in secret_keys.all_keys(service)}
        found.append(external_secret(service, home, values.secret_store, wanted))
    return found
