"""What a line of a bill says; what is left out is unknown, and unknown stays unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from matchmaker.core.wire import END, Line
from matchmaker.taxonomy.coded import LayerCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.errors import FieldFault
    from matchmaker.taxonomy.checking import Checker

Country = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^[A-Z]{{2}}{END}",
        description="ISO 3166-1 alpha-2; null = unknown, never a guess",
    ),
]


class ComponentFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that an offering is made of, or that a firm runs."""

    layer: Annotated[LayerCode, msgspec.Meta(description="Code of `tech_layer`")]
    name: Line
    vendor: Line | None = None
    origin: Country | None = None
    substitutes: Annotated[
        tuple[Line, ...], msgspec.Meta(max_length=20, description="What could take its place")
    ] = ()


def component_faults(checker: Checker, facts: ComponentFacts, at: str) -> Iterator[FieldFault]:
    """Whether the layer is one."""
    yield from checker.code(facts.layer, "tech_layer", f"{at}/layer")
