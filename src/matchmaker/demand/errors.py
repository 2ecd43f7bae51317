"""Failures of demand."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound, Unprocessable
from matchmaker.core.language import Bilingual


class NeedNotFound(NotFound):
    """There is no such need, or it is not for the caller."""

    slug = "need_not_found"
    title = Bilingual(zh="没有这项需求", en="No such need")


class NeedVersionNotFound(NotFound):
    """The need has no version of this number."""

    slug = "need_version_not_found"
    title = Bilingual(zh="需求没有这个版本", en="The need has no such version")


class NeedMemberNotFound(NotFound):
    """The firm neither shares the need nor was asked to."""

    slug = "need_member_not_found"
    title = Bilingual(zh="该企业不是需求的共同方", en="The firm is no member of the need")


class NeedNotEditable(Conflict):
    """A need is reworded only while it is a draft or open; ``state`` says where it stands."""

    slug = "need_not_editable"
    title = Bilingual(zh="当前状态不能修改需求", en="The need cannot be changed in its state")


class NeedExternalIdTaken(Conflict):
    """Another need of the organisation has this external id; ``need_id`` says which."""

    slug = "need_external_id_taken"
    title = Bilingual(zh="外部编号已被使用", en="The external id is in use")


class NeedIncomplete(Unprocessable):
    """The change would leave an open need without something it must have; ``errors`` name it."""

    slug = "need_incomplete"
    title = Bilingual(zh="已发布的需求必须保持完整", en="An open need must stay complete")


class FirmNotInvitable(Unprocessable):
    """Only another active firm with the role sme may be asked to share a need."""

    slug = "firm_not_invitable"
    title = Bilingual(zh="不能邀请该组织", en="The organisation cannot be invited")
