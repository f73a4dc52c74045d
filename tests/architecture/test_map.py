"""The map of the house style: who may import whom. Services, chassis and deploy are held apart by import-linter."""

import ast
import sys

import pytest

from tests.architecture.tree import ROOT, SERVICES, imports, python_files, within

# What each layer of a service may import, besides the standard library. `{own}` is the service's own package.
PURE = ("chassis.errors", "chassis.machine", "chassis.calendar")
MAY_IMPORT = {
    "domain": (*PURE, "{own}.domain"),
    "application": (*PURE, "chassis.ids", "chassis.work", "{own}.domain", "{own}.application", "{own}.wire"),
    "wire": ("pydantic", "chassis.wire", "{own}.domain"),
    "settings": ("pydantic", "pydantic_settings", "chassis.settings", "chassis.calendar", "{own}.domain"),
}
DRIVERS = ("motor", "pymongo", "bson")
BROKER = ("aiokafka", "faststream", "confluent_kafka")
FEW = ("consuming", "polling", "positions", "restored", "running", "outbox", "login", "testing")
MAY_SPEAK_KAFKA = {f"services/chassis/src/chassis/{name}.py" for name in FEW}
NOT_PURE = ("time", "random", "asyncio", "logging", "os", "socket", "subprocess", "pathlib", "secrets")
ALL_MODULES = [name for service in SERVICES for name in python_files(f"services/{service}/src/")]


def layer_of(name: str) -> tuple[str, str]:
    """(service, layer) of a source file: the folder or module right under the package."""
    _, service, _, _, *rest = name.split("/")
    return service, rest[0].removesuffix(".py")


def layered(layer: str) -> list[str]:
    return [name for name in ALL_MODULES if layer_of(name)[1] == layer]


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_what_the_map_allows(layer: str) -> None:
    strange = []
    for name in layered(layer):
        own = layer_of(name)[0]
        allowed = [one.format(own=own) for one in MAY_IMPORT[layer]]
        bare = {"chassis", own}  # `from chassis import ids`: the member itself is judged
        for module in imports(name) - bare:
            if module.split(".")[0] not in sys.stdlib_module_names and not within(module, *allowed):
                strange.append(f"{name}: {module}")
    assert layered(layer), "the map names a layer that no service has"
    assert not strange


def test_a_domain_has_no_clock_no_chance_and_no_outside() -> None:
    strange = []
    for name in layered("domain"):
        strange += [f"{name}: {one}" for one in imports(name) if within(one, *NOT_PURE)]
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
                strange.append(f"{name}:{node.lineno}: asks the clock")
            if isinstance(node, ast.Await | ast.AsyncFunctionDef):
                strange.append(f"{name}:{node.lineno}: waits")
    assert strange == []


def test_only_the_chassis_database_knows_the_mongo_driver() -> None:
    found = {name for name in python_files("services/") if any(within(one, *DRIVERS) for one in imports(name))}
    assert found == {"services/chassis/src/chassis/database.py"}


def test_only_a_few_files_of_the_chassis_speak_kafka() -> None:
    found = {
        name
        for name in python_files("services/")
        if "/tests/" not in name and any(within(one, *BROKER) for one in imports(name))
    }
    assert found == MAY_SPEAK_KAFKA


def test_only_adapters_call_other_systems_by_http() -> None:
    found = [
        name
        for name in ALL_MODULES
        if any(within(one, "httpx", "requests", "urllib.request", "http.client") for one in imports(name))
    ]
    assert [name for name in found if layer_of(name)[1] != "adapters"] == []


def test_system_tests_import_no_service() -> None:
    """They speak HTTP and Kafka, and read files. The bench alone measures a service from within."""
    found = [name for name in python_files("tests/") if any(within(one, *SERVICES) for one in imports(name))]
    assert [name for name in found if not name.startswith("tests/performance/")] == []
