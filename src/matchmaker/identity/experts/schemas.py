"""Expert cards on the wire."""

from __future__ import annotations

from typing import Annotated

import msgspec

from matchmaker.core.wire import Line, Text
from matchmaker.identity.models import MemberId, OrganisationId
from matchmaker.identity.schemas import Moment
from matchmaker.taxonomy.coded import SkillCode


class Conflict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody whom the expert should not judge, and why; an organisation here, or another."""

    organisation_id: OrganisationId | None = None
    reason: Line


class StatedExpert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says of themselves as an expert, and that others may see it."""

    name: Line
    skills: Annotated[tuple[SkillCode, ...], msgspec.Meta(min_length=1, max_length=30)]
    titles: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)] = ()
    conflicts: Annotated[
        tuple[Conflict, ...],
        msgspec.Meta(max_length=50, description="Empty: there are none, beside their own employer"),
    ]
    consents: Annotated[
        bool,
        msgspec.Meta(
            description="That agencies and operators may see the card; false is refused",
            extra_json_schema={"const": True},
        ),
    ]


class ExpertCard(msgspec.Struct, frozen=True, kw_only=True):
    """A member as an expert; their address is not told, their organisation is who to ask."""

    member_id: MemberId
    organisation_id: OrganisationId
    organisation: Text
    name: str
    titles: list[Text]
    skills: list[str]
    conflicts: list[Conflict]
    consented_at: Moment
    revision: int
