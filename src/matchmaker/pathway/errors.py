"""Failures of pathways."""

from __future__ import annotations

from matchmaker.core.errors import Gone, NotFound
from matchmaker.core.language import Bilingual


class PathwayNotFound(NotFound):
    """There is no such pathway, or it is another firm's."""

    slug = "pathway_not_found"
    title = Bilingual(zh="没有这条路径", en="No such pathway")


class StepNotFound(NotFound):
    """The pathway has no step of this number."""

    slug = "step_not_found"
    title = Bilingual(zh="路径中没有这一步", en="The pathway has no such step")


class PathwayErased(Gone):
    """What the pathway was computed from was erased with the profile of its firm."""

    slug = "pathway_erased"
    title = Bilingual(zh="路径内容已被删除", en="The pathway was erased")
