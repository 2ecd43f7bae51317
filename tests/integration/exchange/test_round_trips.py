"""What was exported imports again and changes nothing, and is exported the same, byte by byte."""

from __future__ import annotations

from typing import Any

import pytest
from tests.exchange import Transaction, exported, imported, jsonl_of, parsed, rows
from tests.factories import SEEDS

from matchmaker.core.sheets import FileFormat
from matchmaker.exchange.kinds import Asked, ExchangeKind, Means
from matchmaker.released import Released

K = ExchangeKind
EXPECTED = {K.PROVIDERS: 40, K.OFFERINGS: 160, K.PROFILES: 12, K.NEEDS: 24}


def type_of(kind: K) -> str:
    return kind.value.removesuffix("s")


@pytest.mark.parametrize("format_", list(FileFormat))
@pytest.mark.parametrize("kind", list(K))
async def test_an_export_imports_unchanged_and_exports_the_same_bytes(
    demo: Transaction, released: Released, means: Means, kind: K, format_: FileFormat
) -> None:
    before = await rows(demo)
    first = await exported(demo, released, kind, format_)
    report = await imported(demo, first, kind, means, format_=format_)
    assert report.faults == ()
    assert report.lines == EXPECTED[kind]
    counts = report.counts[type_of(kind)]
    assert (counts.new, counts.changed, counts.unchanged) == (0, 0, EXPECTED[kind])
    assert await rows(demo) == before
    assert await exported(demo, released, kind, format_) == first


@pytest.mark.parametrize("kind", list(K))
async def test_lines_are_in_the_order_of_their_names(
    demo: Transaction, released: Released, kind: K
) -> None:
    def name(line: dict[str, Any]) -> tuple[str, str]:
        return line.get("provider", "") or str(line.get("profile", "")), line["external_id"]

    lines = parsed(await exported(demo, released, kind))
    if kind is K.PROFILES:
        assert lines == sorted(lines, key=lambda line: str(line["external_id"]))
    else:
        assert lines == sorted(lines, key=name)


async def test_control_a_changed_cell_is_one_change(
    demo: Transaction, released: Released, means: Means
) -> None:
    content = await exported(demo, released, K.OFFERINGS, FileFormat.CSV)
    changed = content.replace("图纸抽屉：水泵厂的版本管家".encode(), "图纸抽屉".encode())
    assert changed != content
    report = await imported(demo, changed, K.OFFERINGS, means, format_=FileFormat.CSV)
    assert (report.counts["offering"].changed, report.counts["offering"].unchanged) == (1, 159)
    report = await imported(demo, content, K.OFFERINGS, means, format_=FileFormat.CSV)
    assert report.counts["offering"].changed == 1


async def test_the_demo_files_themselves_change_nothing(demo: Transaction, means: Means) -> None:
    before = await rows(demo)
    for name, kind in (("smes", K.PROFILES), ("needs", K.NEEDS)):
        content = (SEEDS / "demo" / f"{name}.jsonl").read_bytes()
        report = await imported(demo, content, kind, means)
        assert report.is_sound
        assert report.counts[type_of(kind)].written == 0
    assert await rows(demo) == before


@pytest.mark.parametrize("kind", list(K))
async def test_a_dry_run_tells_what_would_become_of_it_and_writes_nothing(
    demo: Transaction, released: Released, means: Means, kind: K
) -> None:
    lines = parsed(await exported(demo, released, kind))[:3]
    lines[0]["external_id"] = f"dry-{lines[0]['external_id']}"
    before = await rows(demo)
    dry = Asked(is_dry_run=True)
    report = await imported(demo, jsonl_of(*lines), kind, means, asked=dry)
    assert report.is_sound, report.faults
    counts = report.counts[type_of(kind)]
    assert (counts.new, counts.changed, counts.unchanged) == (1, 0, 2)
    assert await rows(demo) == before
