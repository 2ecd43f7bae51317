"""Stored needs on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.core.diffs import Change
from matchmaker.demand.declaration import NeedTerms, StatedNeed
from matchmaker.demand.machine import MemberState, NeedState
from matchmaker.demand.models import NeedId
from matchmaker.identity.models import OrganisationId


class Need(NeedTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored need with what its current version says; what is null is unknown or withheld."""

    id: NeedId
    version: int
    state: NeedState
    organisation_id: OrganisationId | None
    external_id: str | None
    all_scenes: Annotated[
        list[str] | None,
        msgspec.Meta(description="`scenes`, and those that `scenarios` stand for"),
    ]
    withheld: Annotated[
        list[str],
        msgspec.Meta(description="Members that are null because the caller may not see them"),
    ]
    note: Annotated[str | None, msgspec.Meta(description="Said with its last transition")]
    opened_at: dt.datetime | None
    created_at: dt.datetime
    changed_at: dt.datetime


class NeedVersionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a need in a list; equal content has equal hashes."""

    number: int
    content_hash: Annotated[str, msgspec.Meta(description="sha256 as hex")]
    created_at: dt.datetime


class NeedVersionDetail(StatedNeed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a need said in one version."""

    number: int
    all_scenes: list[str] | None
    content_hash: str
    created_at: dt.datetime


class NeedChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Where what one version of a need says differs from another."""

    from_version: int
    to_version: int
    changes: list[Change]


class NeedMember(msgspec.Struct, frozen=True, kw_only=True):
    """A firm that shares a need, or was asked to."""

    organisation_id: OrganisationId
    state: MemberState
    note: Annotated[str | None, msgspec.Meta(description="Said with its last transition")]
    created_at: dt.datetime
