"""Offerings, drafts and versions as the wire shows them to owners and reviewers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from matchmaker.catalog.life import schemas
from matchmaker.catalog.life.facts import comparable, fields_of, vouched_of
from matchmaker.catalog.schemas import ProviderName
from matchmaker.core.diffs import diff
from matchmaker.core.wire import Text

if TYPE_CHECKING:
    from matchmaker.catalog.life.queries import ListedVersion, OwnOffering, Stored, Version
    from matchmaker.catalog.life.service import Draft


def draft(found: Draft) -> schemas.OfferingDraft:
    """The offering with its latest version."""
    stored, version, published = found
    return schemas.OfferingDraft(
        **_stated(version),
        id=stored.offering_id,
        external_id=stored.external_id,
        kind=version.kind,
        provider=ProviderName(
            id=stored.organisation_id, name=msgspec.convert(stored.provider_name, Text)
        ),
        state=stored.state,
        change=stored.change_state,
        version=version.number,
        published_version=published,
        note=stored.note,
        created_at=stored.created_at,
        changed_at=stored.changed_at,
    )


def summary(found: OwnOffering) -> schemas.OwnOfferingSummary:
    """An offering in its owner's list."""
    stored = found.stored
    return schemas.OwnOfferingSummary(
        id=stored.offering_id,
        external_id=stored.external_id,
        kind=stored.kind,
        state=stored.state,
        change=stored.change_state,
        version=found.number,
        title=msgspec.convert(found.title, Text),
        changed_at=stored.changed_at,
    )


def listed(version: ListedVersion, stored: Stored) -> schemas.VersionSummary:
    """A version in the list of its offering."""
    return schemas.VersionSummary(
        number=version.number,
        title=msgspec.convert(version.title, Text),
        created_at=version.created_at,
        is_published=version.version_id == stored.published_version_id,
        is_draft=version.version_id == stored.draft_version_id,
    )


def detail(version: Version) -> schemas.VersionDetail:
    """All that one version declares."""
    return schemas.VersionDetail(
        **_stated(version),
        number=version.number,
        kind=version.kind,
        created_at=version.created_at,
    )


def difference(before: Version, after: Version) -> schemas.VersionDiff:
    """What differs from the first version to the second."""
    return schemas.VersionDiff(
        from_version=before.number,
        to_version=after.number,
        changes=diff(comparable(before), comparable(after)),
    )


def _stated(version: Version) -> dict[str, Any]:
    vouched = vouched_of(version)
    return {**fields_of(version), "cases": vouched.cases, "record": vouched.record}
