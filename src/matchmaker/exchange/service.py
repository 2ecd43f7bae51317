"""Use-cases of import and export over HTTP: who may ask, what is kept, what a job then does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.core import jobs
from matchmaker.core.access import RoleMissing
from matchmaker.core.ids import uuid7
from matchmaker.core.jobs import Job, JobState
from matchmaker.exchange import queries
from matchmaker.exchange.errors import ExportNotFound, FileNotReady, ImportNotFound
from matchmaker.exchange.kinds import KINDS
from matchmaker.exchange.models import ExportFile, ExportId, ImportFile, ImportId
from matchmaker.feed import queries as feed
from matchmaker.identity.models import OrganisationId, OrganisationRole

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.jobs.models import StoredJob
    from matchmaker.core.sheets import FileFormat
    from matchmaker.exchange.kinds import ExchangeKind
    from matchmaker.identity.access import Principal

IMPORT: Final = "exchange.import"
EXPORT: Final = "exchange.export"
QUEUE: Final = "exchange"


class AnImport(NamedTuple):
    """An import with its job, as far as that is still kept."""

    file: ImportFile
    job: StoredJob | None


class AnExport(NamedTuple):
    """An export with its job, as far as that is still kept."""

    file: ExportFile
    job: StoredJob | None


def check_importer(principal: Principal, kind: ExchangeKind) -> None:
    """Let ``principal`` import this kind: an operator for all, a firm its own.

    Raises:
        RoleMissing: they may not.
    """
    _check(principal, KINDS[kind].importers)


def check_exporter(principal: Principal, kind: ExchangeKind) -> None:
    """Let ``principal`` export this kind: an operator all of it, others their own.

    Raises:
        RoleMissing: they may not.
    """
    _check(principal, KINDS[kind].exporters)


def _check(principal: Principal, roles: frozenset[OrganisationRole]) -> None:
    if not principal.roles & roles:
        raise RoleMissing(extra={"roles": sorted(role.value for role in roles)})


def exported_owner(principal: Principal) -> OrganisationId | None:
    """Whose lines an export of ``principal`` holds; None: everybody's."""
    is_operator = OrganisationRole.OPERATOR in principal.roles
    return None if is_operator else principal.organisation_id


async def hand_in(
    session: Session,
    principal: Principal,
    content: bytes,
    *,
    kind: ExchangeKind,
    format_: FileFormat,
    is_dry_run: bool,
) -> AnImport:
    """The import that a job will do.

    Raises:
        RoleMissing: the caller may not import this kind.
    """
    check_importer(principal, kind)
    import_id = ImportId(uuid7())
    file = ImportFile(
        id=import_id,
        organisation_id=principal.organisation_id,
        requested_by=principal.key_id,
        requested_by_member=None if principal.seat is None else principal.seat.member_id,
        job_id=await _enqueue(session, IMPORT, principal, str(import_id)),
        kind=kind,
        format=format_,
        is_dry_run=is_dry_run,
        content=content,
    )
    await queries.add(session, file)
    return AnImport(file, await feed.find_job(session, file.job_id))


async def ask_for(
    session: Session, principal: Principal, *, kind: ExchangeKind, format_: FileFormat
) -> AnExport:
    """The export that a job will make.

    Raises:
        RoleMissing: the caller may not export this kind.
    """
    check_exporter(principal, kind)
    export_id = ExportId(uuid7())
    file = ExportFile(
        id=export_id,
        organisation_id=principal.organisation_id,
        requested_by=principal.key_id,
        requested_by_member=None if principal.seat is None else principal.seat.member_id,
        job_id=await _enqueue(session, EXPORT, principal, str(export_id)),
        kind=kind,
        format=format_,
    )
    await queries.add(session, file)
    return AnExport(file, await feed.find_job(session, file.job_id))


async def _enqueue(session: Session, kind: str, principal: Principal, id_: str) -> jobs.JobId:
    payload = {"id": id_}
    job = Job(kind=kind, payload=payload, queue=QUEUE, organisation_id=principal.organisation_id)
    return await jobs.enqueue(session, job)


async def find_import(session: ReadSession, import_id: ImportId, reader: Principal) -> AnImport:
    """The import, for whoever handed it in.

    Raises:
        ImportNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_import(session, import_id, reader.organisation_id)
    if found is None:
        raise ImportNotFound
    return AnImport(*found)


async def find_export(session: ReadSession, export_id: ExportId, reader: Principal) -> AnExport:
    """The export, for whoever asked for it.

    Raises:
        ExportNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_export(session, export_id, reader.organisation_id)
    if found is None:
        raise ExportNotFound
    return AnExport(*found)


async def report_of(session: ReadSession, import_id: ImportId, reader: Principal) -> bytes:
    """Every fault of the import as JSON Lines.

    Raises:
        ImportNotFound: there is no such import, or it is somebody else's.
        FileNotReady: it is not done.
    """
    found = await find_import(session, import_id, reader)
    report = await queries.report_of(session, import_id)
    if report is None:
        raise FileNotReady(extra={"state": state_of(found).value})
    return report


async def content_of(
    session: ReadSession, export_id: ExportId, reader: Principal
) -> tuple[ExportFile, bytes]:
    """The file that was made.

    Raises:
        ExportNotFound: there is no such export, or it is somebody else's.
        FileNotReady: it is not made yet, or cannot be.
    """
    found = await find_export(session, export_id, reader)
    content = await queries.content_of(session, export_id)
    if content is None:
        raise FileNotReady(extra={"state": state_of(found).value})
    return found.file, content


def state_of(found: AnImport | AnExport) -> JobState:
    """Where its job stands; a job that is no longer kept was done."""
    return JobState.DONE if found.job is None else found.job.state
