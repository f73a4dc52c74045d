"""`contracts/readers/`: in step with the services, and nothing in it that is not published."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .catalogue import CONTRACTS, ROOT, SERVICES, heard_by, kinds_of, members, schema_of

READERS = CONTRACTS / "readers"
FILES = sorted(READERS.glob("*/*.json"))
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
each_service = pytest.mark.parametrize("service", SERVICES)


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the tests import no service."""
    command = [sys.executable, "-m", "deploy.basudara.readers", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@each_service
def test_reader_files_are_in_step_with_the_service(service: str) -> None:
    done = tool("--check", service)
    assert done.returncode == 0, done.stdout + done.stderr


@each_service
def test_service_hears_what_its_operations_name(service: str) -> None:
    assert {file.stem for file in FILES if file.parent.name == service} == heard_by(service)


def test_there_are_no_readers_but_services_and_the_subscribers_of_manifests() -> None:
    manifests = [yaml.safe_load(file.read_text()) for file in (ROOT / "deploy" / "agencies").glob("*.yaml")]
    subscribers = {f"{one['agency']}.{row['name']}" for one in manifests for row in one.get("subscribers", [])}
    assert {folder.name for folder in READERS.iterdir() if folder.is_dir()} <= {*SERVICES, *subscribers}


@each_file
def test_every_field_that_is_read_is_published_in_a_form_the_reader_takes(file: Path) -> None:
    document = json.loads(file.read_text())
    assert document.keys() == {"type", "fields"}
    assert document["type"] == file.stem
    published = dict(members(schema_of(file.stem)))
    for path, told in document["fields"].items():
        assert path in published, f"{path} is not published"
        taken = set(told.split("|"))
        assert takes(taken, kinds_of(published[path])), f"{path}: {kinds_of(published[path])} is read as {told}"


def takes(taken: set[str], published: set[str]) -> bool:
    return "any" in taken or published <= (taken | {"integer"} if "number" in taken else taken)


WIRE = """
from typing import ClassVar, Literal
from pydantic import AwareDatetime, BaseModel
from chassis.wire import Heard, Said

class Unit(BaseModel):
    critical: bool

class Common(Heard):
    case_ref: str

class Requested(Common):
    TYPE: ClassVar[str] = "id.sample.requested.v1"
    at: AwareDatetime
    field: Literal["A", "B"] | None
    units: list[Unit]
    hours: float

class RequestedAgain(Heard):
    TYPE: ClassVar[str] = "id.sample.requested.v1"
    case_ref: str | None
    days: list[int]

class Told(Said):
    TYPE: ClassVar[str] = "id.sample.told.v1"
    secret: str
"""
SAMPLE: dict[str, Any] = {
    "type": "id.sample.requested.v1",
    "fields": {
        "/at": "string", "/case_ref": "string|null", "/days": "array", "/days/*": "integer", "/field": "string|null",
        "/hours": "number", "/units": "array", "/units/*": "object", "/units/*/critical": "boolean",
    },
}  # fmt: skip


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A checkout with one small service beside the real chassis."""
    for name in ("deploy", "services/chassis"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    package = tmp_path / "services" / "sample" / "src" / "sample"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "wire.py").write_text(WIRE)
    return tmp_path


def run_in(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The tool as it works in another checkout."""
    lines = (
        "import pathlib, sys; from deploy.basudara import derived, readers;"
        "derived.ROOT = pathlib.Path.cwd(); readers.READERS = derived.ROOT / 'contracts' / 'readers';"
        "sys.exit(readers.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", lines, *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)


def test_files_are_written_from_the_models_of_a_service(sample: Path) -> None:
    assert run_in(sample, "--check", "sample").stdout == (
        "contracts/readers/sample/id.sample.requested.v1.json is missing\n"
    )
    assert run_in(sample, "--write", "sample").returncode == 0
    (file,) = (sample / "contracts" / "readers" / "sample").iterdir()
    assert json.loads(file.read_text()) == SAMPLE
    assert run_in(sample, "--check", "sample").returncode == 0


def test_a_field_that_is_no_longer_read_is_noticed(sample: Path) -> None:
    run_in(sample, "--write", "sample")
    wire = sample / "services" / "sample" / "src" / "sample" / "wire.py"
    wire.write_text(WIRE.replace("    hours: float\n", ""))
    done = run_in(sample, "--check", "sample")
    assert done.returncode == 1
    assert done.stdout == "contracts/readers/sample/id.sample.requested.v1.json is not in step with wire.py\n"


def test_an_event_that_is_no_longer_heard_is_noticed(sample: Path) -> None:
    run_in(sample, "--write", "sample")
    left = sample / "contracts" / "readers" / "sample" / "id.sample.gone.v1.json"
    left.write_text("{}\n")
    assert "is heard no longer" in run_in(sample, "--check", "sample").stdout
    run_in(sample, "--write", "sample")
    assert not left.exists()


def test_a_service_without_a_wire_module_cannot_be_checked(sample: Path) -> None:
    (sample / "services" / "sample" / "src" / "sample" / "wire.py").unlink()
    assert run_in(sample, "--check", "sample").returncode == 2
