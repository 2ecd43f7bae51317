"""What may keep people from logging in with an identity provider."""

from __future__ import annotations

from matchmaker.core.errors import NotFound, Unavailable
from matchmaker.core.language import Bilingual


class IssuerNotFound(NotFound):
    """The installation knows no identity provider of this name."""

    slug = "issuer_not_found"
    title = Bilingual(zh="没有这个身份提供方", en="No such identity provider")


class IssuerUnavailable(Unavailable):
    """The identity provider does not answer, or says what it must not."""

    slug = "issuer_unavailable"
    title = Bilingual(zh="身份提供方暂时不可用", en="The identity provider is not available")
