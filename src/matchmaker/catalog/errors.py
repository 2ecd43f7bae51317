"""Failures of the catalog."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound, Unprocessable
from matchmaker.core.language import Bilingual


class OfferingNotFound(NotFound):
    """There is no such offering, or it is not published."""

    slug = "offering_not_found"
    title = Bilingual(zh="没有这个产品", en="No such offering")


class OfferingVersionNotFound(NotFound):
    """The offering has no version of this number."""

    slug = "offering_version_not_found"
    title = Bilingual(zh="没有这个版本", en="No such version")


class ChangeNotFound(NotFound):
    """The offering was never changed after it was published."""

    slug = "change_not_found"
    title = Bilingual(zh="没有待审的修改", en="No such change")


class OfferingNotEditable(Conflict):
    """The offering is under review, suspended or retired; ``state`` and ``change`` say which."""

    slug = "offering_not_editable"
    title = Bilingual(zh="产品现在不能编辑", en="The offering cannot be edited now")


class UnusableDeclaration(Unprocessable):
    """What was stated of an offering names a code that does not exist, or contradicts itself."""

    slug = "unusable_declaration"
    title = Bilingual(zh="产品内容无法使用", en="What is stated of the offering cannot be used")


class ProviderNotFound(NotFound):
    """There is no such provider, or it is not verified."""

    slug = "provider_not_found"
    title = Bilingual(zh="没有这个服务商", en="No such provider")


class ImportUnderway(Conflict):
    """Another import is being written; imports take turns."""

    slug = "import_underway"
    title = Bilingual(zh="另一个导入正在进行", en="Another import is under way")
