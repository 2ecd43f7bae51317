"""Failures of components."""

from __future__ import annotations

from matchmaker.core.errors import NotFound, Unprocessable
from matchmaker.core.language import Bilingual


class ComponentNotFound(NotFound):
    """There is no such component in this bill, or it is not for this caller to see."""

    slug = "component_not_found"
    title = Bilingual(zh="没有这个组件", en="No such component")


class BillNotFound(NotFound):
    """There is no such firm, or its systems are not for this caller to see."""

    slug = "bill_not_found"
    title = Bilingual(zh="没有这份系统清单", en="No such bill of systems")


class UnusableComponent(Unprocessable):
    """The component names a code that does not exist."""

    slug = "unusable_component"
    title = Bilingual(zh="组件内容无法使用", en="The component cannot be used")
