"""Files that were made to harm: each is a finding with its place, soon, and never a traceback."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.basudara.cli import app
from deploy.basudara.contracts.validate import Kind
from deploy.basudara.stack import ROOT
from deploy.basudara.tests.contracts.bad_files import GOOD

DEEP = 100_000
HUGE = 20 * 1024 * 1024
EVENT = (ROOT / GOOD["event"]).read_bytes().rstrip()[:-1]  # open at its end


def with_member(member: bytes) -> bytes:
    return EVENT + b', "x": ' + member + b"}"


JSON = {  # name: bytes, pointer, rule
    "deep lists": (b"[" * DEEP + b"]" * DEEP, "", "depth"),
    "deep and never closed": (b"[" * DEEP, "", "depth"),
    "deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "", "depth"),
    "a little too deep": (with_member(b"[" * 21 + b"]" * 21), "/x" + "/0" * 19, "depth"),
    "20 MB": (b'"' + b"a" * HUGE + b'"', "", "size"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "", "utf-8"),
    "UTF-16": ("{}".encode("utf-16"), "", "utf-8"),
    "UTF-16 without a mark": ("{}".encode("utf-16-le"), "", "json"),
    "not UTF-8": (with_member(b'"\xff"'), "", "utf-8"),
    "an overlong NUL": (with_member(b'"\xc0\x80"'), "", "utf-8"),
    "a surrogate in UTF-8": (with_member(b'"\xed\xa0\x80"'), "", "utf-8"),
    "a member twice": (with_member(b'{"a": 1, "a": 1}'), "/x/a", "repeated"),
    "an attribute twice": (with_member(b'1, "type": "x"'), "/type", "repeated"),
    "a member twice, once escaped": (with_member(b'{"a": 1, "\\u0061": 1}'), "/x/a", "repeated"),
    "NaN": (with_member(b"NaN"), "/x", "number"),
    "minus infinity": (with_member(b"[-Infinity]"), "/x/0", "number"),
    "1e400": (with_member(b"1e400"), "/x", "number"),
    "an integer beyond 64 bit": (with_member(b"9223372036854775808"), "/x", "number"),
    "an integer of a million digits": (with_member(b"9" * 1_000_000), "/x", "number"),
    "a lone surrogate": (with_member(b'"\\ud800"'), "/x", "text"),
    "a lone surrogate as a name": (with_member(b'{"\\ud800": 1}'), "/x", "text"),
    "a control character": (with_member(b'"\\u0000"'), "/x", "text"),
    "a text that turns round": (with_member(b'"\\u202e"'), "/x", "text"),
    "an operator of the store": (with_member(b'{"$where": "1"}'), "/x/$where", "name"),
    "a comma too many": (EVENT + b",}", "", "json"),
    "two documents": (EVENT + b"} {}", "", "json"),
    "nothing": (b"", "", "json"),
    "a text": (b'"event"', "", "event"),
    "a list": (b"[]", "", "event"),
}  # fmt: skip
YAML = {
    "deep lists": (b"[" * DEEP, "", "yaml"),
    "deep objects": (b"{a: " * DEEP, "", "depth"),
    "deep blocks": (b"- " * DEEP, "", "depth"),
    "a bomb of aliases": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n", "", "anchor"),
    "an alias to itself": (b"a: &a [*a]\n", "", "anchor"),
    "a tag that runs code": (b"a: !!python/object/apply:os.system [id]\n", "", "tag"),
    "a tag of our own": (b"agency: !x bapas\n", "", "tag"),
    "binary": (b"a: !!binary aGk=\n", "", "tag"),
    "a member twice": (b"a:\n  b: 1\n  b: 1\n", "/a/b", "repeated"),
    "a merge": (b"<<: {a: 1}\n", "", "name"),
    "a name that is a number": (b"1: a\n", "", "name"),
    "a name that is a truth": (b"yes: a\n", "", "name"),
    "a name that is a list": (b"? [a]\n: b\n", "", "name"),
    "not a number": (b"a: .nan\n", "/a", "number"),
    "infinity": (b"a: [1, -.inf]\n", "/a/1", "number"),
    "a day that is none": (b"a: 2027-02-30\n", "", "yaml"),
    "a text that turns round": (b'a: "\\u202e"\n', "/a", "text"),
    "a NUL": (b"a: \x00\n", "", "yaml"),
    "two documents": (b"a: 1\n---\nb: 1\n", "", "yaml"),
    "a tab": (b"a:\n\tb: 1\n", "", "yaml"),
    "nothing": (b"", "", "yaml"),
    "20 MB": (b"a: " + b"b" * HUGE, "", "size"),
    "an integer of 5000 digits": (b"a: " + b"9" * 5000, "", "yaml"),
}  # fmt: skip


SHAPES = ["null", "1", "[]", "{}", '"text"', '{"type": [], "fields": []}', '{"$schema": {}}', '{"specversion": []}',
          '{"asyncapi": "3.0.0", "channels": []}']  # fmt: skip


def judged(file: Path, kind: str) -> tuple[Result, list[tuple[str, str]]]:
    done = CliRunner().invoke(
        app, ["contracts", "validate", "--json", "--kind", kind, str(file)], catch_exceptions=False
    )
    (one,) = json.loads(done.stdout)
    return done, [(row["pointer"], row["rule"]) for row in one["findings"]]


@pytest.mark.parametrize(
    ("hostile", "name", "kind"),
    [
        *(pytest.param(JSON[one], "event.json", "event", id=f"json: {one}") for one in JSON),
        *(pytest.param(YAML[one], "agency.yaml", "manifest", id=f"yaml: {one}") for one in YAML),
    ],
)
def test_a_hostile_file_is_named_and_harms_nobody(
    hostile: tuple[bytes, str, str], name: str, kind: str, tmp_path: Path
) -> None:
    raw, pointer, rule = hostile
    file = tmp_path / name
    file.write_bytes(raw)
    done, found = judged(file, kind)
    assert (done.exit_code, found) == (1, [(pointer, rule)])


@pytest.mark.parametrize("kind", GOOD)
def test_a_repeated_member_name_is_refused_in_every_kind_of_file(kind: Kind, tmp_path: Path) -> None:
    good = ROOT / GOOD[kind]
    text = good.read_text()
    if good.suffix == ".json":
        name = next(iter(json.loads(text)))
        twice = text.rstrip()[:-1] + f', "{name}": 1}}'
    else:
        name = next(line for line in text.splitlines() if line[:1].isalpha()).split(":")[0]
        twice = f"{text}\n{name}: 1\n"
    file = tmp_path / good.name
    file.write_text(twice)
    assert judged(file, kind)[1] == [(f"/{name}", "repeated")]


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("document", SHAPES)
def test_what_is_of_another_shape_is_a_finding_of_each_kind(kind: str, document: str, tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text(document)
    done, found = judged(file, kind)
    assert done.exit_code == 1
    assert found


def test_a_terminal_is_safe_from_what_a_file_says(tmp_path: Path) -> None:
    file = tmp_path / "reader.json"
    file.write_text(json.dumps({"type": "x\x1b[2J", "fields": {}}))
    done = CliRunner().invoke(app, ["contracts", "validate", str(file)])
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout
