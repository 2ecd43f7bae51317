"""Every statement about files that are carried in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, func, literal, or_, select, update

from matchmaker.core.jobs.models import StoredJob
from matchmaker.demand.models import Need
from matchmaker.enterprise.models import Profile
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.exchange.models import ExportFile, ExportId, ImportFile, ImportId

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId

_TELLING: Final = (ExchangeKind.PROFILES, ExchangeKind.NEEDS)


# With its job in one statement: read one after the other, a job could be done whose file is not.
async def find_import(
    session: ReadSession, import_id: ImportId, owner: OrganisationId
) -> tuple[ImportFile, StoredJob | None] | None:
    """The import of ``owner``, its content and report apart, and its job if that is still kept."""
    rows = await session.execute(
        select(ImportFile, StoredJob)
        .outerjoin(StoredJob, StoredJob.id == ImportFile.job_id)
        .where(ImportFile.id == import_id, ImportFile.organisation_id == owner),
        execution_options={"populate_existing": True},
    )
    row = rows.one_or_none()
    return None if row is None else (row[0], row[1])


async def find_export(
    session: ReadSession, export_id: ExportId, owner: OrganisationId
) -> tuple[ExportFile, StoredJob | None] | None:
    """The export of ``owner``, its content apart, and its job if that is still kept."""
    rows = await session.execute(
        select(ExportFile, StoredJob)
        .outerjoin(StoredJob, StoredJob.id == ExportFile.job_id)
        .where(ExportFile.id == export_id, ExportFile.organisation_id == owner),
        execution_options={"populate_existing": True},
    )
    row = rows.one_or_none()
    return None if row is None else (row[0], row[1])


async def import_to_do(
    session: ReadSession, import_id: ImportId
) -> tuple[ImportFile, bytes] | None:
    """The import with what was handed in."""
    rows = await session.execute(
        select(ImportFile, ImportFile.content).where(ImportFile.id == import_id)
    )
    row = rows.one_or_none()
    return None if row is None else (row[0], row[1])


async def export_to_do(session: ReadSession, export_id: ExportId) -> ExportFile | None:
    """The export, whoever asked for it."""
    found: ExportFile | None = await session.scalar(
        select(ExportFile).where(ExportFile.id == export_id)
    )
    return found


async def report_of(session: ReadSession, import_id: ImportId) -> bytes | None:
    """The faults of the import as JSON Lines; None until it is done."""
    found: bytes | None = await session.scalar(
        select(ImportFile.report).where(ImportFile.id == import_id)
    )
    return found


async def content_of(session: ReadSession, export_id: ExportId) -> bytes | None:
    """The file that was made; None until it is."""
    found: bytes | None = await session.scalar(
        select(ExportFile.content).where(ExportFile.id == export_id)
    )
    return found


async def add(session: Session, row: ImportFile | ExportFile) -> None:
    """Add the row; its time is known afterwards."""
    session.add(row)
    await session.flush()


async def settle_import(
    session: Session, import_id: ImportId, outcome: dict[str, Any], report: bytes
) -> None:
    """Say what became of the import."""
    await session.execute(
        update(ImportFile)
        .where(ImportFile.id == import_id)
        .values(outcome=outcome, report=report)
        .execution_options(synchronize_session=False)
    )


async def settle_export(session: Session, export_id: ExportId, values: dict[str, Any]) -> None:
    """Keep the file that was made, or why it was not."""
    await session.execute(
        update(ExportFile)
        .where(ExportFile.id == export_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def prune(session: Session, age: dt.timedelta) -> int:
    """How many files older than ``age`` were removed."""
    removed = 0
    for model in (ImportFile, ExportFile):
        gone = await session.execute(
            delete(model)
            .where(model.created_at < func.now() - age)
            .returning(model.id)
            .execution_options(synchronize_session=False)
        )
        removed += len(gone.all())
    return removed


async def needs_of_all(session: ReadSession) -> list[tuple[OrganisationId, UUID]]:
    """Every need that there is, and whose it is."""
    rows = await session.execute(select(Need.organisation_id, Need.id))
    return [(owner, id_) for owner, id_ in rows]


async def profiles_of_all(session: ReadSession) -> list[tuple[OrganisationId, UUID]]:
    """Every firm that has a profile, as whose it is and as what it is."""
    rows = await session.execute(select(Profile.organisation_id))
    return [(owner, owner) for (owner,) in rows]


async def files_of(session: ReadSession, member_ids: Collection[UUID]) -> list[tuple[UUID, str]]:
    """The files that these members handed in or asked for."""
    found: list[tuple[UUID, str]] = []
    for model in (ImportFile, ExportFile):
        rows = await session.execute(
            select(model.id, model.kind).where(model.requested_by_member.in_(member_ids))
        )
        found += [(id_, kind.value) for id_, kind in rows]
    return found


async def erase_files(
    session: Session, member_ids: Collection[UUID], firms: Collection[UUID]
) -> int:
    """Remove the files of these members and firms; how many.

    With a firm go all files of needs and profiles: which of them tell of it, nobody can say.
    """
    removed = 0
    for model in (ImportFile, ExportFile):
        theirs = or_(
            model.requested_by_member.in_(member_ids),
            model.organisation_id.in_(firms),
            and_(literal(bool(firms)), model.kind.in_(_TELLING)),
        )
        gone = await session.execute(delete(model).where(theirs).returning(model.id))
        removed += len(gone.all())
    return removed
