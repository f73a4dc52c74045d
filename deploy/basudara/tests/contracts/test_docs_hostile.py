"""What the site does with a catalogue that means harm or is broken: text stays text, and a break is one line."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.basudara.tests.contracts.site import copied, docs, document_of, parsed, put_document

SPITE = """</title></script><script>alert(1)</script><img src=x onerror=alert(1)>" onmouseover='x' `</code> &amp; ]]>"""
KNOWN = {
    "a", "body", "br", "code", "dd", "defs", "details", "div", "dl", "dt", "figcaption", "figure", "footer", "h1",
    "h2", "h3", "head", "header", "html", "input", "label", "li", "link", "main", "marker", "meta", "nav", "p", "path",
    "pre", "rect", "script", "search", "span", "strong", "summary", "svg", "table", "tbody", "td", "text", "th",
    "thead", "title", "tr", "ul",
}  # fmt: skip
NAMES = {"$ref", "address", "owner", "service", "group", "from", "type", "format", "data_class", "action", "asyncapi"}
KIND = "id.basudara.training.seat.reserved.v1"


def spiteful(node: Any, under: str = "") -> Any:
    """Every free text of a document with harm behind it."""
    if isinstance(node, dict):
        return {key: value if key in NAMES | {"readers", "by", "run_by"} else spiteful(value, key)
                for key, value in node.items()}  # fmt: skip
    if isinstance(node, list):
        return [spiteful(one, under) for one in node]
    return node + SPITE if isinstance(node, str) else node


def test_a_hostile_text_never_becomes_markup(tmp_path: Path) -> None:
    contracts = copied(tmp_path)
    put_document(contracts, spiteful(document_of(contracts)))
    for file in [*contracts.glob("events/*/schema.json"), *contracts.glob("events/*/examples/*.json")]:
        file.write_text(json.dumps(spiteful(json.loads(file.read_text()))))
    glossary = (contracts / "glossary.md").read_text()
    (contracts / "glossary.md").write_text(glossary.replace("consent", SPITE).replace("## The", f"## {SPITE}"))
    example = contracts / "events" / KIND / "examples" / "example.json"
    example.rename(example.with_name('"onload=x data-x=".json'))
    ended = docs(contracts, tmp_path / "docs")
    assert ended.status == 1, "sentences that nobody translated"
    seen = 0
    for file in (tmp_path / "docs").rglob("*.html"):
        for element in parsed(file).all():
            assert element.name in KNOWN, f"{file.name}: {element.name}"
            assert not [name for name in element.attributes if name.startswith("on")], file
            assert not (element.attributes.get("href") or "").startswith("javascript:"), file
            if element.name == "script":
                assert element.text == "", file
                assert (element.attributes["src"] or "").endswith(("/search-index.js", "search-index.js", "/search.js"))
        seen += file.read_text().count("&lt;script&gt;alert(1)&lt;/script&gt;")
    assert seen > 3000, "the harm is there, as text"
    assert "</script" not in (tmp_path / "docs" / "en" / "search-index.js").read_text()


