"""Failures of identity; how a caller is refused stands in ``core.access``."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, Forbidden, NotFound
from matchmaker.core.language import Bilingual


class OrganisationNotFound(NotFound):
    """There is no such organisation, or it is none of the caller's business."""

    slug = "organisation_not_found"
    title = Bilingual(zh="没有这个组织", en="No such organisation")


class OperatorsField(Forbidden):
    """What was verified, and the roles, only an operator changes; ``errors`` name the fields."""

    slug = "operators_field"
    title = Bilingual(zh="该内容只能由运营方修改", en="Only an operator changes this")


class KeyNotFound(NotFound):
    """There is no such key, or it is none of the caller's business."""

    slug = "key_not_found"
    title = Bilingual(zh="没有这个密钥", en="No such key")


class ScopesExceeded(Forbidden):
    """Nobody gives away more than they have; ``scopes`` in the problem are the ones too many."""

    slug = "scopes_exceeded"
    title = Bilingual(zh="超出可授予的权限范围", en="More scopes than may be given")


class ExpiryExceeded(Forbidden):
    """Nobody gives what outlives what they have; ``expires_at`` in the problem is the latest."""

    slug = "expiry_exceeded"
    title = Bilingual(zh="超出可授予的有效期", en="Longer than may be given")


class KeyNotInForce(Conflict):
    """The key was revoked, has expired, or has been replaced."""

    slug = "key_not_in_force"
    title = Bilingual(zh="密钥已失效或已被替换", en="The key is no longer in force")


class RotationUnderway(Conflict):
    """The key that this one replaced still acts: two of a name are enough."""

    slug = "rotation_underway"
    title = Bilingual(zh="上一次轮换尚未结束", en="The rotation before has not ended")


class MemberNotFound(NotFound):
    """There is no such member, or it is none of the caller's business."""

    slug = "member_not_found"
    title = Bilingual(zh="没有这个成员", en="No such member")


class ConsentNotFound(NotFound):
    """There is no such consent, or it is none of the caller's business."""

    slug = "consent_not_found"
    title = Bilingual(zh="没有这项同意", en="No such consent")


class ConsentWithdrawn(Conflict):
    """The consent was withdrawn before."""

    slug = "consent_withdrawn"
    title = Bilingual(zh="该同意已被撤回", en="The consent was withdrawn before")
