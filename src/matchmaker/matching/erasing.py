"""Erasing what a firm stated: its profile, and the stored matches that read it, whoever asked.

And, with a person that a firm consists of, all of its profile and its matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.core import events, once
from matchmaker.core.erasing import Eraser
from matchmaker.enterprise import service as enterprise
from matchmaker.enterprise.errors import ProfileNotFound
from matchmaker.identity.models import OrganisationId
from matchmaker.identity.rights.firms import of_firms
from matchmaker.matching import queries

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject
    from matchmaker.core.events import EventActor
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


def erasers(checker: Checker) -> tuple[Eraser, ...]:
    """What firms that are one person stated, and were answered."""

    async def export_profiles(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for firm in subject.firms:
            try:
                stored = await enterprise.get_facts(session, OrganisationId(firm))
            except ProfileNotFound:
                continue
            facts = msgspec.to_builtins(stored.facts)
            found.append({"organisation_id": str(firm), "version": stored.number, "facts": facts})
        return found

    async def erase_profiles(session: Session, subject: Subject) -> int:
        emptied = 0
        for firm in subject.firms:
            try:
                _, versions = await enterprise.erase_versions(
                    session, checker, OrganisationId(firm), events.CLOCK
                )
            except ProfileNotFound:
                continue
            emptied += versions
        return emptied

    return (
        of_firms("match_runs", _matches, queries.erase_matches),
        Eraser(name="profile_versions", export=export_profiles, erase=erase_profiles),
    )


async def _matches(session: ReadSession, firm: OrganisationId) -> list[dict[str, Any]]:
    found = await queries.inputs_of_firm(session, firm)
    return [{"id": str(id_), "asked": asked} for id_, asked in found]
