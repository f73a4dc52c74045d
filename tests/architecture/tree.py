"""The tracked files of this repository, and what a Python module imports."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "referral", "training", "notification")


@cache
def tracked() -> tuple[str, ...]:
    """Paths of all tracked files and of new ones that are not ignored, by `git ls-files`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    return tuple(sorted(name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()))


def python_files(*under: str) -> list[str]:
    return [name for name in tracked() if name.endswith(".py") and name.startswith(under)]


def text(name: str) -> str | None:
    """None for what is no text."""
    try:
        return (ROOT / name).read_text()
    except UnicodeDecodeError:
        return None


def imports(name: str) -> set[str]:
    """Modules a file imports, each `from a import b` also as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or "." * node.level
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def within(module: str, *packages: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in packages)
