"""`matchmaker import`, `export` and `template`: files in and out."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from matchmaker.cli import pool, session
from matchmaker.core.sheets import FileFormat
from matchmaker.core.sheets.writing import NotForSheets
from matchmaker.exchange.carrying import carry_in, kind_of, lines_of, write_file
from matchmaker.exchange.kinds import Asked, ExchangeKind
from matchmaker.taxonomy.fields import FieldCatalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.cli.session import Database
    from matchmaker.core.sheets import ImportReport
    from matchmaker.released import Released

_LISTED: Final = 50
_ENDINGS: Final = {
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".csv": FileFormat.CSV,
    ".xlsx": FileFormat.XLSX,
}
_CATALOG: Final = frozenset({ExchangeKind.PROVIDERS, ExchangeKind.OFFERINGS})
_OUT: Final = click.Path(dir_okay=False, writable=True, path_type=Path)


_KIND: Final = click.Choice([kind.value for kind in ExchangeKind])


def _as_kind(_: click.Context, __: click.Parameter, value: str | None) -> ExchangeKind | None:
    return None if value is None else ExchangeKind(value)


def _as_format(_: click.Context, __: click.Parameter, value: str | None) -> FileFormat | None:
    return None if value is None else FileFormat(value)


_FORMAT: Final = click.option(
    "--format",
    "format_",
    type=click.Choice([name.value for name in FileFormat]),
    callback=_as_format,
    help="Default: by its ending.",
)


class Told(NamedTuple):
    """What became of one file."""

    file: Path
    kind: ExchangeKind
    report: ImportReport


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Check everything and write nothing.")
@click.option("--report", type=_OUT, help="Write every fault to this file, one JSON object a line.")
@click.option(
    "--kind", type=click.Choice(list(ExchangeKind)), help="Default: what a file begins with."
)
@click.option(
    "--format", "format_", type=click.Choice(list(FileFormat)), help="Default: by its ending."
)
def import_files(
    files: tuple[Path, ...],
    report: Path | None,
    kind: ExchangeKind | None,
    format_: FileFormat | None,
    *,
    dry_run: bool,
) -> None:
    """Import providers, offerings, profiles or needs from FILES, each whole or not at all.

    JSON Lines, CSV or XLSX; `matchmaker template` makes a workbook to fill in.
    """
    released = session.released()
    with session.database(session.settings()) as running:
        told = asyncio.run(
            _import_all(running, released, files, kind=kind, format_=format_, is_dry_run=dry_run)
        )
        if not dry_run and any(each.kind in _CATALOG for each in told):
            asyncio.run(pool.ensure_index(running, released))
    if report is not None:
        report.write_bytes(b"".join(_fault_lines(told)))
    sys.exit(_tell(told))


@click.command()
@click.argument("kind", type=_KIND, callback=_as_kind)
@click.option("--out", required=True, type=_OUT, help="The file to write.")
@click.option(
    "--format", "format_", type=click.Choice(list(FileFormat)), help="Default: by its ending."
)
def export(kind: ExchangeKind, out: Path, format_: FileFormat | None) -> None:
    """Write all of KIND to a file that imports again as it is, in a fixed order."""
    released = session.released()
    as_ = format_ or _by_ending(out)
    with session.database(session.settings()) as running:
        made, number = asyncio.run(_export(running, released, kind, as_))
    out.write_bytes(made)
    click.echo(f"{number} {kind.value}")


@click.command()
@click.argument("kind", type=_KIND, callback=_as_kind)
@click.option("--out", required=True, type=_OUT, help="The workbook to write, ending in .xlsx.")
def template(kind: ExchangeKind, out: Path) -> None:
    """Write an empty workbook for KIND: its columns, what each asks, and the codes."""
    # Late: no other command here waits for what writes workbooks.
    from matchmaker.exchange.template import write_template

    made = io.BytesIO()
    write_template(made, kind, FieldCatalogue(session.released().taxonomy))
    out.write_bytes(made.getvalue())


async def _import_all(
    running: Database,
    released: Released,
    files: Sequence[Path],
    *,
    kind: ExchangeKind | None,
    format_: FileFormat | None,
    is_dry_run: bool,
) -> list[Told]:
    """What became of each file, each in a transaction of its own."""
    told: list[Told] = []
    for file in files:
        as_ = format_ or _by_ending(file)
        with file.open("rb") as stream:
            about = kind or kind_of(stream, as_)
            if about is None:
                raise click.ClickException(f"{file}: cannot tell what it holds; say --kind")
            async with running.transaction() as session_:
                report = await carry_in(
                    session_,
                    stream,
                    as_,
                    kind=about,
                    means=released.means(),
                    asked=Asked(is_dry_run=is_dry_run),
                )
        told.append(Told(file, about, report))
    return told


async def _export(
    running: Database, released: Released, kind: ExchangeKind, format_: FileFormat
) -> tuple[bytes, int]:
    async with running.transaction() as session_:
        lines = await lines_of(session_, kind, None)
    made = io.BytesIO()
    try:
        write_file(made, format_, kind=kind, lines=lines, fields=released.checker.fields)
    except NotForSheets as failure:
        raise click.ClickException(
            f"no cell can hold the text that begins {str(failure)!r}; use --format jsonl"
        ) from failure
    return made.getvalue(), len(lines)


def _by_ending(file: Path) -> FileFormat:
    found = _ENDINGS.get(file.suffix.lower())
    if found is None:
        raise click.ClickException(
            f"{file}: say --format; it does not end in {', '.join(_ENDINGS)}"
        )
    return found


def _fault_lines(told: Sequence[Told]) -> list[bytes]:
    encode = msgspec.json.encode
    return [
        encode({"file": file.name, **msgspec.to_builtins(fault)}) + b"\n"
        for file, _, report in told
        for fault in report.faults
    ]


def _tell(told: Sequence[Told]) -> int:
    """Print what became of the files; 0 when every one is sound."""
    console = Console()
    table = Table("file", "lines", "new", "changed", "unchanged", "rejected")
    for file, _, report in told:
        counts = report.counts.values()
        table.add_row(
            file.name,
            str(report.lines),
            *(
                str(sum(getattr(c, name) for c in counts))
                for name in ("new", "changed", "unchanged")
            ),
            str(report.rejected),
        )
    console.print(table)
    for file, _, report in told:
        for fault in report.faults[:_LISTED]:
            place = (
                f"{file.name}:{fault.line}"
                if fault.sheet is None
                else (f"{file.name}:{fault.sheet}:{fault.line}")
            )
            at = fault.column or fault.pointer
            said = fault.message.in_language("en")
            console.print(escape(f"{place} {at} {fault.code}: {said}"))
        if len(report.faults) > _LISTED:
            rest = len(report.faults) - _LISTED
            console.print(f"{file.name}: {rest} more; --report FILE writes all of them")
    return 0 if all(report.is_sound for _, _, report in told) else 1
