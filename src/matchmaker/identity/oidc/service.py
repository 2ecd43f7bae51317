"""A login by way of an identity provider: sent there, come back, known."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from matchmaker.core.clock import utc_now
from matchmaker.core.sealing import CannotOpen
from matchmaker.identity import queries as rows
from matchmaker.identity.errors import LoginRefused, NotAMember
from matchmaker.identity.models import Person
from matchmaker.identity.oidc import judging, queries
from matchmaker.identity.oidc.errors import IssuerNotFound
from matchmaker.identity.sessions import queries as people
from matchmaker.identity.sessions.service import begin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import Session
    from matchmaker.core.sealing import Sealer
    from matchmaker.identity.oidc.providers import Provider
    from matchmaker.identity.sessions.service import Desk, Started

LOGINS: Final = "logins under way"
"""What the cookie of one is sealed for."""
CALLBACK: Final = "/v1/sessions/oidc/callback"
LASTS: Final = 600
"""Seconds for which somebody may take to log in there."""
_OCTETS: Final = 32
_ADDRESS: Final = re.compile(r"[^@\s\x00]{1,200}@[^@\s\x00]{1,200}")
_NAME: Final = 200


class Underway(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser keeps of a login until it comes back; no other browser has it."""

    name: str
    state: str
    nonce: str
    verifier: str
    until: int


class Returned(NamedTuple):
    """With what a browser comes back."""

    cookie: str
    code: str | None
    state: str
    issuer: str | None


class Door(NamedTuple):
    """What logins by way of providers are checked with."""

    providers: Mapping[str, Provider]
    sealer: Sealer
    redirect_uri: str

    def provider(self, name: str) -> Provider:
        """The provider of this name.

        Raises:
            IssuerNotFound: there is none.
        """
        found = self.providers.get(name)
        if found is None:
            raise IssuerNotFound
        return found


async def depart(door: Door, name: str) -> tuple[str, str]:
    """Where somebody is sent to log in, and what their browser keeps meanwhile.

    Raises:
        IssuerNotFound: there is no such provider.
        IssuerUnavailable: it does not answer.
    """
    provider = door.provider(name)
    told = await provider.metadata()
    state, nonce, verifier = (secrets.token_urlsafe(_OCTETS) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = urlencode(
        {
            "response_type": "code",
            "client_id": provider.issuer.client_id,
            "redirect_uri": door.redirect_uri,
            "scope": provider.issuer.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
    )
    joint = "&" if "?" in told.authorization_endpoint else "?"
    until = int(utc_now().timestamp()) + LASTS
    kept = Underway(name=name, state=state, nonce=nonce, verifier=verifier, until=until)
    sealed = door.sealer.seal(msgspec.json.encode(kept), row=b"")
    return (
        f"{told.authorization_endpoint}{joint}{query}",
        base64.urlsafe_b64encode(sealed).decode().rstrip("="),
    )


async def arrive(session: Session, desk: Desk, door: Door, back: Returned) -> Started:
    """A new session of whoever logged in at the provider that this browser was sent to.

    Raises:
        LoginRefused: nothing that was sent off from here comes back so, or the provider's word is
            not good, or names nobody who may log in.
        NotAMember: of any organisation.
        IssuerUnavailable: the provider does not answer.
    """
    kept = underway(door.sealer, back.cookie, int(utc_now().timestamp()))
    if kept is None or not judging.is_same(back.state, kept.state):
        raise LoginRefused
    provider = door.providers.get(kept.name)
    if provider is None or back.code is None:
        raise LoginRefused
    always_said = (await provider.metadata()).authorization_response_iss_parameter_supported
    if not judging.is_answered_by(back.issuer, provider.issuer.issuer, always_said=always_said):
        raise LoginRefused
    claims = await provider.claims(back.code, kept.verifier, door.redirect_uri)
    refuse_untrue(claims, provider, kept.nonce)
    person = await known(session, claims)
    return await begin(session, desk, person, None)


def underway(sealer: Sealer, cookie: str, now: int) -> Underway | None:
    """What this browser was sent off with; None if it was not, or too long ago."""
    try:
        sealed = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        found = msgspec.json.decode(sealer.open(sealed, row=b""), type=Underway)
    except (ValueError, CannotOpen):
        return None
    return found if now < found.until else None


def refuse_untrue(claims: Mapping[str, Any], provider: Provider, nonce: str) -> None:
    """Let pass what the provider says to us, now, about this login.

    Raises:
        LoginRefused: it is something else; it is not said what.
    """
    issuer, now = provider.issuer, int(utc_now().timestamp())
    if not (
        judging.is_from(claims, issuer.issuer)
        and judging.is_for(claims, issuer.client_id)
        and judging.is_timely(claims, now)
        and judging.is_asked_for(claims, nonce)
    ):
        raise LoginRefused


async def known(session: Session, claims: Mapping[str, Any]) -> Person:
    """The person whom the provider names: by its subject, or at first by a verified address.

    Raises:
        LoginRefused: the address is not verified, or the provider knows its person otherwise.
        NotAMember: nobody has recorded the address.
    """
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    found = await queries.person_known_as(session, issuer, subject)
    if found is not None:
        return found
    if not judging.is_vouched(claims):
        raise LoginRefused
    person = await _of_address(session, str(claims["email"]).lower(), claims.get("name"))
    if not await queries.link(session, person.id, issuer, subject):
        raise LoginRefused
    return person


async def _of_address(session: Session, email: str, name: object) -> Person:
    """Whoever logs in with the address, or whom an organisation has recorded with it."""
    if not _ADDRESS.fullmatch(email):
        raise LoginRefused
    found = await people.person_of(session, email)
    if found is not None:
        return found
    if not await people.memberships(session, email):
        raise NotAMember
    is_name = isinstance(name, str) and name.isprintable() and name
    made = Person(email=email, name=str(name)[:_NAME] if is_name else email)
    await rows.add(session, made)
    return made
