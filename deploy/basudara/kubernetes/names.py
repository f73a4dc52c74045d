"""What Kubernetes lets a thing be called. No schema says it: a server would refuse it only when it is applied."""

import re
from collections.abc import Iterator, Mapping

from deploy.basudara.kubernetes.places import Document

_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
LABEL, SUBDOMAIN = re.compile(_PART), re.compile(rf"{_PART}(\.{_PART})*")
SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
POD_SUFFIX = 17  # what a Deployment's pod has behind its name: -xxxxxxxxxx-xxxxx
RULES = {  # kind -> pattern, longest
    "Namespace": (LABEL, 63),
    "Service": (SERVICE, 63),
    "Deployment": (LABEL, 40 - POD_SUFFIX),  # a service's setting `instance` holds the pod's name: 40 at most
    "KafkaTopic": (SUBDOMAIN, 249),  # Kafka's own limit
}
ANY = (SUBDOMAIN, 253)


def breaches(document: Document) -> Iterator[str]:
    """Each as "where: what"."""
    metadata = document["metadata"]
    pattern, longest = RULES.get(document["kind"], ANY)
    yield from _named("metadata.name", str(metadata.get("name", "")), pattern, longest)
    if "namespace" in metadata:
        yield from _named("metadata.namespace", metadata["namespace"], LABEL, 63)
    for where, labels in _labels(document, ""):
        for key, value in labels.items():
            yield from _named(f"{where}.{key}", value, VALUE, 63)


def _named(where: str, name: str, pattern: re.Pattern[str], longest: int) -> Iterator[str]:
    if not pattern.fullmatch(name):
        yield f"{where}: {name!r} is no name that Kubernetes takes"
    if len(name) > longest:
        yield f"{where}: {name!r} has {len(name)} characters, {longest} at most"


def _labels(part: object, where: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """All that are given or asked for, wherever they stand."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from _labels(one, f"{where}.{number}")
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("labels", "matchLabels"):
                yield f"{where}.{key}".lstrip("."), value
            else:
                yield from _labels(value, f"{where}.{key}")
