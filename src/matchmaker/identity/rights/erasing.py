"""What identity itself knows of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matchmaker.core.erasing import Eraser
from matchmaker.identity.experts import queries as experts
from matchmaker.identity.rights import queries

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export_person(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    found = await queries.person(session, subject.person_id)
    if found is None:
        return []
    return [
        {
            "id": str(found.id),
            "email": found.email,
            "name": found.name,
            "has_second_factor": found.totp is not None,
            "created_at": found.created_at.isoformat(),
        }
    ]


async def _erase_person(session: Session, subject: Subject) -> int:
    return await queries.remove_person(session, subject.person_id)


async def _export_sessions(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "organisation_id": str(each.organisation_id),
            "created_at": each.created_at.isoformat(),
            "seen_at": each.seen_at.isoformat(),
        }
        for each in await queries.sessions(session, subject.person_id)
    ]


async def _erase_sessions(session: Session, subject: Subject) -> int:
    return await queries.remove_sessions(session, subject.person_id)


async def _export_members(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "organisation_id": str(each.organisation_id),
            "email": each.email,
            "name": each.name,
            "role": each.role.value,
        }
        for each in await queries.members(session, subject.email)
    ]


async def _erase_members(session: Session, subject: Subject) -> int:
    return await queries.remove_members(session, subject.member_ids)


async def _export_cards(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "member_id": str(each.id),
            "name": each.name,
            "titles": each.titles,
            "skills": each.skills,
            "conflicts": each.conflicts,
            "consented_at": each.consented_at.isoformat(),
        }
        for each in await experts.cards_of(session, subject.member_ids)
    ]


async def _erase_cards(session: Session, subject: Subject) -> int:
    return await experts.remove_cards(session, subject.member_ids)


async def _export_keys(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return await queries.keys_of(session, subject.member_ids)


async def _erase_keys(session: Session, subject: Subject) -> int:
    return await queries.forget_keys(session, subject.member_ids)


async def _export_exports(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {"id": str(each.id), "kind": each.kind.value, "at": each.requested_at.isoformat()}
        for each in await queries.exports_of(session, subject.person_id)
    ]


async def _erase_exports(session: Session, subject: Subject) -> int:
    return await queries.empty_exports(session, subject.person_id)


ERASERS: Final = (
    Eraser(name="keys", export=_export_keys, erase=_erase_keys),
    Eraser(name="expert_cards", export=_export_cards, erase=_erase_cards),
    Eraser(name="members", export=_export_members, erase=_erase_members),
    Eraser(name="requests", export=_export_exports, erase=_erase_exports),
    Eraser(name="sessions", export=_export_sessions, erase=_erase_sessions),
    Eraser(name="people", export=_export_person, erase=_erase_person),
)
