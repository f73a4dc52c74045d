"""Promise 60, of what is exported: one line is one record to every reader, and each text is what it was."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.basudara.console import Refusal
from deploy.basudara.events import _write
from deploy.basudara.export import commands, line_of
from deploy.basudara.records import Record

HOSTILE = [
    "=HYPERLINK(1)", "+1", "-1", "@sum", "8171991203990077", "0811", "1E5", "a,b;c\td", '"quoted" \\ \'',
    "two\nlines\r\n", "lines\u0085of\u2028other\u2029kinds\x0b\x0c\x1c", "\u202eturned", "", " ",
]  # fmt: skip


def record(text: str) -> Record:
    raw = text.encode()
    return Record(
        topic="sender.intake.case.v1",
        partition=0,
        offset=2**53 + 1,
        at=datetime(2027, 1, 18, tzinfo=UTC),
        key=raw,
        value=raw,
        headers=(("ce_subject", raw), (text, raw)),
    )


def read_strictly(file: Path) -> list[dict[str, Any]]:
    """By the strictest reader of lines there is: it ends one at whatever any other takes for an end."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_whatever_a_record_says_is_one_line_and_the_same_text(tmp_path: Path) -> None:
    counts = _write((line_of(record(text)) for text in HOSTILE), tmp_path / "dump")
    found = read_strictly(tmp_path / "dump")
    assert counts == {"record": len(HOSTILE)} == {"record": len(found)}
    assert [one["key"] for one in found] == HOSTILE
    assert [one["headers"] for one in found] == [{"ce_subject": text, text: text} for text in HOSTILE]
    assert {one["offset"] for one in found} == {2**53 + 1}


@pytest.mark.parametrize("written", ['{"a": "\\ud800"}', '{"\\udfff": 1}', '{"a": "\u2028"}'])
def test_a_command_of_any_text_is_exported_as_the_caller_wrote_it(written: str, tmp_path: Path) -> None:
    """A half letter has no UTF-8 form: it was the caller's, and is his again."""
    (tmp_path / "journal").write_text(written + "\n", encoding="utf-8")
    _write(commands(tmp_path / "journal"), tmp_path / "dump")
    assert read_strictly(tmp_path / "dump") == [{**json.loads(written), "kind": "command"}]


def test_numbers_of_a_command_lose_no_digit(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text('{"nik": 8171991203990077, "long": 123456789012345678901234567890}\n')
    _write(commands(tmp_path / "journal"), tmp_path / "dump")
    (line,) = read_strictly(tmp_path / "dump")
    assert (line["nik"], line["long"]) == (8171991203990077, 123456789012345678901234567890)


def test_a_journal_that_is_cut_off_ends_the_export_and_leaves_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text('{"id": 1}\n{"id": ')
    with pytest.raises(Refusal, match="line 2: not JSON"):
        _write(commands(tmp_path / "journal"), tmp_path / "dump")
    assert [one.name for one in tmp_path.iterdir()] == ["journal"]