def lacks(*path: str) -> Callable[[Any], None]:
    def take(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return take


def holds(value: Any, *path: str) -> Callable[[Any], None]:
    def put(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return put


MESSAGE = ("components", "messages", KIND)
BROKEN = [  # what is done to the document, and what the one line must name
    (lacks("info"), "/info"),
    (lacks("info", "version"), "/info/version"),
    (lacks("channels"), "/channels"),
    (holds([], "channels"), "/channels"),
    (holds(None, "channels", "intake.case"), "/channels/intake.case"),
    (lacks("channels", "intake.case", "address"), "/channels/intake.case/address"),
    (lacks("channels", "intake.case", "bindings"), "/channels/intake.case/bindings"),
    (holds({"$ref": "#/nowhere"}, "channels", "intake.case", "bindings"), "#/nowhere leads nowhere"),
    (holds({"$ref": "#/channels/intake.case/bindings"}, "channels", "intake.case", "bindings"), "circle"),
    (holds("../../x", "channels", "intake.case", "x-basudara", "owner"), "/channels/intake.case/x-basudara/owner"),
    (holds("Z", "channels", "intake.case", "x-basudara", "data_class"), "data_class"),
    (holds(["all"], "channels", "intake.case", "x-basudara", "readers"), "readers"),
    (holds({}, "channels", "../../x"), "/channels/../../x"),
    (lacks("channels", "training.enrolment.to", "messages", KIND), KIND),
    (holds({"$ref": "#/x"}, "channels", "training.programme", "messages", KIND), "on one channel, is on 2"),
    (holds({"$ref": "#/x"}, "channels", "training.programme", "messages", "../../x"), "/channels/training.programme"),
    (lacks("operations"), "/operations"),
    (holds({"$ref": "#/channels/none"}, "operations", "intake.sends.intake.case", "channel"), "leads nowhere"),
    (holds([{"$ref": "#/x/none"}], "operations", "intake.sends.intake.case", "messages"), "none is not on intake.case"),
    (holds("listen", "operations", "intake.sends.intake.case", "action"), "/action"),
    (lacks("components", "schemas", "envelope"), "/components/schemas/envelope"),
    (holds(7, "components", "schemas", "headers"), "/components/schemas/headers"),
    (lacks(*MESSAGE, "summary"), f"/components/messages/{KIND}/summary"),
    (lacks(*MESSAGE, "title"), f"/components/messages/{KIND}/title"),
    (lacks(*MESSAGE, "bindings"), f"/components/messages/{KIND}/bindings"),
    (holds({"kafka": {}}, *MESSAGE, "bindings"), "kafka.key.description is missing"),
    (holds("yes", *MESSAGE, "x-basudara", "move"), f"/components/messages/{KIND}/x-basudara/move"),
    (holds([{"version": "1"}], *MESSAGE, "x-basudara", "history"), "history/0/what"),
    (holds({}, "components", "messages", "id.basudara.training.seat.unheard.v1"), "unheard"),
]


@pytest.mark.parametrize(("broken", "named"), BROKEN, ids=lambda given: given if isinstance(given, str) else "")
def test_a_broken_document_is_one_line_that_names_the_place(
    tmp_path: Path, broken: Callable[[Any], None], named: str
) -> None:
    contracts = copied(tmp_path)
    document = document_of(contracts)
    broken(document)
    put_document(contracts, document)
    refused(contracts, tmp_path, "asyncapi.yaml", named)


def refused(contracts: Path, tmp_path: Path, *named: str) -> None:
    ended = docs(contracts, tmp_path / "docs")
    assert (ended.status, ended.shown, ended.told.count("\n")) == (2, "", 1), ended
    assert ended.told.startswith("basudara: ")
    for one in named:
        assert one in ended.told
    assert not (tmp_path / "docs").exists(), "nothing is written of a broken catalogue"


BAD_FILES: list[tuple[str, bytes | None, str]] = [  # file, what it holds (None: taken away), what the line names
    ("asyncapi.yaml", None, "No such file"),
    ("asyncapi.yaml", b"", "holds nothing"),
    ("asyncapi.yaml", b"- a", "a mapping is needed"),
    ("asyncapi.yaml", b"\xff", "not UTF-8 at byte 0"),
    ("asyncapi.yaml", b"a: [", "in line 2, column 1"),
    ("asyncapi.yaml", b"a: 1\na: 2\n", "more than once"),
    ("asyncapi.yaml", b"a: !!python/object:os.system 1\n", "tags are not read"),
    ("asyncapi.yaml", b"a: &a [*a]\n", "anchors and aliases are not read"),
    ("asyncapi.yaml", b"[" * 20000, "maximum nesting depth"),
    (f"events/{KIND}/schema.json", None, "No such file"),
    (f"events/{KIND}/schema.json", b"{", "in line 1, column 2"),
    (f"events/{KIND}/schema.json", b"[" * 100000, "nested deeper"),
    (f"events/{KIND}/schema.json", b"[]", "valid dictionary"),
    (f"events/{KIND}/schema.json", b'{"properties": {"a": 7}}', "/properties/a"),
    (f"events/{KIND}/schema.json", b'{"properties": {"a": {"minimum": 1e400}}}', "beyond 64 bit"),
    (f"events/{KIND}/schema.json", b'{"description": "\\ud800"}', "/description: holds control, bidi or surrogate"),
    (f"events/{KIND}/examples/example.json", b"7", "a JSON object is needed"),
    (f"events/{KIND}/examples/example.json", b'{"a": \xff}', "not UTF-8"),
    (f"events/{KIND}/examples/example.json", b'{"a": "\\u202e"}', "/a: holds control, bidi or surrogate"),
    (f"readers/referral/{KIND}.json", b"{}", "/type"),
    ("glossary.md", None, "No such file"),
    ("glossary.md", b"\xff", "not UTF-8"),
    ("indonesian.yaml", b"- a", "a mapping"),
    ("indonesian.yaml", b"Yes.: 7", "are texts"),
]


@pytest.mark.parametrize(("name", "held", "named"), BAD_FILES)
def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, name: str, held: bytes | None, named: str) -> None:
    contracts = copied(tmp_path)
    file = contracts / name
    assert file.is_file()
    file.unlink()
    if held is not None:
        file.write_bytes(held)
    refused(contracts, tmp_path, str(file), named)


def test_a_folder_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", tmp_path, "No such file")


def smaller(document: Any) -> Any:
    """Two channels and what belongs to them: enough to break, and soon rendered."""
    kept = ("training.programme", "agreement.agreement")
    document["channels"] = {name: document["channels"][name] for name in kept}
    document["operations"] = {
        name: row for name, row in document["operations"].items() if row["channel"]["$ref"].endswith(kept)
    }
    seats = {kind for row in document["channels"].values() for kind in row["messages"]}
    messages = document["components"]["messages"]
    document["components"]["messages"] = {kind: row for kind, row in messages.items() if kind in seats}
    return document


def test_whatever_is_broken_in_the_document_never_ends_in_a_traceback(tmp_path: Path) -> None:
    """One node at a time taken away or replaced; what still has a meaning is rendered."""
    contracts, chance = copied(tmp_path), random.Random(20270118)
    whole = json.dumps(smaller(document_of(contracts)))
    statuses = []
    for _ in range(60):
        document = json.loads(whole)
        node: Any = document
        while True:
            step = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if not (isinstance(node[step], dict | list) and node[step]) or chance.random() < 0.25:
                break
            node = node[step]
        if chance.random() < 0.4:
            del node[step]
        else:
            node[step] = chance.choice([None, 7, "", "x", [], {}, [None], {"$ref": "#/"}, {"a": {}}, True, -1.5])
        put_document(contracts, document)
        ended = docs(contracts, tmp_path / "docs")
        assert ended.status in {0, 1, 2}
        assert ended.status != 2 or (ended.told.count("\n"), ended.shown) == (1, "")
        statuses.append(ended.status)
        shutil.rmtree(tmp_path / "docs", ignore_errors=True)
    assert statuses.count(2) > 10
