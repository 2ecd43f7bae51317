"""The matrix of who may do what, gathered: roles of people and organisations x operations.

It is declared in two places and nowhere else: the scope of an operation with its handler, the
scopes of roles in ``identity.access``. The guard reads both; this makes one table of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.core import access
from matchmaker.identity.access import scopes_of_member
from matchmaker.identity.models import MemberRole, OrganisationRole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from litestar import Litestar

    from matchmaker.core.access import Access

EVERYONE: Final = "everyone"
PERSON: Final = "a person"
KNOWN: Final = "whoever is known"


class Row(NamedTuple):
    """One operation and who may call it."""

    operation_id: str
    needs: str
    """The scope; ``EVERYONE``, ``PERSON`` or ``KNOWN`` where there is none."""
    roles: dict[MemberRole, frozenset[OrganisationRole]]
    """By role of a person, the roles of an organisation in which they may."""


def rows(app: Litestar) -> Iterator[Row]:
    """A row for every operation of ``app``, by name."""
    found = (
        Row(str(handler.operation_id), _needed(wanted), _allowed(wanted))  # type: ignore[attr-defined]
        for _, _, handler, wanted in access.declared(app)
        if wanted is not None
    )
    yield from sorted(found)


def _needed(wanted: Access) -> str:
    if wanted.is_public:
        return EVERYONE
    return wanted.scope or (PERSON if wanted.by_person else KNOWN)


def _allowed(wanted: Access) -> dict[MemberRole, frozenset[OrganisationRole]]:
    return {
        role: frozenset(kind for kind in OrganisationRole if _may(wanted, role, kind))
        for role in MemberRole
    }


def _may(wanted: Access, role: MemberRole, kind: OrganisationRole) -> bool:
    if wanted.roles and kind not in wanted.roles:
        return False
    return wanted.scope is None or wanted.scope in scopes_of_member(role, [kind])


def page(found: Iterable[Row]) -> str:
    """The table as a page of the documentation."""
    head = ("operation", "needs", *(role.value for role in MemberRole))
    lines = [_ABOUT, _line(head), _line("---" for _ in head)]
    for row in found:
        cells = (_cell(row.roles[role]) for role in MemberRole)
        lines.append(_line((f"`{row.operation_id}`", row.needs, *cells)))
    return "\n".join(lines) + "\n"


def _cell(kinds: frozenset[OrganisationRole]) -> str:
    if len(kinds) == len(OrganisationRole):
        return "all"
    return " ".join(kind.value for kind in OrganisationRole if kind in kinds) or "-"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


_ABOUT: Final = """\
# Permissions

Who may call which operation: written by `matchmaker permissions` from what the guard reads, held
equal by a test, and every cell is tried over HTTP. A row says what a key must be good for, and by
role of a person who is logged in, in an organisation of which roles they come past the guard;
`all` are sme, provider, agency and operator. An organisation of several roles may do what one of
them allows; agency and operator count once it is verified. Past the guard the room decides whose
a thing is: what is another's is as if it was not there.
"""
