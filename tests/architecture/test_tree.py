"""What holds for every tracked file: sizes, names, addresses, and a README that tells the truth."""

import ast
import re
from pathlib import PurePosixPath

import pytest
import yaml

from tests.architecture.tree import ROOT, SERVICES, python_files, text, tracked

FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES = 400, 510, 45  # "about 300 and 30": the house style, with its allowance
DATA = ("tests/contracts/data/", "deploy/demo/data/")
TEXT_LIKE = (".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".in", ".sh", ".xml", ".csv", ".conf")
REGISTRY_HOSTS = (
    r"pypi\.org", r"pythonhosted\.org", r"npmjs\.(org|com)", r"repo1?\.maven", r"maven\.org", r"apache\.org/maven2",
    r"docker\.io", r"ghcr\.io", r"quay\.io", r"gcr\.io", r"proxy\.golang\.org", r"crates\.io", r"artifactory",
)  # fmt: skip
HOMES = (r"/home/[a-z]", r"/root\b", r"/Users/[A-Za-z]", r"/tmp\b")  # noqa: S108 - looked for, not used
MACHINE_PATHS = (*HOMES, rf"(?<![\w./-]){re.escape(str(ROOT))}\b")  # wherever this checkout lies


def code_files() -> list[str]:
    """What runs: services' sources and the operator's command; not the example's data and stories."""
    kinds = (".py", ".yaml", ".json", ".toml")
    services = [name for name in tracked() if re.match(r"services/[a-z]+/src/", name) and name.endswith(kinds)]
    operator = [name for name in python_files("deploy/") if not name.startswith("deploy/demo/")]
    return services + [name for name in operator if "/tests/" not in name]


def example_names() -> set[str]:
    """Codes and titles of every agency in the shipped manifests."""
    found: set[str] = set()
    for name in tracked():
        if re.fullmatch(r"deploy/agencies/[a-z-]+\.yaml", name):
            manifest = yaml.safe_load((ROOT / name).read_text())
            found |= {manifest["agency"], manifest["name"]}
    return found


def lines_with(patterns: tuple[str, ...], names: list[str]) -> list[str]:
    wanted = re.compile("|".join(patterns), re.IGNORECASE)
    found = []
    for name in names:
        for number, line in enumerate((text(name) or "").splitlines(), start=1):
            if wanted.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    return found


def test_no_agency_of_the_example_is_named_in_code() -> None:
    names = example_names()
    assert len(names) >= 10
    assert lines_with(tuple(re.escape(name) for name in names), code_files()) == []


def test_no_town_of_the_example_is_named_in_code() -> None:
    """More than one regional government from day one: no code may assume one. Docstrings may name a source's."""
    named = []
    for name in code_files():
        if not name.endswith(".py"):
            continue
        tree = ast.parse((ROOT / name).read_text())
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            held = node.value if isinstance(node, ast.Constant) and id(node) not in told else None
            if isinstance(held, str) and re.search(r"\b(ambon|maluku)\b", held, re.IGNORECASE):
                named.append(f"{name}: {held[:60]}")
    assert named == []


@pytest.mark.parametrize("under", ["services/", "deploy/", "tests/"])
def test_a_file_fits_in_the_head(under: str) -> None:
    long = []
    for name in python_files(under):
        limit = TEST_FILE_LINES if "tests/" in name else FILE_LINES
        lines = len((ROOT / name).read_text().splitlines())
        if lines > limit:
            long.append(f"{name}: {lines} lines")
    assert long == []


@pytest.mark.parametrize("under", ["services/", "deploy/", "tests/"])
def test_a_function_fits_on_a_screen(under: str) -> None:
    long = []
    for name in python_files(under):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.append(f"{name}: {node.name}: {lines} lines")
    assert long == []


def test_no_tracked_file_names_a_registry() -> None:
    """Where packages come from is the machine's own setting."""
    names = [name for name in tracked() if not name.startswith(DATA) and name != "tests/architecture/test_tree.py"]
    assert lines_with(REGISTRY_HOSTS, names) == []


def test_no_tracked_file_holds_a_path_of_somebodys_machine() -> None:
    names = [name for name in tracked() if name.endswith(TEXT_LIKE) and name != "tests/architecture/test_tree.py"]
    assert lines_with(MACHINE_PATHS, [name for name in names if not name.startswith(DATA)]) == []


def test_the_commands_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text()))
    assert {"demo", "test"} <= told <= targets


def test_the_links_of_every_readme_lead_somewhere() -> None:
    broken = []
    for name in tracked():
        if not name.endswith(".md"):
            continue
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(name) or ""):
            if "://" not in link and not (ROOT / PurePosixPath(name).parent / link).exists():
                broken.append(f"{name}: {link}")
    assert broken == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_ready_to_be_handed_over(service: str) -> None:
    home = ROOT / "services" / service
    wanted = ("pyproject.toml", "requirements.txt", "Dockerfile", "README.md", f"src/{service}/__main__.py", "tests")
    assert [name for name in wanted if not (home / name).exists()] == []
    unpinned = [
        line
        for line in (home / "requirements.txt").read_text().splitlines()
        if re.match(r"[A-Za-z]", line) and "==" not in line
    ]
    assert unpinned == []


def test_nothing_is_left_to_be_written() -> None:
    marks = (r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bX" + r"XX\b", r"NotImplemented" + r"Error", "@@[A-Z]+@@")
    names = [
        name for name in tracked() if name.endswith((".py", ".md", ".yaml", ".toml")) and not name.startswith(DATA)
    ]
    found = [line for line in lines_with(marks, names) if not line.startswith("tests/architecture/")]
    assert found == []
