"""Failures of learned models."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class ModelNotFound(NotFound):
    """There is no learned model of this id."""

    slug = "model_not_found"
    title = Bilingual(zh="没有这个模型", en="No such model")


class ModelUnreadable(Conflict):
    """The model was made for other features than this release has, or is not what was kept."""

    slug = "model_unreadable"
    title = Bilingual(zh="当前版本无法读取该模型", en="This release cannot read the model")
