"""Every bad row is named, by line, column and reason, whatever the format; nothing is written."""

from __future__ import annotations

import pytest
from tests.exchange import Transaction, exported, imported, jsonl_of, parsed, rows, written
from tests.factories import offering_line, provider_line

from matchmaker.core.sheets import FileFormat
from matchmaker.exchange.carrying import KnownKeys
from matchmaker.exchange.kinds import KINDS, ExchangeKind, Means
from matchmaker.exchange.wording import label
from matchmaker.released import Released

K = ExchangeKind
OWNER = "a-plum-rain"
NUMBER = 1500


@pytest.mark.parametrize("format_", [FileFormat.JSONL, FileFormat.CSV])
async def test_of_many_offerings_every_bad_one_is_named_and_none_is_written(
    demo: Transaction, released: Released, means: Means, format_: FileFormat
) -> None:
    lines = [offering_line(provider=OWNER, external_id=f"many-{n}") for n in range(NUMBER)]
    bad = {n for n in range(NUMBER) if n % 100 == 57}
    for n in bad:
        lines[n]["packages"][0]["weeks"] = [9, 2]
    before = await rows(demo)
    content = written(lines, released, K.OFFERINGS, format_)
    report = await imported(demo, content, K.OFFERINGS, means, format_=format_)
    header = 0 if format_ is FileFormat.JSONL else 1
    assert [fault.line for fault in report.faults] == [n + 1 + header for n in sorted(bad)]
    assert {(fault.pointer, fault.code) for fault in report.faults} == {
        ("#/packages/0/weeks", "from_after_to")
    }
    if header:
        assert {fault.column for fault in report.faults} == {"package.weeks"}
    assert (report.lines, report.rejected, report.counts) == (NUMBER, len(bad), {})
    assert await rows(demo) == before


async def test_a_fault_of_a_package_is_told_at_its_own_row(
    demo: Transaction, released: Released, means: Means
) -> None:
    line = offering_line(provider=OWNER, external_id="rows")
    second = {"code": "heavy", "title": {"en": "Heavy"}, "scales": ["gigantic"]}
    line["packages"].append(second)
    content = written([line], released, K.OFFERINGS, FileFormat.XLSX)
    report = await imported(demo, content, K.OFFERINGS, means, format_=FileFormat.XLSX)
    found = [(each.sheet, each.line, each.column, each.code) for each in report.faults]
    assert found == [("offerings", 3, "package.scales", "unknown_code")]


async def test_what_cannot_be_read_and_what_is_wrong_are_one_report(
    demo: Transaction, means: Means
) -> None:
    content = (
        b"profile.external_id,profile.industries,profile.must\n"
        b"sme-grey-otter,C9999,\n"
        b'sme-iron-egret,,"{""field"":"\n'
    )
    before = await rows(demo)
    report = await imported(demo, content, K.PROFILES, means, format_=FileFormat.CSV)
    found = [(each.line, each.column, each.code) for each in report.faults]
    assert found == [
        (2, "profile.industries", "unknown_code"),
        (3, "profile.must", "invalid_json"),
    ]
    assert (report.lines, report.rejected) == (2, 2)
    assert await rows(demo) == before


async def test_faults_against_what_is_stored(
    demo: Transaction, released: Released, means: Means
) -> None:
    needs = parsed(await exported(demo, released, K.NEEDS))[:2]
    needs[0]["need"]["kind"] = "finance" if needs[0]["need"]["kind"] != "finance" else "talent"
    needs[1]["profile"] = "nobody-here"
    twice = dict(needs[0])
    report = await imported(demo, jsonl_of(*needs, twice), K.NEEDS, means)
    found = {(each.line, each.pointer, each.code) for each in report.faults}
    assert found >= {
        (1, "#/need/kind", "kind_changed"),
        (2, "#/profile", "unknown_firm"),
        (3, "#/external_id", "repeated_external_id"),
    }
    unnamed = {"type": "profile", "external_id": "new-firm", "profile": {}}
    report = await imported(demo, jsonl_of(unnamed), K.PROFILES, means)
    assert [(each.pointer, each.code) for each in report.faults] == [("#/name", "missing_name")]


async def test_lines_of_another_kind_are_refused(demo: Transaction, means: Means) -> None:
    report = await imported(demo, jsonl_of(provider_line()), K.NEEDS, means)
    assert report.rejected == 1
    assert report.counts == {}


def test_every_column_says_in_both_languages_what_it_holds(released: Released) -> None:
    fields = released.checker.fields
    for kind in K:
        for column in KINDS[kind].layout.header(KnownKeys(fields)):
            said = label(fields, column)
            assert said is not None, column
            assert said.zh != said.en
