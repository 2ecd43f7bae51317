"""`matchmaker events`: what has happened."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
import msgspec

from matchmaker.cli import session
from matchmaker.core import events as chain

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.cli.session import Database
    from matchmaker.core.events import EventActor, Recorded


@click.command()
@click.option("--after", default=0, show_default=True, help="List what follows this position.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many."
)
@click.option("--subject", type=click.UUID, help="Only of the subject with this id.")
def events(after: int, limit: int, subject: UUID | None) -> None:
    """List what has happened, one event a line, oldest first."""
    with session.database(session.settings()) as running:
        for each in asyncio.run(_listed(running, after, limit, subject)):
            click.echo(_line(each))


async def _listed(
    running: Database, after: int, limit: int, subject: UUID | None
) -> list[Recorded]:
    async with running.transaction() as session_:
        return await chain.after(session_, after, limit, subject_id=subject)


def _line(recorded: Recorded) -> str:
    event = recorded.event
    said = [
        str(recorded.position),
        recorded.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        event.kind,
        f"{event.subject_type} {event.subject_id}",
        f"by {_name(event.actor)}",
    ]
    if event.data:
        said.append(msgspec.json.encode(event.data).decode())
    return "  ".join(said)


def _name(actor: EventActor) -> str:
    return f"{actor.type} {actor.id}" if actor.id else str(actor.type)
