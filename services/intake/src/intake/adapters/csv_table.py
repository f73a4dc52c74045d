"""Reading a register's CSV file: what is not clearly one table of our columns is refused as a whole.

Never told back: a header name or a cell, since a file without a header has a person where the names should be.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.errors import Refused, TooLarge
from chassis.strict_json import forbidden
from intake.domain.checks import Finding

TEXT = (
    "register_no", "sdp_ref", "basis_document", "handed_over_on", "supervision_basis", "supervision_until",
    "full_name", "alias", "nik", "birth_date", "sex", "phone", "education",
)  # fmt: skip
FLAGS = ("whatsapp_optin", "phone_is_shared", "has_diploma", "in_custody")
LISTS = ("disability", "accommodation", "interest")
NESTED = {
    "home": ("kecamatan", "village", "village_kind", "address"),
    "guardian": ("full_name", "relation", "phone", "kind"),
}
GUARDIAN_COLUMNS = {"guardian_name": "guardian_full_name"}  # the column's name where it is not the member's
REQUIRED = frozenset({
    "register_no", "basis_document", "handed_over_on", "supervision_basis", "full_name", "birth_date", "sex",
    "education", *FLAGS,
})  # fmt: skip
COLUMNS = frozenset({
    *TEXT, *FLAGS, *LISTS, "home_kecamatan", "home_village", "home_village_kind", "home_address",
    "guardian_name", "guardian_relation", "guardian_phone", "guardian_kind",
})  # fmt: skip
_YES_NO = {"true": True, "ya": True, "false": False, "tidak": False}


class UnreadableTable(Refused):
    """Facts: `rule`, and where known `line` or `column` (a position) or the missing `columns` (our names)."""

    status, code, title = 422, "unreadable_table", "Berkas CSV tidak dapat dibaca"


@dataclass(frozen=True, kw_only=True)
class CsvRow:
    """`line`: where the row begins, 1 is the header's first. `body`: as the JSON door takes it, if no problems."""

    line: int
    register_no: str | None
    body: dict[str, object]
    problems: tuple[Finding, ...] = ()


def read_table(raw: bytes, max_rows: int) -> list[CsvRow]:
    """The rows of a UTF-8 file, with or without BOM, any line end, blank lines passed over.

    Raises UnreadableTable (422) and TooLarge (413) before anything is taken in.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableTable(rule="not UTF-8", line=line) from None
    records = _records(text, max_rows)
    if not records:
        raise UnreadableTable(rule="empty")
    header = [cell.strip() for cell in records[0][1]]
    _check_header(header)
    return [_row(line, header, cells) for line, cells in records[1:]]


def _records(text: str, max_rows: int) -> list[tuple[int, list[str]]]:
    """(line where it begins, cells) of each record that is not blank, the header first."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((begins, cells))
            if len(records) > max_rows + 1:
                raise TooLarge(limit_rows=max_rows)
            begins = reader.line_num + 1
    except csv.Error:
        raise UnreadableTable(rule="quotes do not close, or stand inside a cell", line=begins) from None
    return records


def _check_header(header: Sequence[str]) -> None:
    if len(header) == 1 and ";" in header[0]:
        raise UnreadableTable(rule="columns are separated by commas, not semicolons")
    for position, name in enumerate(header, start=1):
        if name not in COLUMNS:
            raise UnreadableTable(rule="unknown column", column=position)
        if name in header[: position - 1]:
            raise UnreadableTable(rule="the column stands twice", column=position)
    missing = REQUIRED - set(header)
    if missing:
        raise UnreadableTable(rule="missing columns", columns=" ".join(sorted(missing)))


def _row(line: int, header: Sequence[str], cells: Sequence[str]) -> CsvRow:
    if len(cells) != len(header):
        return CsvRow(line=line, register_no=None, body={}, problems=(Finding("row", "as many cells as the header"),))
    filled = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    problems = [Finding(name, "control or bidi characters") for name, cell in filled.items() if forbidden(cell)]
    problems += [
        Finding(name, "true or false (ya or tidak)")
        for name in FLAGS
        if name in filled and filled[name].lower() not in _YES_NO
    ]
    register_no = filled.get("register_no")
    if problems:
        return CsvRow(line=line, register_no=register_no, body={}, problems=tuple(problems))
    return CsvRow(line=line, register_no=register_no, body=_body(filled))


def _body(filled: dict[str, str]) -> dict[str, object]:
    """As the JSON door takes it. An empty cell is an absent member: what is required is asked for there."""
    body: dict[str, object] = {name: filled[name] for name in TEXT if name in filled}
    body |= {name: _YES_NO[filled[name].lower()] for name in FLAGS if name in filled}
    body |= {name: [code.strip() for code in filled[name].split(";")] for name in LISTS if name in filled}
    renamed = {GUARDIAN_COLUMNS.get(name, name): cell for name, cell in filled.items()}
    for outer, members in NESTED.items():
        inner = {member: renamed[f"{outer}_{member}"] for member in members if f"{outer}_{member}" in renamed}
        if inner:
            body[outer] = inner
    return body
