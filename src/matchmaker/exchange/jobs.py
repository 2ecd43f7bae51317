"""What a worker does with files: each in one transaction, so one that is killed leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import io
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from matchmaker.core.access import RoleMissing
from matchmaker.core.jobs import Context, Cron, GiveUp, Handler, Stopped
from matchmaker.core.sheets.lines import Progress
from matchmaker.core.sheets.writing import NotForSheets
from matchmaker.exchange import carrying, queries, service
from matchmaker.exchange.kinds import Asked, ExchangeKind, Means
from matchmaker.exchange.models import ExportFile, ExportId, ImportFile, ImportId
from matchmaker.identity.access import note
from matchmaker.identity.principals import acting
from matchmaker.identity.sightings import service as sightings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from matchmaker.core.db import ReadSession
    from matchmaker.core.sheets import ImportReport
    from matchmaker.identity.access import Principal

PRUNE: Final = "exchange.prune"
KEPT_DAYS: Final = 30
CRONS: Final = (Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=6)),)
_TELL_EVERY: Final = 0.5
NOT_FOR_SHEETS: Final = "not_for_sheets"

if TYPE_CHECKING:
    Reading = Callable[[], AbstractAsyncContextManager[ReadSession]]
_encoder = msgspec.json.Encoder()


def handlers(means: Means, reading: Reading) -> Mapping[str, Handler]:
    """What is done by kind of job; ``reading`` opens a read-only transaction of its own.

    A file is read outside the transaction in which it is written: that one would idle meanwhile,
    and the server ends what idles.
    """
    return {
        service.IMPORT: functools.partial(_import, means, reading),
        service.EXPORT: functools.partial(_export, means, reading),
        PRUNE: _prune,
    }


async def _import(
    means: Means, reading: Reading, context: Context, payload: dict[str, Any]
) -> dict[str, Any]:
    import_id = ImportId(UUID(payload["id"]))
    async with reading() as session:
        found = await queries.import_to_do(session, import_id)
        if found is None:
            raise GiveUp("the file is gone")
        file, content = found
        principal = await _acting(session, file)
    with _refusals():
        service.check_importer(principal, file.kind)
    progress = Progress()
    async with _told(context, progress):
        report = await carrying.carry_in(
            context.session,
            io.BytesIO(content),
            file.format,
            kind=file.kind,
            means=means,
            asked=Asked(principal=principal, is_dry_run=file.is_dry_run, progress=progress),
        )
    outcome = outcome_of(report, is_dry_run=file.is_dry_run)
    lines = b"".join(_encoder.encode(fault) + b"\n" for fault in report.faults)
    await queries.settle_import(context.session, import_id, outcome, lines)
    return outcome


def outcome_of(report: ImportReport, *, is_dry_run: bool) -> dict[str, Any]:
    """What is kept of a report beside its faults."""
    return {
        "lines": report.lines,
        "rejected": report.rejected,
        "found": report.found,
        "written": report.is_sound and not is_dry_run,
        "counts": msgspec.to_builtins(report.counts),
    }


async def _export(
    means: Means, reading: Reading, context: Context, payload: dict[str, Any]
) -> dict[str, Any]:
    export_id = ExportId(UUID(payload["id"]))
    async with reading() as session:
        file = await queries.export_to_do(session, export_id)
        if file is None:
            raise GiveUp("nobody waits for the file")
        principal = await _acting(session, file)
        with _refusals():
            service.check_exporter(principal, file.kind)
        owner = service.exported_owner(principal)
        lines = await carrying.lines_of(session, file.kind, owner)
        if owner is None:
            await _note(session, principal, file.kind)
    await context.progress(0, len(lines), "writing")
    made = io.BytesIO()
    write = functools.partial(
        carrying.write_file,
        made,
        file.format,
        kind=file.kind,
        lines=lines,
        fields=means.checker.fields,
    )
    try:
        await asyncio.to_thread(write)
    except NotForSheets:
        await queries.settle_export(context.session, export_id, {"refusal": NOT_FOR_SHEETS})
        return {"lines": None, "refusal": NOT_FOR_SHEETS}
    values = {"content": made.getvalue(), "lines": len(lines)}
    await queries.settle_export(context.session, export_id, values)
    await sightings.record(context.session, principal, principal.looks)
    return {"lines": len(lines), "refusal": None}


async def _note(session: ReadSession, principal: Principal, kind: ExchangeKind) -> None:
    """Have it noted whose needs or profiles ``principal`` gets in the file."""
    if kind is ExchangeKind.NEEDS:
        for owner, id_ in await queries.needs_of_all(session):
            note(principal, owner, "need", id_, way="exported")
    elif kind is ExchangeKind.PROFILES:
        for owner, id_ in await queries.profiles_of_all(session):
            note(principal, owner, "profile", id_, way="exported")


async def _prune(context: Context, _: dict[str, Any]) -> dict[str, Any]:
    """Remove files that were handed in or made long ago."""
    return {"removed": await queries.prune(context.session, dt.timedelta(days=KEPT_DAYS))}


async def _acting(session: ReadSession, file: ImportFile | ExportFile) -> Principal:
    """Whoever asked, in the roles and scopes they have now.

    Raises:
        GiveUp: the key, the member or their organisation acts no more.
    """
    principal = await acting(session, file.requested_by, file.requested_by_member)
    if principal is None:
        raise GiveUp("whoever asked for it acts no more")
    return principal


@contextlib.contextmanager
def _refusals() -> Any:  # noqa: ANN401  (a generator of nothing)
    try:
        yield
    except RoleMissing as refused:
        raise GiveUp("whoever asked for it may no longer do so") from refused


@contextlib.asynccontextmanager
async def _told(context: Context, progress: Progress) -> AsyncIterator[None]:
    """The progress is told as long as this is open."""
    task = asyncio.create_task(_tell(context, progress))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Stopped):
            await task


async def _tell(context: Context, progress: Progress) -> None:
    while True:
        await asyncio.sleep(_TELL_EVERY)
        is_read = progress.total and progress.read >= progress.total
        done, note = (progress.written, "writing") if is_read else (progress.read, "reading")
        # Below the total: the last one of all is never left out, and would be told again and again.
        await context.progress(min(done, max(progress.total - 1, 0)), progress.total, note)
