"""What a line says of a firm, and how it lies in a sheet."""

from __future__ import annotations

from typing import Final

import msgspec

from matchmaker.core.sheets import Layout
from matchmaker.core.sheets.columns import Group, columns_of
from matchmaker.core.wire import Code, Text
from matchmaker.enterprise.declaration import ProfileFacts


class ProfileLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="profile",
    tag_field="type",
):
    """A firm as a file states it.

    ``external_id`` is the firm's external id, or its id where it has none; ``name`` makes a firm
    that is not known yet, where an operator imports.
    """

    external_id: Code
    name: Text | None = None
    profile: ProfileFacts


PROFILES: Final = Layout(
    type="profile",
    sheet="profiles",
    parts=(
        *columns_of(ProfileLine, "profile", without=frozenset({"profile"})),
        Group("profile", ("profile",)),
        # Named as the field catalogue names them: `profile.employees`.
        *columns_of(ProfileFacts, "profile", path=("profile",)),
    ),
    keys=("profile.external_id",),
)
