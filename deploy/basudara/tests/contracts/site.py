"""The site as its tests look at it: pages parsed, catalogues copied and broken, the command as an operator runs it."""

import json
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from chassis import strict_yaml
from deploy.basudara.cli import app
from deploy.basudara.stack import ROOT

CONTRACTS = ROOT / "contracts"
VOID = {"meta", "link", "input", "br"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    inside: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    def all(self, *names: str) -> list["Element"]:
        """Every element below, in order; of these names if any are given."""
        found = []
        for one in self.inside:
            if isinstance(one, Element):
                found += [one] if one.name in names or not names else []
                found += one.all(*names)
        return found


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag}: an attribute is there twice"
        element = Element(tag, dict(attrs))
        self._open[-1].inside.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


def parsed(file: Path) -> Element:
    """Raises AssertionError where an element is not closed in its place."""
    tree = _Tree()
    tree.feed(file.read_text(encoding="utf-8"))
    tree.close()
    assert len(tree._open) == 1, f"{file}: not closed: {tree._open[-1].name}"
    return tree.root


def copied(folder: Path) -> Path:
    """The shipped catalogue, to be broken."""
    return Path(shutil.copytree(CONTRACTS, folder / "contracts"))


def document_of(catalogue: Path) -> Any:
    return strict_yaml.loads((catalogue / "asyncapi.yaml").read_text())


def put_document(catalogue: Path, document: Any) -> None:
    """By way of JSON: what a test uses twice must not become an anchor."""
    told = json.loads(json.dumps(document))
    (catalogue / "asyncapi.yaml").write_text(yaml.dump(told, Dumper=yaml.CSafeDumper, allow_unicode=True))


@dataclass(frozen=True)
class Ended:
    status: int
    shown: str
    told: str


def docs(catalogue: Path, to: Path) -> Ended:
    """Run `basudara contracts docs` in this process; what it was not meant to raise is raised here."""
    words = ["contracts", "docs", "--catalogue", str(catalogue), "--to", str(to)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    return Ended(done.exit_code, done.stdout, done.stderr)
