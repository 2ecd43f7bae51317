"""Import and export over HTTP: files are handed in and asked for, jobs do the rest."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from matchmaker.core.access import RoleMissing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.edges import WrongMediaType
from matchmaker.core.limits import under
from matchmaker.core.once import creates
from matchmaker.core.openapi import ANSWERS
from matchmaker.core.problems import problems
from matchmaker.core.sheets import FileFormat, LineFault
from matchmaker.core.sheets.formats import BY_MEDIA_TYPE, MEDIA_TYPES
from matchmaker.exchange import queries, schemas, service
from matchmaker.exchange.errors import ExportNotFound, FileNotReady, ImportNotFound
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.exchange.models import ExportId, ImportId
from matchmaker.feed.controllers import progress_to_wire
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope

DryRun = Annotated[
    bool, QueryParameter(name="dry_run", description="Check everything and write nothing")
]
_SHOWN: Final = 100
_LOCATION: Final = (
    ResponseHeader(
        name="Location", description="Where to ask how far it is", documentation_only=True
    ),
)
_ALL_FORMATS: Final = tuple(MEDIA_TYPES.values())


class ImportController(Controller):
    """Files handed in."""

    path = "/imports"
    tags = ("Exchange",)
    opt = access.needs(Scope.IMPORTS_WRITE)

    @post(
        operation_id="createImport",
        status_code=202,
        opt={"accepts": _ALL_FORMATS, **creates(), **under("imports")},
        response_headers=_LOCATION,
        responses=problems(RoleMissing),
    )
    async def create(
        self,
        *,
        kind: FromQuery[ExchangeKind],
        request: Request[Any, Any, State],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        dry_run: DryRun = False,
    ) -> Response[schemas.Import]:
        """Hand in a file of lines; a job checks it and writes all of it or nothing.

        Content-Type says the format. What operators hand in is anybody's, and their offerings
        become published. A provider hands in its own card and offerings, which become drafts and
        changes as its edits do; a firm its own profile and needs.
        """
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in BY_MEDIA_TYPE:
            # The guard lets a request pass that has neither a body nor a type.
            raise WrongMediaType
        made = await service.hand_in(
            session,
            principal,
            await request.body(),
            kind=kind,
            format_=BY_MEDIA_TYPE[given],
            is_dry_run=dry_run,
        )
        headers = {"Location": f"/v1/imports/{made.file.id}"}
        return Response(import_to_wire(made, b""), status_code=202, headers=headers)

    @get(
        "/{import_id:uuid}",
        operation_id="getImport",
        responses=problems(ImportNotFound),
    )
    async def read(
        self,
        import_id: FromPath[ImportId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> schemas.Import:
        """Read how far an import is, and what became of its lines."""
        found = await service.find_import(read_session, import_id, principal)
        if found.file.outcome is None:
            return import_to_wire(found, b"")
        return import_to_wire(found, await queries.report_of(read_session, import_id) or b"")

    @get(
        "/{import_id:uuid}/report",
        operation_id="getImportReport",
        opt={ANSWERS: (FileFormat.JSONL.media_type,)},
        responses=problems(ImportNotFound, FileNotReady),
    )
    async def report(
        self,
        import_id: FromPath[ImportId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> Response[bytes]:
        """Read every fault of an import that is done, one JSON object a line."""
        report = await service.report_of(read_session, import_id, principal)
        return Response(report, media_type=FileFormat.JSONL.media_type)


class ExportController(Controller):
    """Files asked for."""

    path = "/exports"
    tags = ("Exchange",)
    opt = access.needs(Scope.EXPORTS_READ)

    @post(
        operation_id="createExport",
        opt=creates(),
        status_code=202,
        response_headers=_LOCATION,
        responses=problems(RoleMissing),
    )
    async def create(
        self,
        *,
        data: JSONBody[schemas.ExportRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Export]:
        """Ask for a file that would import again as it is, in a fixed order.

        An operator gets everybody's lines, offerings as they are published; a provider its own card
        and offerings, those as it last wrote them; a firm its own profile and needs.
        """
        made = await service.ask_for(session, principal, kind=data.kind, format_=data.format)
        headers = {"Location": f"/v1/exports/{made.file.id}"}
        return Response(export_to_wire(made), status_code=202, headers=headers)

    @get("/{export_id:uuid}", operation_id="getExport", responses=problems(ExportNotFound))
    async def read(
        self,
        export_id: FromPath[ExportId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> schemas.Export:
        """Read how far an export is and, once it is made, how many lines it holds."""
        return export_to_wire(await service.find_export(read_session, export_id, principal))

    @get(
        "/{export_id:uuid}/file",
        operation_id="getExportFile",
        opt={ANSWERS: _ALL_FORMATS},
        responses=problems(ExportNotFound, FileNotReady),
    )
    async def file(
        self,
        export_id: FromPath[ExportId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> Response[bytes]:
        """Take the file away; it is kept for 30 days."""
        file, content = await service.content_of(read_session, export_id, principal)
        name = f"{file.kind.value}.{file.format.value}"
        return Response(
            content,
            media_type=file.format.media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def import_to_wire(found: service.AnImport, report: bytes) -> schemas.Import:
    """The public view of an import, with the first lines of its report."""
    file, job = found
    shown = report.split(b"\n", _SHOWN)[:_SHOWN]
    return schemas.Import(
        id=file.id,
        job_id=file.job_id,
        kind=file.kind,
        format=file.format,
        dry_run=file.is_dry_run,
        state=service.state_of(found),
        progress=None if job is None else progress_to_wire(job),
        outcome=msgspec.convert(file.outcome, schemas.ImportOutcome | None),
        faults=[msgspec.json.decode(line, type=LineFault) for line in shown if line],
        created_at=file.created_at,
    )


def export_to_wire(found: service.AnExport) -> schemas.Export:
    """The public view of an export."""
    file, job = found
    return schemas.Export(
        id=file.id,
        job_id=file.job_id,
        kind=file.kind,
        format=file.format,
        state=service.state_of(found),
        progress=None if job is None else progress_to_wire(job),
        lines=file.lines,
        refusal=file.refusal,
        created_at=file.created_at,
    )


CONTROLLERS: Final = (ImportController, ExportController)
