"""Failures of the taxonomy."""

from __future__ import annotations

from matchmaker.core.errors import FieldFault, NotFound, Unprocessable
from matchmaker.core.language import Bilingual


class SeedBroken(ValueError):
    """A seed file contradicts itself or another one; the product does not start on it."""


class SchemeNotFound(NotFound):
    """No such scheme."""

    slug = "scheme_not_found"
    title = Bilingual(zh="没有这个分类体系", en="No such scheme")

    @classmethod
    def of(cls, scheme: str) -> SchemeNotFound:
        """The failure for this scheme."""
        return cls(zh=f"分类体系“{scheme}”不存在", en=f"there is no scheme '{scheme}'")


class CodeNotFound(NotFound):
    """The scheme has no such code."""

    slug = "code_not_found"
    title = Bilingual(zh="没有这个代码", en="No such code")

    @classmethod
    def of(cls, scheme: str, code: str) -> CodeNotFound:
        """The failure for this code of the scheme."""
        return cls(
            zh=f"分类体系“{scheme}”中没有代码“{code}”",
            en=f"the scheme '{scheme}' has no code '{code}'",
        )


class QuestionnaireNotFound(NotFound):
    """No questionnaire is published under this name."""

    slug = "questionnaire_not_found"
    title = Bilingual(zh="没有这份问卷", en="No such questionnaire")

    @classmethod
    def of(cls, scheme: str) -> QuestionnaireNotFound:
        """The failure for this questionnaire."""
        return cls(zh=f"问卷“{scheme}”不存在", en=f"there is no questionnaire '{scheme}'")


class UnknownCode(Unprocessable):
    """The request names a code that its scheme does not have."""

    slug = "unknown_code"
    title = Bilingual(zh="代码不在分类体系中", en="A code is not in its scheme")

    @classmethod
    def at(cls, pointer: str, scheme: str, code: str) -> UnknownCode:
        """The failure for a code at one place of the request, as ``#/profile/region``."""
        message = Bilingual(
            zh=f"“{code}”不是“{scheme}”中的代码", en=f"'{code}' is not a code of '{scheme}'"
        )
        return cls(
            zh=message.zh, en=message.en, errors=[FieldFault(pointer, "unknown_code", message)]
        )


class AnswerOutOfRange(Unprocessable):
    """An answer to a questionnaire names an option or a number that the question does not have."""

    slug = "answer_out_of_range"
    title = Bilingual(zh="答案不在题目的选项中", en="An answer is not among those of its question")

    @classmethod
    def of(cls, question: str) -> AnswerOutOfRange:
        """The failure for this question."""
        return cls(
            zh=f"题目“{question}”的答案无效", en=f"the answer to '{question}' is not one it has"
        )


class FieldNotFound(NotFound):
    """The field catalogue has no such field."""

    slug = "field_not_found"
    title = Bilingual(zh="没有这个字段", en="No such field")

    @classmethod
    def of(cls, name: str) -> FieldNotFound:
        """The failure for this name."""
        return cls(zh=f"字段“{name}”不存在", en=f"there is no field '{name}'")


class UnusableInput(Unprocessable):
    """The profile or the need names something that does not exist, or a rule that cannot hold."""

    slug = "unusable_input"
    title = Bilingual(zh="企业档案或需求无法使用", en="The profile or the need cannot be used")
