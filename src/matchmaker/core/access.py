"""What a caller must bring to an operation: declared with the handler, as data.

A handler, or its controller for all of its handlers, carries the declaration in ``opt``; the guard,
the contract and the tests read it there. Who callers are and which scopes there are is a room's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar.routes import HTTPRoute

from matchmaker.core.errors import Forbidden, MatchmakerError, Unauthenticated
from matchmaker.core.language import Bilingual
from matchmaker.core.origin import CrossSite

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.handlers import BaseRouteHandler

GUARDED = "/v1/"
"""Below this path every operation declares its access; what lies beside it is open to all."""
_KEY = "access"


class ScopeMissing(Forbidden):
    """The credential lacks the scope of the operation; ``scope`` in the problem names it."""

    slug = "scope_missing"
    title = Bilingual(zh="凭证缺少所需的权限范围", en="The credential lacks the scope it needs")


class RoleMissing(Forbidden):
    """The caller's organisation has none of the roles of the operation; ``roles`` names them."""

    slug = "role_missing"
    title = Bilingual(zh="本组织没有所需的角色", en="The organisation lacks the role it needs")


class AccountInactive(Forbidden):
    """The credential is sound, but its organisation is suspended or closed."""

    slug = "account_inactive"
    title = Bilingual(zh="本组织已被暂停或关闭", en="The organisation is suspended or closed")


class AddressNotAllowed(Forbidden):
    """The credential is sound, but it is not taken from where the request comes from."""

    slug = "address_not_allowed"
    title = Bilingual(
        zh="不允许从该地址使用此凭证", en="The credential is not taken from this address"
    )


class SessionNeeded(Forbidden):
    """A person does this who is logged in; a key does not."""

    slug = "session_needed"
    title = Bilingual(zh="需要由登录人员操作", en="Only a person who is logged in does this")


class DelegationMissing(Forbidden):
    """The caller names an organisation in `Matchmaker-For` that does not let it act in its name."""

    slug = "delegation_missing"
    title = Bilingual(zh="没有有效的委托", en="No delegation to act for the organisation")


class AccessNotDeclared(Exception):
    """A handler does not say what its callers must bring."""


@dataclass(frozen=True, slots=True)
class Access:
    """What one operation asks of its callers."""

    is_public: bool
    """Open to callers without a credential; one that is presented must be sound all the same."""
    scope: str | None = None
    roles: frozenset[str] = frozenset()
    """Any one of these; empty: whatever the organisation's roles are."""
    by_person: bool = False
    """For people who are logged in: no key does it."""
    is_entry: bool = False
    """Callers say here who they are; whatever they bring, they are counted as nobody yet.

    A cookie is passed over: what is over, or suspended, keeps nobody from logging in anew.
    """
    proves_itself: bool = False
    """The operation itself reads the header Authorization."""

    @property
    def is_personal(self) -> bool:
        """Whether it is about a person, who is of no one organisation: the installation acts."""
        return self.by_person or self.is_entry

    @property
    def problems(self) -> tuple[type[MatchmakerError], ...]:
        """How a caller may be refused."""
        if self.proves_itself:
            return ()
        found: tuple[type[MatchmakerError], ...] = (
            Unauthenticated,
            AccountInactive,
            AddressNotAllowed,
            CrossSite,
            DelegationMissing,
        )
        found += (SessionNeeded,) if self.by_person else ()
        found += (ScopeMissing,) if self.scope is not None else ()
        return found + ((RoleMissing,) if self.roles else ())


def public() -> dict[str, Any]:
    """``opt`` of an operation that is open to everyone."""
    return {_KEY: Access(is_public=True)}


def entry(*, proves_itself: bool = False) -> dict[str, Any]:
    """``opt`` of an operation, open to everyone, in which callers say who they are."""
    return {_KEY: Access(is_public=True, is_entry=True, proves_itself=proves_itself)}


def needs(scope: str | None, *, roles: Iterable[str] = ()) -> dict[str, Any]:
    """``opt`` of an operation for callers with ``scope`` whose organisation has one of ``roles``.

    Without a scope any known caller will do.
    """
    return {_KEY: Access(is_public=False, scope=scope, roles=frozenset(roles))}


def person() -> dict[str, Any]:
    """``opt`` of an operation for people who are logged in; no key does this."""
    return {_KEY: Access(is_public=False, by_person=True)}


def of(handler: BaseRouteHandler) -> Access | None:
    """What ``handler`` declares; None where it declares nothing."""
    found: Access | None = handler.opt.get(_KEY)
    return found


def declared(app: Litestar) -> Iterator[tuple[str, str, BaseRouteHandler, Access | None]]:
    """Method, path, handler and declaration of every operation below ``GUARDED``.

    Route by route, the methods of each by name.
    """
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or not route.path_format.startswith(GUARDED):
            continue
        for method, (handler, _) in sorted(route.route_handler_map.items()):
            # Litestar answers OPTIONS itself; core.http does so before any handler.
            if method != "OPTIONS":
                yield method, route.path_format, handler, of(handler)


def check(app: Litestar) -> None:
    """Let ``app`` start only if every operation says who may call it.

    Raises:
        AccessNotDeclared: names the operations that do not.
    """
    silent = [f"{method} {path}" for method, path, _, access in declared(app) if access is None]
    if silent:
        raise AccessNotDeclared(f"no declared access: {', '.join(silent)}")
