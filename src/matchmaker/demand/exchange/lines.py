"""What a line says of a need, and how it lies in a sheet."""

from __future__ import annotations

from typing import Final

import msgspec

from matchmaker.core.sheets import Layout
from matchmaker.core.sheets.columns import columns_of
from matchmaker.core.wire import Code
from matchmaker.demand.declaration import NeedTerms


class NeedLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="need",
    tag_field="type",
):
    """A need as a file states it.

    ``profile`` is the external id of its firm, or the firm's id where it has none; ``external_id``
    is the need's own, which a need of the same firm has once.
    """

    external_id: Code
    profile: Code
    need: NeedTerms


NEEDS: Final = Layout(
    type="need",
    sheet="needs",
    parts=(
        *columns_of(NeedLine, "need", without=frozenset({"need"})),
        # Named as the field catalogue names them: `need.budget.amount`.
        *columns_of(NeedTerms, "need", path=("need",)),
    ),
    keys=("need.profile", "need.external_id"),
)
