"""Shortlists on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.etags import Varying
from matchmaker.core.wire import Line, Prose, Text
from matchmaker.identity.models import OrganisationId
from matchmaker.matching.models import RunId
from matchmaker.matching.schemas import MOST_SHOWN
from matchmaker.matching.shortlists.machine import ShortlistState
from matchmaker.matching.shortlists.models import ShortlistId


class EntryDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offering that the run showed, and what to remember of it."""

    offering_id: UUID
    note: Prose | None = None


Entries: TypeAlias = Annotated[
    list[EntryDraft], msgspec.Meta(max_length=MOST_SHOWN, description="In the order of preference")
]


class ShortlistDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new shortlist of what a run showed."""

    run_id: RunId
    title: Line | None = None
    entries: Entries = []


class ShortlistTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What of a shortlist can be changed while it is open."""

    title: Line | None = None
    entries: Entries = []


class ShortlistPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a shortlist; entries are replaced whole."""

    title: Line | UnsetType | None = UNSET
    entries: Entries | UnsetType = UNSET


class ListedOffering(msgspec.Struct, frozen=True, kw_only=True):
    """One offering of a shortlist, in the version and on the package the run showed.

    ``current_version`` is the number of the version that is published now, null when none is.
    """

    offering_id: UUID
    title: Text
    version: int
    package: str
    rank: int
    score: float
    fit: int | None
    note: str | None
    current_version: int | None


class Shortlist(Varying, frozen=True, kw_only=True):
    """Some of what a run showed, kept for a decision; frozen, it stays as it is."""

    id: ShortlistId
    organisation_id: OrganisationId
    run_id: RunId
    title: str | None
    state: ShortlistState
    note: str | None
    entries: list[ListedOffering]
    created_at: dt.datetime
    changed_at: dt.datetime
