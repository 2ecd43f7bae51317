"""How webhooks are sent: every number of it, as released."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

POLICY: Final = "feed/webhooks.yaml"

Count = Annotated[int, msgspec.Meta(ge=1)]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The released numbers; the file says what each is for."""

    scheme: str
    edition: str
    origin: str
    pauses: Annotated[tuple[float, ...], msgspec.Meta(min_length=1)]
    jitter: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    longest_wait: Annotated[float, msgspec.Meta(gt=0)]
    seconds: Annotated[float, msgspec.Meta(gt=0)]
    disable_after_days: Annotated[float, msgspec.Meta(gt=0)]
    kept_days: Count
    overlap_hours: Count
    most: Count
    batch: Count

    def pause_before(self, attempt: int, asked: float | None = None) -> dt.timedelta | None:
        """How long the attempt of this number (from 0) waits, drawn anew; None: there is none.

        Longer where the receiver ``asked`` for it, up to what anybody may ask for; never shorter.
        """
        if attempt >= len(self.pauses):
            return None
        factor = random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311
        seconds = self.pauses[attempt] * factor
        return dt.timedelta(seconds=max(seconds, min(asked or 0.0, self.longest_wait)))


def load(seeds: Path) -> Policy:
    """The policy released below ``seeds``."""
    return msgspec.yaml.decode((seeds / POLICY).read_bytes(), type=Policy)
