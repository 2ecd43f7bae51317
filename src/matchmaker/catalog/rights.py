"""What a caller may do beyond what the operation as a whole asks, and how events name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.access import ScopeMissing
from matchmaker.core.errors import FieldFault, Unprocessable
from matchmaker.core.events import Event
from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor
from matchmaker.identity.access import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from matchmaker.core.events import EventActor
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId

_SCOPES = {Actor.OWNER: Scope.OFFERINGS_WRITE}


class NoteRequired(Unprocessable):
    """The transition is not taken without a reason."""

    slug = "note_required"
    title = Bilingual(zh="须说明理由", en="A reason is required")


def require_scope(principal: Principal, actors: Iterable[Actor]) -> None:
    """Nothing, where the caller's credential is good for what ``actors`` write.

    A provider writes what is its offerings', whoever judges it what is the pools'.

    Raises:
        ScopeMissing: the credential is good for other things only.
    """
    needed = next((_SCOPES[actor] for actor in actors if actor in _SCOPES), Scope.POOLS_WRITE)
    if needed not in principal.scopes:
        raise ScopeMissing(
            zh=f"该操作需要权限范围 {needed}",
            en=f"the operation needs the scope {needed}",
            extra={"scope": needed.value},
        )


def require_note(note: str | None) -> None:
    """Nothing, where a reason is given.

    Raises:
        NoteRequired: there is none.
    """
    if note is None or not note.strip():
        said = Bilingual(zh="请说明理由", en="say why")
        raise NoteRequired(errors=[FieldFault("#/note", "missing", said)])


def happened(
    kind: str,
    subject_id: UUID,
    organisation_id: OrganisationId,
    actor: EventActor,
    **data: object,
) -> Event:
    """The event ``kind`` of a subject whose noun the kind begins with; nulls are left out."""
    return Event(
        kind=kind,
        subject_type=kind.partition(".")[0],
        subject_id=subject_id,
        organisation_id=organisation_id,
        actor=actor,
        data={name: value for name, value in data.items() if value is not None},
    )
