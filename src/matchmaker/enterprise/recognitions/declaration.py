"""What a firm states of a recognition, on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, ClassVar

import msgspec

from matchmaker.core.wire import Code, Line

SchemeName = Annotated[
    Code, msgspec.Meta(description="A scheme of maturity, or designation for titles")
]


class RecognitionDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A level or title that an authority granted; what is missing is unknown."""

    scheme: SchemeName
    level: Code
    issuer: Line
    number: Line | None = None
    granted_on: dt.date | None = None
    valid_until: dt.date | None = None

    titles: ClassVar[str] = "designation"
    """The vocabulary of titles, beside the schemes of maturity."""
