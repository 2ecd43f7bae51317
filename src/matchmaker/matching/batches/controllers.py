"""Batches over HTTP: asked for, polled, taken away."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import etags, limits
from matchmaker.core.access import ScopeMissing
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import creates
from matchmaker.core.openapi import ANSWERS
from matchmaker.core.problems import problems
from matchmaker.core.sheets import FileFormat
from matchmaker.core.wire import Page
from matchmaker.feed.controllers import progress_to_wire
from matchmaker.identity.access import Principal, Scope, needs
from matchmaker.matching.batches import queries, reporting, schemas, service
from matchmaker.matching.batches.declaration import BatchRequest
from matchmaker.matching.batches.errors import BatchNotFound, BatchNotReady
from matchmaker.matching.batches.models import BatchId
from matchmaker.matching.batches.schemas import LineFormat
from matchmaker.matching.cohorts.controllers import PORTALS
from matchmaker.matching.cohorts.errors import CohortNotFound
from matchmaker.matching.index import IndexNotReady
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.run import instant
from matchmaker.taxonomy.errors import UnusableInput

Caller = NamedDependency[SkipValidation[Principal]]
AsLines = Annotated[LineFormat, QueryParameter(description="JSON Lines, or a table")]

_READ: Final = needs(Scope.MATCH_READ, roles=PORTALS)
_RUN: Final = needs(Scope.MATCH_RUN, roles=PORTALS)
_CSV: Final = FileFormat.CSV.media_type
_JSONL: Final = FileFormat.JSONL.media_type
_LOCATION: Final = (
    ResponseHeader(
        name="Location", description="Where to ask how far it is", documentation_only=True
    ),
)


class BatchController(Controller):
    """Matches of a whole cohort."""

    path = "/match/batch"
    tags = ("Batch",)

    @post(
        operation_id="startBatch",
        opt={**_RUN, **creates(), **limits.under("imports")},
        status_code=202,
        response_headers=_LOCATION,
        responses=problems(UnusableInput, IndexNotReady, CohortNotFound, ScopeMissing),
    )
    async def start(
        self,
        *,
        data: JSONBody[BatchRequest],
        session: NamedDependency[Session],
        matcher: NamedDependency[SkipValidation[Matcher]],
        principal: Caller,
    ) -> Response[schemas.Batch]:
        """Match every firm of a cohort, and where places are few share them out for the best sum.

        A job does it: each firm gets just what a single match would show it, then each at most one
        offering so that no capacity is exceeded, floors are met where they can be, and the sum of
        fit is the greatest there is, which the report proves. Without capacities and floors it is
        everybody's own first. An agency matches the firms that allow it to see them by name, an
        operator all, and either firms of its own books that it lists with their profiles.
        """
        made = await service.start(session, matcher, data, principal)
        headers = {"Location": f"/v1/match/batch/{made.batch.id}"}
        return Response(to_wire(made), status_code=202, headers=headers)

    @get(operation_id="listBatches", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        principal: Caller,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.BatchSummary]:
        """List the batches of the own organisation, newest first; they are kept for 30 days."""
        owner = principal.organisation_id
        listing = Listing("batches", None, owner)
        after = cursors.read(cursor, listing)
        found = await queries.list_batches(read_session, owner, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda each: each[0].id)
        return Page(items=[_summary(service.ABatch(*each)) for each in shown], page=page)

    @get(
        "/{batch_id:uuid}",
        operation_id="getBatch",
        opt=_READ,
        responses=problems(BatchNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        batch_id: FromPath[BatchId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> Response[schemas.Batch]:
        """Read how far a batch is; If-None-Match makes polling cheap, its job can be cancelled."""
        found = await service.find(read_session, batch_id, principal)
        return etags.tagged(to_wire(found), 1 if found.job is None else found.job.revision)

    @get(
        "/{batch_id:uuid}/results",
        operation_id="getBatchResults",
        opt={**_READ, ANSWERS: (_JSONL, _CSV)},
        responses=problems(BatchNotFound, BatchNotReady, ScopeMissing),
    )
    async def results(
        self,
        *,
        batch_id: FromPath[BatchId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        format: AsLines = LineFormat.JSONL,  # noqa: A002  (the name on the wire)
    ) -> Response[bytes]:
        """Take what came of each firm: its offering, its single match, or why there is nothing.

        One line for each firm, in a fixed order. Firms that do not allow to be named any more are
        left out.
        """
        lines = await service.lines(read_session, batch_id, principal)
        if format is LineFormat.CSV:
            return _file(reporting.lines_as_csv(lines), _CSV, "results.csv")
        return _file(lines, _JSONL, "results.jsonl")

    @get(
        "/{batch_id:uuid}/report",
        operation_id="getBatchReport",
        opt=_READ,
        responses=problems(BatchNotFound, BatchNotReady),
    )
    async def report(
        self,
        *,
        batch_id: FromPath[BatchId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> schemas.BatchReport:
        """Read the batch in sum: matched, unmatched and why, load, exposure, congestion, proof."""
        return await service.report(read_session, batch_id, principal)

    @get(
        "/{batch_id:uuid}/report/table",
        operation_id="getBatchReportTable",
        opt={**_READ, ANSWERS: (_CSV,)},
        responses=problems(BatchNotFound, BatchNotReady),
    )
    async def table(
        self,
        *,
        batch_id: FromPath[BatchId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> Response[bytes]:
        """Take what came of each offering as a table: wanted, given, shown, congestion."""
        report = await service.report(read_session, batch_id, principal)
        return _file(reporting.report_as_csv(report), _CSV, "report.csv")


def to_wire(found: service.ABatch) -> schemas.Batch:
    """A batch as it is polled."""
    batch, job = found.batch, found.job
    return schemas.Batch(
        id=batch.id,
        organisation_id=batch.organisation_id,
        job_id=batch.job_id,
        state=found.state,
        progress=None if job is None else progress_to_wire(job),
        as_of=instant(batch.as_of),
        request=service.request_of(batch),
        created_at=batch.created_at,
    )


def _summary(found: service.ABatch) -> schemas.BatchSummary:
    batch = found.batch
    return schemas.BatchSummary(
        id=batch.id,
        job_id=batch.job_id,
        state=found.state,
        as_of=instant(batch.as_of),
        created_at=batch.created_at,
    )


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=disposition)
