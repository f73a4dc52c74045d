"""References inside a document (`{"$ref": "#/…"}`), and to files beside it."""

from pathlib import Path
from typing import Any


def target_of(node: Any) -> tuple[str, ...]:
    """Steps of the place inside the document that a reference names; none where it names no such place."""
    target = node.get("$ref") if isinstance(node, dict) else None
    return steps_of(target) if isinstance(target, str) and target.startswith("#/") else ()


def steps_of(target: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in target.removeprefix("#/").split("/"))


def at(document: Any, steps: tuple[str, ...]) -> Any:
    """What stands there. Raises LookupError."""
    for step in steps:
        if isinstance(document, list):
            if not step.isdecimal():
                raise LookupError(step)
            document = document[int(step)]
        elif isinstance(document, dict):
            document = document[step]
        else:
            raise LookupError(step)
    return document


def leads(document: Any, target: str, folder: Path | None = None) -> bool:
    """Whether there is something: in the document, or a file in or below `folder`."""
    if target == "#":
        return True
    if target.startswith("#/"):
        try:
            at(document, steps_of(target))
        except LookupError:
            return False
        return True
    if folder is None:
        return False
    file = (folder / target).resolve()
    return file.is_relative_to(folder.resolve()) and file.is_file()


def loops(document: Any, own: tuple[str, ...]) -> bool:
    """Whether following the reference that stands at `own` comes back to it."""
    been: set[tuple[str, ...]] = set()
    steps = target_of(at(document, own))
    while steps and steps not in been:
        if steps == own:
            return True
        been.add(steps)
        try:
            steps = target_of(at(document, steps))
        except LookupError:
            return False  # said where it leads nowhere
    return False


def followed(document: Any, node: Any) -> dict[str, Any]:
    """The node itself, or what its reference leads to. References lead somewhere and end."""
    while steps := target_of(node):
        node = at(document, steps)
    found: dict[str, Any] = node
    return found
