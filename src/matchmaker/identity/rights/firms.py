"""The parts of what is known of a person that the firms state which are that person alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matchmaker.core.erasing import Eraser
from matchmaker.identity.models import OrganisationId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


def of_firms(
    name: str,
    told: Callable[[ReadSession, OrganisationId], Awaitable[list[dict[str, Any]]]],
    erased: Callable[[Session, OrganisationId], Awaitable[int]],
) -> Eraser:
    """The part ``name``: what each firm has of it is ``told``, and ``erased`` empties it."""

    async def export(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
        return [
            each for firm in subject.firms for each in await told(session, OrganisationId(firm))
        ]

    async def erase(session: Session, subject: Subject) -> int:
        return sum([await erased(session, OrganisationId(firm)) for firm in subject.firms])

    return Eraser(name=name, export=export, erase=erase)
