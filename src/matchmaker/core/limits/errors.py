"""A caller that asks too often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.errors import MatchmakerError
from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Mapping


class TooManyRequests(MatchmakerError):
    """The limit for this purpose is used up for now; ``purpose`` names it."""

    slug = "too_many_requests"
    status = 429
    title = Bilingual(zh="请求过于频繁", en="Too many requests")

    def __init__(self, purpose: str, retry_after: int, headers: Mapping[str, str]) -> None:
        """Say of which limit, and when there is room again."""
        super().__init__(extra={"purpose": purpose})
        self.retry_after = retry_after
        self.headers = headers
