"""How a decided change of an offering is carried out: its row, its event, what is live by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.catalog.life import queries
from matchmaker.catalog.models import Offering, Visibility
from matchmaker.core import events, rows
from matchmaker.core.events import Event, EventActor
from matchmaker.core.machine import Actor
from matchmaker.identity.access import actors_of, event_actor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matchmaker.catalog.life.queries import Stored
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import Session
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId

_NOUN: Final = "offering"


@dataclass(frozen=True, slots=True)
class By:
    """Who does something: as whom on the things of an organisation, and what an event says."""

    on: Callable[[OrganisationId], frozenset[Actor]]
    recorded: EventActor


CLOCK: Final = By(lambda _: frozenset({Actor.CLOCK}), events.CLOCK)
CONSOLE: Final = By(lambda _: frozenset({Actor.OPERATOR}), events.CLI)
"""The operator at the command line."""


def by_caller(principal: Principal) -> By:
    """The caller of an operation."""
    return By(partial(actors_of, principal), event_actor(principal))


class Done(NamedTuple):
    """What was done to an offering, for the event and for what is live."""

    before: Stored | None
    after: Stored
    event: Event


async def replaced(session: Session, found: Stored, after: Stored) -> Stored | None:
    """``after`` as it now stands; None if the offering is no longer as it was ``found``."""
    published = after.published_version_id
    if published is not None and published != found.published_version_id:
        version = await queries.version(session, published)
        after = after._replace(
            kind=version.kind, visibility=Visibility(version.document["visibility"])
        )
    revision = await rows.revise(
        session,
        Offering,
        found.offering_id,
        revision=found.revision,
        values={
            "kind": after.kind,
            "visibility": after.visibility,
            "state": after.state,
            "change_state": after.change_state,
            "published_version_id": after.published_version_id,
            "draft_version_id": after.draft_version_id,
            "note": after.note,
        },
    )
    return None if revision is None else await queries.find(session, found.offering_id)


async def record(session: Session, done: Sequence[Done]) -> None:
    """Append the events of what was done, and let versions begin and end with them.

    The last thing in the transaction: from here on nobody else can append until it ends.
    """
    if not done:
        return
    last = await events.append(session, *(one.event for one in done))
    ended: list[tuple[OfferingId, int]] = []
    begun: list[dict[str, object]] = []
    for position, (before, after, _) in enumerate(done, start=last - len(done) + 1):
        was = None if before is None else before.live
        if was == after.live:
            continue
        if was is not None:
            ended.append((after.offering_id, position))
        if after.live is not None:
            begun.append(
                {
                    "offering_id": after.offering_id,
                    "organisation_id": after.organisation_id,
                    "version_id": after.live,
                    "from_position": position,
                }
            )
    await queries.end_live(session, ended)
    await queries.begin_live(session, begun)


def told(found: Stored, kind: str, by: By, **data: object) -> Event:
    """The event that ``by`` did what ``kind`` says to the offering."""
    return Event(
        kind=kind,
        subject_type=_NOUN,
        subject_id=found.offering_id,
        organisation_id=found.organisation_id,
        actor=by.recorded,
        data=data,
    )


def moved(kind: str, before: Stored, after: Stored, by: By) -> Done:
    """A step that was taken, and its event."""
    said: dict[str, object] = {"from": before.state, "to": after.state}
    if before.state is after.state:
        said = {"from": before.change_state, "to": after.change_state}
    if after.live is not None:
        said["version_id"] = str(after.live)
    return Done(before, after, told(after, kind, by, **said))
