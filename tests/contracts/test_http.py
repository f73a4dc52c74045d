"""`contracts/http/`: in step with the services, and nothing in it that is not told."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .catalogue import CONTRACTS, ROOT, SERVICES

FACES = CONTRACTS / "http"
each_service = pytest.mark.parametrize("service", SERVICES)


def tool(*arguments: str, checkout: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the tests import no service."""
    lines = (
        "import pathlib, sys; from deploy.basudara import http_faces;"
        "http_faces.FACES = pathlib.Path.cwd() / 'contracts' / 'http'; sys.exit(http_faces.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", lines, *arguments]
    env = {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, timeout=60, check=False)


def operations(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    document = yaml.safe_load((FACES / f"{service}.yaml").read_text())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_documents_are_in_step_with_the_routes() -> None:
    done = tool("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_document_for_each_service_and_no_other() -> None:
    assert {file.name for file in FACES.iterdir()} == {f"{service}.yaml" for service in SERVICES}


@each_service
def test_every_operation_says_what_it_does_and_how_it_refuses(service: str) -> None:
    for name, operation in operations(service):
        assert operation["description"], name
        if "health" in operation["tags"]:
            continue
        assert operation["security"], name
        told = operation["responses"]
        assert {"401", "413", "422", "503"} <= told.keys(), name
        refused = {status: one for status, one in told.items() if status >= "4"}
        assert refused == {status: {"$ref": f"#/components/responses/Refused{status}"} for status in refused}, name


@each_service
def test_every_text_that_is_sent_has_a_bound(service: str) -> None:
    """A body may be as long as the door allows; each of its texts says how long it may be."""
    schemas = yaml.safe_load((FACES / f"{service}.yaml").read_text())["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Body") or name in ("Corrections", "CertificateMove", "CohortMove", "EnrolmentMove"):
            for text in texts(schema):
                assert text.keys() & {"maxLength", "pattern", "enum", "format", "const"}, (name, text)


def texts(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "string":
            yield schema
        for member in schema.values():
            yield from texts(member)
    elif isinstance(schema, list):
        for member in schema:
            yield from texts(member)


def test_a_document_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    assert tool("--write", "referral", checkout=tmp_path).returncode == 0
    file = tmp_path / "contracts" / "http" / "referral.yaml"
    assert file.read_bytes() == (FACES / "referral.yaml").read_bytes(), "the same wherever it is written"
    file.write_text(file.read_text().replace("const: 409", "const: 410", 1))
    done = tool("--check", "referral", checkout=tmp_path)
    assert (done.returncode, done.stdout) == (
        1,
        "contracts/http/referral.yaml is not in step with the routes of referral\n",
    )
    file.unlink()
    assert tool("--check", "referral", checkout=tmp_path).stdout == "contracts/http/referral.yaml is missing\n"


def test_what_is_no_service_cannot_be_checked() -> None:
    done = tool("--check", "nobody")
    assert (done.returncode, done.stdout) == (2, "nobody: no module nobody\n")
