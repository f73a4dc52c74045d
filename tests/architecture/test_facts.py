"""What holds for facts wherever code tells of them: none is invented by a default, and a day is the agency's."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.tree import ROOT, SERVICES, python_files

# where an instant becomes a day of the agency: (file, function)
DAYS = {
    ("services/chassis/src/chassis/calendar.py", "day_of"),
    ("services/notification/src/notification/domain/timing.py", "end_of_quiet"),
}


def defaults(name: str) -> list[str]:
    """Members of wire models that have a value before anybody told one."""
    found = []
    for model in ast.walk(ast.parse((ROOT / name).read_text())):
        for member in model.body if isinstance(model, ast.ClassDef) else ():
            if not isinstance(member, ast.AnnAssign) or member.value is None:
                continue
            if not ast.unparse(member.annotation).startswith("ClassVar"):
                found.append(f"{name}:{member.lineno}: {ast.unparse(member)}")
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_no_member_of_an_event_has_a_default(service: str) -> None:
    """Promise 39: what is unknown is said, and heard, as null."""
    assert defaults(f"services/{service}/src/{service}/wire.py") == []


def cuts(name: str) -> Iterator[tuple[str, int]]:
    """Function and line wherever a date is taken of an instant, or of the machine's clock."""
    for function in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if _takes_a_date(node):
                    yield function.name, node.lineno  # type: ignore[attr-defined]


def _takes_a_date(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("date", "today", "utcnow") and not node.args
    return isinstance(node, ast.Subscript) and "isoformat(" in ast.unparse(node.value)


def test_no_date_is_cut_from_an_instant_but_by_the_agencys_calendar() -> None:
    """Promise 49: until nine in the morning in Ambon it is still the day before in UTC."""
    code = [
        *python_files(*(f"services/{one}/src/" for one in ("chassis", *SERVICES))),
        *python_files("deploy/basudara/"),
    ]
    found = [(name, *cut) for name in code if "/tests/" not in name for cut in cuts(name)]
    assert {(name, function) for name, function, _ in found} >= DAYS, "what is looked for is there to be found"
    assert [f"{name}:{line}" for name, function, line in found if (name, function) not in DAYS] == []
