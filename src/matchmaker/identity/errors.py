"""Failures of identity; how a caller is refused stands in ``core.access``."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
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


class LoginRefused(Unauthenticated):
    """Address, password and code are not together those of anybody; it is not said which is not."""

    slug = "login_refused"
    title = Bilingual(zh="登录信息不正确", en="The login is not right")


class SecondFactorNeeded(Unauthenticated):
    """The password is right; a code of the authenticator is missing."""

    slug = "second_factor_needed"
    title = Bilingual(zh="还需要验证码", en="A code is needed as well")


class NotAMember(Forbidden):
    """The person is no member of the organisation, or of any."""

    slug = "not_a_member"
    title = Bilingual(zh="不是该组织的成员", en="Not a member of the organisation")


class AlreadyProtected(Conflict):
    """The person has a second factor; whoever lost theirs asks an operator."""

    slug = "already_protected"
    title = Bilingual(zh="已设置第二验证因素", en="There is a second factor already")


class PersonNotFound(NotFound):
    """Nobody logs in with this address."""

    slug = "person_not_found"
    title = Bilingual(zh="没有这个登录人员", en="No such person")


class WrongCode(Unprocessable):
    """The code is not one of the secret now."""

    slug = "wrong_code"
    title = Bilingual(zh="验证码不正确", en="The code is not right")


class WrongPassword(Unprocessable):
    """The old password is missing, or not the one of the person."""

    slug = "wrong_password"
    title = Bilingual(zh="原密码不正确", en="The old password is not right")


class RecentLoginNeeded(Forbidden):
    """Who sets their first password must have logged in a moment ago."""

    slug = "recent_login_needed"
    title = Bilingual(zh="需要重新登录", en="A new login is needed")


class NotProtected(Conflict):
    """There is no second factor to take away."""

    slug = "not_protected"
    title = Bilingual(zh="未设置第二验证因素", en="There is no second factor")


class MemberNotFound(NotFound):
    """There is no such member, or it is none of the caller's business."""

    slug = "member_not_found"
    title = Bilingual(zh="没有这个成员", en="No such member")


class ExpertNotFound(NotFound):
    """There is no such card of an expert, or the caller may not see it."""

    slug = "expert_not_found"
    title = Bilingual(zh="没有这张专家卡片", en="No such card of an expert")


class DelegationNotFound(NotFound):
    """There is no such delegation, or it is between others."""

    slug = "delegation_not_found"
    title = Bilingual(zh="没有这项委托", en="No such delegation")


class DelegationEnded(Conflict):
    """The delegation was ended before."""

    slug = "delegation_ended"
    title = Bilingual(zh="该委托已结束", en="The delegation was ended before")


class RightsRequestNotFound(NotFound):
    """There is no such request of the person, or no such receipt."""

    slug = "rights_request_not_found"
    title = Bilingual(zh="没有这项请求", en="No such request")


class ConsentNotFound(NotFound):
    """There is no such consent, or it is none of the caller's business."""

    slug = "consent_not_found"
    title = Bilingual(zh="没有这项同意", en="No such consent")


class ConsentWithdrawn(Conflict):
    """The consent was withdrawn before."""

    slug = "consent_withdrawn"
    title = Bilingual(zh="该同意已被撤回", en="The consent was withdrawn before")
