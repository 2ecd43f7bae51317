"""Failures of recognitions."""

from __future__ import annotations

from matchmaker.core.errors import NotFound
from matchmaker.core.language import Bilingual


class RecognitionNotFound(NotFound):
    """There is no such recognition, or it is not for this caller."""

    slug = "recognition_not_found"
    title = Bilingual(zh="没有这项认定", en="No such recognition")
