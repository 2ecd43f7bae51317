"""Failures of learned models."""

from __future__ import annotations

from matchmaker.core.errors import NotFound
from matchmaker.core.language import Bilingual


class ModelNotFound(NotFound):
    """There is no learned model of this id."""

    slug = "model_not_found"
    title = Bilingual(zh="没有这个模型", en="No such model")
