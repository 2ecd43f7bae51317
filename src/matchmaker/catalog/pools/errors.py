"""Failures of pools."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from matchmaker.core.language import Bilingual


class PoolNotFound(NotFound):
    """There is no such pool."""

    slug = "pool_not_found"
    title = Bilingual(zh="没有这个名录", en="No such pool")


class PoolVersionNotFound(NotFound):
    """The pool has no version of this number."""

    slug = "pool_version_not_found"
    title = Bilingual(zh="该名录没有这个版本", en="The pool has no such version")


class NotYourPool(Forbidden):
    """Everyone may read a pool; only the organisation it belongs to changes it."""

    slug = "not_your_pool"
    title = Bilingual(zh="这不是本组织的名录", en="The pool belongs to another organisation")


class PoolCodeTaken(Conflict):
    """Another pool has this code; ``pool_id`` says which."""

    slug = "pool_code_taken"
    title = Bilingual(zh="该名录代码已被使用", en="The code of the pool is taken")


class UnusableRule(Unprocessable):
    """A rule of the pool is malformed, reads what it may not, or can never hold."""

    slug = "unusable_rule"
    title = Bilingual(zh="名录规则无法使用", en="A rule of the pool cannot be used")
