"""What each service answers, whatever it is asked, is what `contracts/http/` says. All checks of schemathesis are on.

`HTTP_FACES_SECONDS=150` tries each service for so long; without, a few requests for each rule of each operation.
"""

import os
from pathlib import Path

import httpx
import pytest
import yaml

from deploy.basudara.stack import Stack
from tests.http.trying import DOCUMENTS, try_face
from tests.http.world import CANARIES, Face

SERVICES = sorted(file.stem for file in DOCUMENTS.glob("*.yaml"))
SECONDS = os.environ.get("HTTP_FACES_SECONDS", "")
FEW, MANY = 3, 1_000
each_service = pytest.mark.parametrize("service", SERVICES)


@each_service
def test_a_service_shows_the_document_that_is_published(service: str, doors: dict[str, Face]) -> None:
    shown = httpx.get(f"{doors[service].url}/openapi.json", trust_env=False).json()
    assert shown == yaml.safe_load((DOCUMENTS / f"{service}.yaml").read_text())


@each_service
def test_a_service_keeps_to_its_document(service: str, doors: dict[str, Face], stack: Stack, tmp_path: Path) -> None:
    """No 5xx, no status, header, type or schema that is not told, no problem that quotes what was sent."""
    more = ["--max-time", SECONDS] if SECONDS else ["--seed", "1"]
    tried = try_face(doors[service], stack, tmp_path, MANY if SECONDS else FEW, more)
    assert tried.good, tried.said
    assert tried.cases > 200, tried.said
    print(f"{service}: {tried.cases} requests")


def test_no_log_holds_a_canary(stack: Stack, doors: dict[str, Face]) -> None:
    """After all that: the invented name and numbers that were sent at every place that takes a text."""
    logs = "".join(file.read_text(errors="replace") for file in stack.logs.glob("*.log"))
    assert "http.refused" in logs
    assert [canary for canary in CANARIES if str(canary) in logs] == []
