"""Failures of assessments."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, Gone, NotFound
from matchmaker.core.language import Bilingual


class AssessmentNotFound(NotFound):
    """There is no such assessment, or it is not for this caller."""

    slug = "assessment_not_found"
    title = Bilingual(zh="没有这次评测", en="No such assessment")


class AssessmentClosed(Conflict):
    """The assessment is completed; ``state`` says where it stands."""

    slug = "assessment_closed"
    title = Bilingual(zh="评测已完成，不能再修改", en="The assessment can no longer be changed")


class AssessmentErased(Gone):
    """What the assessment said was erased with the profile of its firm."""

    slug = "assessment_erased"
    title = Bilingual(zh="评测内容已被删除", en="The assessment was erased")


class AssessmentOpen(Conflict):
    """Nothing follows from an assessment before it is completed; ``state`` says where it stands."""

    slug = "assessment_open"
    title = Bilingual(zh="评测尚未完成", en="The assessment is not completed")
