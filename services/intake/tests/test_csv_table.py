"""A register's CSV file, as spreadsheets and people make it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Refused, TooLarge
from intake.adapters.csv_table import COLUMNS, UnreadableTable, read_table

HEADER = (
    "register_no,basis_document,handed_over_on,supervision_basis,full_name,birth_date,sex,education,"
    "whatsapp_optin,phone_is_shared,has_diploma,in_custody"
)
SALMA = "REG/0042/X,BA-0042,2027-01-11,PAROLE,Salma Misal,1992-03-17,F,LOWER_SECONDARY,true,false,false,false"
ONA = "REG/0043/X,BA-0043,2027-01-11,PAROLE,Ona Seumpama,1985-06-01,F,PRIMARY,false,false,false,tidak"


def table(*lines: str, end: str = "\n") -> bytes:
    return end.join(lines).encode() + end.encode()


def names(raw: bytes) -> list[object]:
    return [row.body.get("full_name") for row in read_table(raw, 100)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_every_spreadsheets_line_ends_and_mark_are_read(end: str, bom: bytes) -> None:
    assert names(bom + table(HEADER, SALMA, ONA, end=end)) == ["Salma Misal", "Ona Seumpama"]


def test_lines_are_counted_where_rows_begin_also_after_a_quoted_line_break() -> None:
    header = HEADER + ",home_address"
    rows = read_table(table(header, SALMA + ',"Jalan Contoh\nNomor 1"', "", ONA + ",Jalan Dua"), 100)
    assert [(row.line, row.body["register_no"]) for row in rows] == [(2, "REG/0042/X"), (5, "REG/0043/X")]
    assert rows[0].body["home"] == {"address": "Jalan Contoh\nNomor 1"}


def test_a_row_becomes_what_the_json_door_takes() -> None:
    header = HEADER + ",home_kecamatan,home_village_kind,guardian_name,guardian_kind,accommodation,interest,nik"
    row = read_table(table(header, SALMA + ",81.71.02,NEGERI,Tante,WALI,CHILDCARE; SIGN_LANGUAGE,,"), 100)[0]
    assert row.body["home"] == {"kecamatan": "81.71.02", "village_kind": "NEGERI"}
    assert row.body["guardian"] == {"full_name": "Tante", "kind": "WALI"}
    assert row.body["accommodation"] == ["CHILDCARE", "SIGN_LANGUAGE"]
    assert (row.body["whatsapp_optin"], row.body["in_custody"]) == (True, False)
    assert "interest" not in row.body
    assert "nik" not in row.body


def test_columns_may_stand_in_any_order() -> None:
    turned = [",".join(reversed(line.split(","))) for line in (HEADER, SALMA)]
    assert names(table(*turned)) == ["Salma Misal"]


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (table(HEADER, SALMA).decode().encode("utf-16"), "not UTF-8"),
        (table(HEADER) + b"REG/\xff", "not UTF-8"),
        (table(HEADER.replace(",", ";"), SALMA.replace(",", ";")), "columns are separated by commas, not semicolons"),
        (table(HEADER + ",umur", SALMA + ",35"), "unknown column"),
        (table(HEADER + ",sex", SALMA + ",F"), "the column stands twice"),
        (table(HEADER.replace("birth_date,", ""), SALMA), "missing columns"),
        (table(SALMA, ONA), "unknown column"),
        (table(HEADER, SALMA.replace("Salma", '"Salma')), "quotes do not close, or stand inside a cell"),
        (table(HEADER, SALMA.replace("Salma Misal", '"Salma" Misal')), "quotes do not close, or stand inside a cell"),
    ],
    ids=[
        "empty", "blank", "UTF-16", "a stray byte", "semicolons", "unknown", "twice", "missing", "no header",
        "open quote", "quote inside",
    ],
)  # fmt: skip
def test_what_is_not_clearly_our_table_is_refused_whole(raw: bytes, rule: str) -> None:
    with pytest.raises(UnreadableTable) as refused:
        read_table(raw, 100)
    assert refused.value.facts["rule"] == rule
    assert "Misal" not in str(refused.value.facts)


def test_a_refusal_names_the_missing_columns_but_never_what_stands_in_the_file() -> None:
    with pytest.raises(UnreadableTable) as refused:
        read_table(table(HEADER.replace("sex,", "").replace("education,", ""), SALMA), 100)
    assert refused.value.facts["columns"] == "education sex"
    with pytest.raises(UnreadableTable) as refused:
        read_table(table("Salma Misal,8171025703929001"), 100)
    assert refused.value.facts == {"rule": "unknown column", "column": 1}


def test_a_file_with_too_many_rows_is_refused_before_any_is_taken_in() -> None:
    read_table(table(HEADER, *[SALMA] * 3), 3)
    with pytest.raises(TooLarge):
        read_table(table(HEADER, *[SALMA] * 4), 3)


@pytest.mark.parametrize("line", [SALMA + ",lebih", SALMA.rsplit(",", 1)[0]])
def test_a_row_with_other_cells_than_the_header_is_refused_alone(line: str) -> None:
    rows = read_table(table(HEADER, line, ONA), 100)
    assert [bool(row.problems) for row in rows] == [True, False]


@pytest.mark.parametrize("bad", ["Salma\x00", "Salma\u202emisal", "Salma\x1b[2J"])
def test_a_cell_with_hidden_characters_refuses_its_row(bad: str) -> None:
    row = read_table(table(HEADER, SALMA.replace("Salma Misal", bad), ONA), 100)[0]
    assert [finding.field for finding in row.problems] == ["full_name"]


def test_a_yes_or_no_that_is_neither_refuses_its_row() -> None:
    row = read_table(table(HEADER, SALMA.replace("true", "mungkin")), 100)[0]
    assert [finding.field for finding in row.problems] == ["whatsapp_optin"]


def with_header(text: str) -> bytes:
    return f"{HEADER}\n{text}".encode()


@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(with_header)))
def test_no_file_whatever_its_bytes_is_a_defect(raw: bytes) -> None:
    try:
        rows = read_table(raw, 5)
    except Refused:
        return
    assert all(set(row.body) <= COLUMNS | {"home", "guardian"} for row in rows)
