"""Who may log in: people are registered by whoever runs the installation, who vouches for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import InvalidContent
from matchmaker.identity import queries as rows
from matchmaker.identity.errors import PersonNotFound
from matchmaker.identity.history import tell
from matchmaker.identity.models import Member, Person
from matchmaker.identity.sessions import queries

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.identity import schemas
    from matchmaker.identity.models import Organisation
    from matchmaker.identity.sessions.passwords import Passwords

SHORTEST: Final = 12
"""Characters of a password at least; length is what a guess costs."""


async def hashed(passwords: Passwords, password: str) -> str:
    """What is stored of a new password.

    Raises:
        InvalidContent: it is too short.
    """
    if len(password) < SHORTEST:
        message = Bilingual(
            zh=f"密码至少 {SHORTEST} 个字符", en=f"needs {SHORTEST} characters at least"
        )
        raise InvalidContent(errors=[FieldFault("#/password", "too_short", message)])
    return await passwords.hash(password)


async def register(
    session: Session, holder: Organisation, draft: schemas.MemberDraft, *, password_hash: str
) -> Member:
    """A member of ``holder`` who can log in; whoever could before keeps their own password.

    Raises:
        AlreadyExists: the organisation has a member of this address.
    """
    email = draft.email.lower()
    if await queries.person_of(session, email) is None:
        await rows.add(session, Person(email=email, name=draft.name, password_hash=password_hash))
    added = Member(organisation_id=holder.id, name=draft.name, email=email, role=draft.role)
    await rows.add(session, added)
    await tell(session, "member.added", added, by=None, data={"role": added.role.value})
    return added


async def reset(session: Session, email: str, *, password_hash: str) -> None:
    """Give a person another password and no second factor; nobody stays logged in as them.

    Raises:
        PersonNotFound: nobody logs in with this address.
    """
    found = await queries.person_of(session, email)
    if found is None:
        raise PersonNotFound
    await queries.change_person(
        session, found.id, password_hash=password_hash, totp=None, recovery=[]
    )
    await queries.end_sessions(session, found.id)
