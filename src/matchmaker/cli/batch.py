"""`matchmaker batch`: every firm of a cohort matched at once, without a server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import click
import msgspec
from rich.table import Table

from matchmaker.cli import session, show
from matchmaker.core.clock import utc_now
from matchmaker.identity import queries as identity
from matchmaker.identity.access import at_console
from matchmaker.matching.batches import jobs, reporting, service
from matchmaker.matching.batches.declaration import BatchRequest
from matchmaker.matching.cohorts import queries as cohorts
from matchmaker.matching.cohorts.errors import CohortNotFound
from matchmaker.matching.cohorts.models import CohortId
from matchmaker.working import batch_means

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.cli.session import Database
    from matchmaker.core import db
    from matchmaker.matching.batches.jobs import Means
    from matchmaker.matching.batches.schemas import BatchReport
    from matchmaker.matching.batches.scoring import Asked, Entrant

_OUT: Final = click.Path(dir_okay=False, writable=True, path_type=Path)
_LISTED: Final = 10


class _Read(NamedTuple):
    """What a batch needs of the database."""

    request: BatchRequest
    asked: Asked
    firms: list[Entrant]


@click.command()
@click.argument("cohort", type=click.UUID)
@click.option(
    "--request",
    type=click.File("rb"),
    required=True,
    help="JSON as for POST /v1/match/batch, without whose matches: need, capacity, floors ...",
)
@click.option("--results", type=_OUT, help="Write what came of each firm: .csv, else JSON Lines.")
@click.option("--report", type=_OUT, help="Write the batch in sum: .csv, else JSON.")
@click.option("--processes", type=click.IntRange(1, 64), help="Default: as the settings say.")
def batch(
    *,
    cohort: UUID,
    request: IO[bytes],
    results: Path | None,
    report: Path | None,
    processes: int | None,
) -> None:
    """Match every firm of COHORT (its id) as the organisation that keeps it; nothing is stored."""
    asked = _read(request.read(), cohort)
    settings, released = session.settings(), session.released()
    means = batch_means(released, settings)
    if processes is not None:
        means = jobs.Means(means.matcher, means.where, processes)
    with session.database(settings) as running:
        found, lines = asyncio.run(run(running, means, asked))
    if results is not None:
        is_table = results.suffix == ".csv"
        results.write_bytes(reporting.lines_as_csv(lines) if is_table else lines)
    if report is not None:
        is_table = report.suffix == ".csv"
        report.write_bytes(
            reporting.report_as_csv(found) if is_table else msgspec.json.encode(found)
        )
    _tell(found)


def _read(content: bytes, cohort: UUID) -> BatchRequest:
    try:
        said = msgspec.json.decode(content, type=dict[str, object])
        return msgspec.convert({**said, "cohort_id": str(cohort)}, BatchRequest)
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"request: {error}") from error


async def run(running: Database, means: Means, request: BatchRequest) -> tuple[BatchReport, bytes]:
    """What came of the batch: in sum, and line by line."""
    async with running.transaction() as found:
        read = await _firms(found, means, request)

    async def silent(*_: object) -> None:
        """Nobody polls it."""

    limits = service.limits_of(request)
    return await jobs.done(means, read.asked, read.firms, limits, tell=silent)


async def _firms(found: db.Session, means: Means, request: BatchRequest) -> _Read:
    """The firms as the organisation of the cohort may match them now.

    Raises:
        CohortNotFound: there is none.
        UnusableInput: the request names what there is not.
    """
    assert request.cohort_id is not None  # noqa: S101  (given on the line)
    cohort = await cohorts.find_cohort(found, CohortId(request.cohort_id))
    keeper = None if cohort is None else await identity.organisation(found, cohort.organisation_id)
    if keeper is None:
        raise CohortNotFound
    principal = at_console(keeper)
    await service.check(found, means.matcher, request, principal)
    asked = await service.asked_of(found, request, principal, as_of=utc_now())
    return _Read(request, asked, await service.entrants(found, request, principal))


def _tell(found: BatchReport) -> None:
    console = show.console()
    console.print(f"firms {found.firms}, matched {found.matched}, mean fit {found.mean_fit}")
    for why, count in found.unmatched.items():
        console.print(f"  {why}: {count}")
    proof = found.certificate
    if proof is not None:
        console.print(
            f"proven best over {proof.pairs} pairs, floors {proof.floors_filled} of"
            f" {proof.floors_asked}"
        )
    table = Table("offering", "wanted", "given", "capacity", "congestion", box=None)
    for each in sorted(found.offerings, key=lambda each: -each.load)[:_LISTED]:
        capacity = "" if each.capacity is None else str(each.capacity)
        title = each.title.in_language("en")
        table.add_row(title, str(each.wanted), str(each.load), capacity, f"{each.congestion:.2f}")
    console.print(table)
