"""Imports and exports on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.core.jobs.models import JobId, JobState
from matchmaker.core.sheets import Counts, FileFormat, LineFault
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.exchange.models import ExportId, ImportId
from matchmaker.feed.schemas import JobProgress


class ImportOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: with one line rejected, nothing of it was written."""

    lines: int
    rejected: Annotated[int, msgspec.Meta(description="Lines with at least one fault")]
    found: Annotated[int, msgspec.Meta(description="Faults in all; the report names each")]
    written: Annotated[bool, msgspec.Meta(description="False with a fault, and in a dry run")]
    counts: Annotated[
        dict[str, Counts],
        msgspec.Meta(description="By type of line; in a dry run what would have become of them"),
    ]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was handed in, how far its job is, and what became of it."""

    id: ImportId
    job_id: JobId
    kind: ExchangeKind
    format: FileFormat
    dry_run: bool
    state: JobState
    progress: JobProgress | None
    outcome: ImportOutcome | None
    faults: Annotated[list[LineFault], msgspec.Meta(description="The first 100, in order of lines")]
    created_at: dt.datetime


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to make a file of: an operator gets everybody's, others their own."""

    kind: ExchangeKind
    format: FileFormat = FileFormat.JSONL


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was asked for, and how far its job is."""

    id: ExportId
    job_id: JobId
    kind: ExchangeKind
    format: FileFormat
    state: JobState
    progress: JobProgress | None
    lines: Annotated[int | None, msgspec.Meta(description="Known once the file is made")]
    refusal: Annotated[
        str | None,
        msgspec.Meta(
            description="`not_for_sheets`: a text is longer than a cell can be; ask for jsonl"
        ),
    ]
    created_at: dt.datetime
