"""Failures of experiments."""

from __future__ import annotations

from matchmaker.core.errors import NotFound
from matchmaker.core.language import Bilingual


class ExperimentNotFound(NotFound):
    """There is no experiment of this id."""

    slug = "experiment_not_found"
    title = Bilingual(zh="没有这项实验", en="No such experiment")
