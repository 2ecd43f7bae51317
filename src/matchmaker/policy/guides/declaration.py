"""What a guide says, on the wire and in the seeds."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from matchmaker.core.wire import Code, Line, Text
from matchmaker.taxonomy.coded import IndustryCode, PlaceCode, SceneCode

Industries: TypeAlias = Annotated[
    list[IndustryCode], msgspec.Meta(max_length=100, description="Prefixes; none: of any industry")
]
InOrder: TypeAlias = Annotated[
    list[SceneCode], msgspec.Meta(min_length=1, max_length=16, description="The first one first")
]
Pitfalls: TypeAlias = Annotated[list[Text], msgspec.Meta(max_length=20)]


class GuideTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is recommended to firms of some industries in some region, by whom, and where it stands.

    ``code`` is one over its editions; without a region it is for the whole country.
    """

    code: Code
    edition: Line
    issuer: Text
    source: Text
    industries: Industries = []
    region: PlaceCode | None = None
    scenes: InOrder
    pitfalls: Pitfalls = []
