"""`matchmaker import`, `export` and `template`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook
from tests.clusters import reachable_directory
from tests.factories import SEEDS

from matchmaker.cli import commands
from matchmaker.cli.exchange import template
from matchmaker.exchange.kinds import ExchangeKind

DEMO = SEEDS / "demo"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def test_a_file_goes_in_and_comes_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with reachable_directory() as data:
        monkeypatch.setenv("MATCHMAKER_DATA", str(data))
        firms, bad = str(DEMO / "smes.jsonl"), tmp_path / "bad.jsonl"
        dry = run("import", firms, "--dry-run")
        assert (dry.exit_code, "12" in dry.output) == (0, True), dry.output
        assert run("export", "profiles", "--out", str(tmp_path / "none.jsonl")).exit_code == 0
        assert (tmp_path / "none.jsonl").read_bytes() == b""
        assert run("import", firms, str(DEMO / "needs.jsonl")).exit_code == 0
        for ending in ("xlsx", "csv", "jsonl"):
            made = tmp_path / f"needs.{ending}"
            assert run("export", "needs", "--out", str(made)).output == "24 needs\n"
            assert run("import", str(made)).exit_code == 0
        lines = (DEMO / "needs.jsonl").read_text().splitlines()
        broken = [line.replace('"kind":"', '"kind":"no-') for line in lines[:3]]
        bad.write_text("\n".join([*broken, *lines[3:]]))
        report = tmp_path / "report.jsonl"
        refused = run("import", str(bad), "--report", str(report))
        assert refused.exit_code == 1
        assert "bad.jsonl:1 #/need/kind unknown_value" in refused.output
        told = [json.loads(line) for line in report.read_text().splitlines()]
        assert [(each["file"], each["line"]) for each in told] == [
            ("bad.jsonl", 1),
            ("bad.jsonl", 2),
            ("bad.jsonl", 3),
        ]


def test_a_file_of_which_nothing_can_be_told_is_one_line(tmp_path: Path) -> None:
    odd = tmp_path / "odd.txt"
    odd.write_text("{}")
    refused = run("export", "needs", "--out", str(odd))
    assert (refused.exit_code, "--format" in refused.output) == (1, True)


@pytest.mark.parametrize("kind", list(ExchangeKind))
def test_a_template_names_the_columns_asks_in_both_languages_and_lists_the_codes(
    kind: ExchangeKind, tmp_path: Path
) -> None:
    files = [tmp_path / f"{n}.xlsx" for n in (1, 2)]
    for file in files:
        assert CliRunner().invoke(template, [kind.value, "--out", str(file)]).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    book = load_workbook(files[0])
    sheet = book[kind.value]
    assert str(sheet.cell(1, 1).value).startswith(kind.value.removesuffix("s"))
    assert str(sheet.cell(2, 1).value).startswith("# ")
    assert all("\n" in str(cell.value) for cell in sheet[2])
    assert sheet.data_validations.dataValidation
    assert "codes" in book.sheetnames
