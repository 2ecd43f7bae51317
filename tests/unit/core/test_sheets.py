"""Files that are refused, and where the report says why."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest
from openpyxl import Workbook

from matchmaker.core.sheets import FileFormat, Lines, read_lines, tabular
from matchmaker.core.sheets.formats import REASONS
from matchmaker.enterprise.exchange import PROFILES

HEADER = ["profile.external_id", "profile.employees", "profile.region", "profile.founded"]


def csv_of(*rows: str) -> Lines:
    return read_lines(io.BytesIO("\n".join(rows).encode()), FileFormat.CSV, [PROFILES])


def workbook(*rows: Sequence[Any], title: str = "profiles") -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def xlsx_of(*rows: Sequence[Any]) -> Lines:
    return read_lines(io.BytesIO(workbook(*rows)), FileFormat.XLSX, [PROFILES])


def told(lines: Lines) -> list[tuple[int, str | None, str]]:
    lines.stream.close()
    return [(fault.line, fault.column, fault.code) for fault in lines.faults.listed()]


def test_the_good_rows_come_as_lines_and_comments_do_not() -> None:
    lines = xlsx_of(HEADER, ["# 编号", "人数"], ["a", 12, 210200], [], ["b", "7"])
    assert lines.faults.listed() == ()
    assert lines.stream.read().splitlines() == [
        b'{"type":"profile","external_id":"a","profile":{"employees":12,"region":"210200"}}',
        b'{"type":"profile","external_id":"b","profile":{"employees":7}}',
    ]
    lines.stream.close()


def test_a_formula_is_refused_and_named_and_other_rows_are_read() -> None:
    lines = xlsx_of(HEADER, ["a", "=1+1"], ["b", 2])
    assert lines.number == 1
    assert told(lines) == [(2, "profile.employees", "formula")]


def test_a_text_that_looks_like_a_formula_is_a_text_in_csv() -> None:
    lines = csv_of("profile.external_id,profile.name.en", "a,'=1+1")
    assert b'"en":"=1+1"' in lines.stream.read()
    lines.stream.close()


@pytest.mark.parametrize(
    ("cell", "column"),
    [(True, "profile.region"), (1.5, "profile.region")],
)
def test_a_cell_of_a_type_that_cannot_be_the_fact_is_refused(cell: object, column: str) -> None:
    lines = xlsx_of(["profile.external_id", column], ["a", cell])
    assert told(lines) == [(2, column, "wrong_cell")]


def test_columns_that_nobody_knows_or_that_stand_twice_are_refused() -> None:
    lines = csv_of("profile.external_id,profile.emploees,profile.region,profile.region", "a,1,,")
    assert told(lines) == [(1, None, "unknown_column"), (1, None, "repeated_column")]


def test_a_cell_beyond_the_header_is_refused() -> None:
    assert told(csv_of("profile.external_id,profile.region", "a,,b")) == [
        (2, None, "outside_columns")
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_header"),
        (b"a,b\n1,2\n", "no_header"),
        ("profile.external_id\n企业\n".encode("gbk"), "not_utf8"),
        (b'profile.external_id\n"a', "unreadable_csv"),
        (b"profile.external_id" + b"," * 500, "too_many_columns"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused(content: bytes, code: str) -> None:
    lines = read_lines(io.BytesIO(content), FileFormat.CSV, [PROFILES])
    assert [each[2] for each in told(lines)] == [code]


@pytest.mark.parametrize("content", [b"", b"PK", b"not a workbook", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_workbook_is_refused(content: bytes) -> None:
    lines = read_lines(io.BytesIO(content), FileFormat.XLSX, [PROFILES])
    assert told(lines) == [(1, None, "unreadable_workbook")]


def packed(name: str, size: int) -> bytes:
    made = io.BytesIO(workbook(HEADER, ["a", 1]))
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr(name, bytes(size))
    return made.getvalue()


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tabular, "MOST_UNPACKED", 1024 * 1024)
    bomb = packed("xl/media/bomb", 2 * 1024 * 1024)
    assert len(bomb) < 100_000
    monkeypatch.setattr(openpyxl, "load_workbook", None)
    lines = read_lines(io.BytesIO(bomb), FileFormat.XLSX, [PROFILES])
    assert told(lines) == [(1, None, "workbook_too_large")]


def test_control_a_smaller_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "MOST_UNPACKED", 1024 * 1024)
    lines = read_lines(
        io.BytesIO(packed("xl/media/small", 512 * 1024)), FileFormat.XLSX, [PROFILES]
    )
    assert (lines.number, told(lines)) == (1, [])


def test_a_row_far_down_does_not_make_the_rows_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "MOST_ROWS", 1000)
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(HEADER)
    sheet.cell(1_000_000, 1, "far")
    made = io.BytesIO()
    book.save(made)
    made.seek(0)
    lines = read_lines(made, FileFormat.XLSX, [PROFILES])
    assert [each[2] for each in told(lines)] == ["too_many_rows"]


def test_every_reason_is_told_in_both_languages() -> None:
    for reason in REASONS.values():
        assert reason.zh
        assert reason.en
        assert reason.zh != reason.en
