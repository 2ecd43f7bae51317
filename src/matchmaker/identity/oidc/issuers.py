"""The identity providers of an installation: none, but for those that its settings name."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from matchmaker.core.settings import SettingsInvalid
from matchmaker.core.wire import END

Name = Annotated[str, msgspec.Meta(pattern=f"^[a-z0-9-]{{1,32}}{END}")]


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An identity provider, and as which client it knows this installation."""

    name: Name
    """What people choose it by."""
    issuer: Annotated[str, msgspec.Meta(pattern=f"^https?://[^?#\\s]+{END}")]
    """As it stands in its tokens, to the letter."""
    client_id: Annotated[str, msgspec.Meta(min_length=1)]
    client_secret: str | None = None
    scope: str = "openid email profile"

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Issuer({self.name}, {self.issuer})"


_TYPE: Final = list[Issuer]


def named(said: str) -> dict[str, Issuer]:
    """The providers written as a JSON list, by name.

    Raises:
        SettingsInvalid: it is none, or two have one name.
    """
    try:
        found = msgspec.json.decode(said or "[]", type=_TYPE)
    except msgspec.DecodeError as error:
        raise SettingsInvalid(f"MATCHMAKER_OIDC: {error}") from error
    by_name = {each.name: each for each in found}
    if len(by_name) < len(found):
        raise SettingsInvalid("MATCHMAKER_OIDC: two issuers have one name")
    return by_name
