"""What a step does to an offering, and what a step is hindered by: without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.catalog.machine import (
    CHANGEABLE,
    OPEN_CHANGE,
    ChangeState,
    OfferingState,
)
from matchmaker.catalog.reasons import fault
from matchmaker.identity.models import OrganisationState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from matchmaker.catalog.life.queries import Stored, Version
    from matchmaker.catalog.models import VersionId
    from matchmaker.core.errors import FieldFault
    from matchmaker.core.machine import Step
    from matchmaker.core.transitions import Hindrances


def stepped(found: Stored, step: Step[OfferingState]) -> Stored:
    """The offering after ``step`` of its own life.

    Publishing publishes the version that was reviewed; to reinstate brings back what was published,
    and only where nothing ever was, what was under review. A draft beside what is published again
    is a change from its beginning: no review of it is open.
    """
    after = found._replace(state=step.target)
    if step.name == "publish" or (step.name == "reinstate" and found.published_version_id is None):
        after = after._replace(published_version_id=found.latest, draft_version_id=None)
    is_open = found.change_state in OPEN_CHANGE
    if after.state in CHANGEABLE and after.draft_version_id is not None:
        return after if is_open else after._replace(change_state=ChangeState.DRAFT)
    return after._replace(change_state=None) if is_open else after


def change_stepped(found: Stored, step: Step[ChangeState]) -> Stored:
    """The offering after ``step`` of its change."""
    after = found._replace(change_state=step.target)
    if step.target is ChangeState.ACCEPTED:
        return after._replace(published_version_id=found.draft_version_id, draft_version_id=None)
    if step.target is ChangeState.DISCARDED:
        return after._replace(draft_version_id=None)
    return after


def edited(found: Stored, version_id: VersionId) -> Stored:
    """The offering with a new version as its draft."""
    after = found._replace(draft_version_id=version_id)
    if found.state in CHANGEABLE and found.change_state not in OPEN_CHANGE:
        return after._replace(change_state=ChangeState.DRAFT)
    return after


def is_editable(found: Stored) -> bool:
    """Whether a new version may be written: what is being reviewed keeps still."""
    if found.state in CHANGEABLE:
        return found.change_state is not ChangeState.IN_REVIEW
    return found.state in {
        OfferingState.DRAFT,
        OfferingState.CHANGES_REQUESTED,
        OfferingState.EXPIRED,
    }


def hindrances(
    found: Stored, latest: Version, published: Version | None, today: dt.date
) -> Hindrances:
    """By step of the offering's own life what is missing for it on ``today``."""
    lacking = tuple(_lacking(found, latest, today))
    return {
        "submit": lacking,
        "renew": lacking,
        "publish": lacking,
        "resume": () if published is None else tuple(_past(published, today)),
        "reinstate": lacking if published is None else (),
    }


def change_hindrances(found: Stored, latest: Version, today: dt.date) -> Hindrances:
    """By step of the change what is missing for it on ``today``."""
    lacking = tuple(_lacking(found, latest, today))
    return {"submit": lacking, "accept": lacking}


def _lacking(found: Stored, version: Version, today: dt.date) -> Iterator[FieldFault]:
    if found.provider_state is not OrganisationState.VERIFIED:
        yield fault("#/provider", "provider_not_verified")
    if not version.packages:
        yield fault("#/packages", "missing_package")
    yield from _past(version, today)


def _past(version: Version, today: dt.date) -> Iterator[FieldFault]:
    if version.valid_to is not None and version.valid_to < today:
        yield fault("#/valid_to", "validity_past", day=version.valid_to.isoformat())
