"""Erasing what a firm stated: its profile, and the stored matches that read it, whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.core import events, once
from matchmaker.enterprise import service as enterprise
from matchmaker.matching import queries

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.core.events import EventActor
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.checking import Checker

ERASED: Final = "profile.erased"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many versions and runs were emptied."""

    versions: int
    runs: int


async def erase_profile(
    session: Session, checker: Checker, organisation_id: OrganisationId, by: EventActor
) -> Erased:
    """What was emptied; the profile says nothing from now on. The transaction ends here.

    The versions first: whoever stores a run meanwhile holds the version it read until it commits,
    and the runs are looked for after that.

    Raises:
        ProfileNotFound: the firm has stated none.
        StaleVersion: it states something at the same time.
    """
    number, versions = await enterprise.erase_profile(session, checker, organisation_id, by)
    found = Erased(versions, await queries.erase_runs(session, organisation_id))
    await once.forget(session)
    await events.append(
        session,
        events.Event(
            kind=ERASED,
            subject_type="profile",
            subject_id=organisation_id,
            organisation_id=organisation_id,
            actor=by,
            data={"version": number, "versions": found.versions, "match_runs": found.runs},
        ),
    )
    return found
