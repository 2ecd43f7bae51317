"""The identity providers of an installation, made of its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.outbound.reaching import Outbound
from matchmaker.core.sealing import Sealer
from matchmaker.identity.oidc import issuers
from matchmaker.identity.oidc.providers import Provider
from matchmaker.identity.oidc.service import CALLBACK, LOGINS, Door

if TYPE_CHECKING:
    from collections.abc import Callable

    from matchmaker.core.settings import Settings


def opening(settings: Settings) -> Callable[[bytes], Door]:
    """Makes, of the installation's secret, what logins by way of providers are checked with.

    Raises:
        SettingsInvalid: the settings name no provider as they should.
    """
    outbound = Outbound(is_open=settings.webhooks_open)
    found = issuers.named(settings.oidc)
    providers = {name: Provider(issuer, outbound) for name, issuer in found.items()}
    redirect_uri = settings.issuer + CALLBACK
    return lambda secret: Door(providers, Sealer(secret, LOGINS), redirect_uri)
