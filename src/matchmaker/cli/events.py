"""`matchmaker events`: what has happened, and whether the record of it is whole."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

import click
import msgspec

from matchmaker.cli import session
from matchmaker.core import events as chain
from matchmaker.core.events import Anchor, Break

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.cli.session import Database
    from matchmaker.core.events import EventActor, Recorded, Verdict

_ANCHOR: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")
_HOW: Final = {
    Break.MISSING: "the event is missing",
    Break.CHANGED: "the event is not as it was recorded",
    Break.REWRITTEN: "the event is not the one of the anchor",
}


def _anchor(_: click.Context, __: click.Parameter, value: str | None) -> Anchor | None:
    if value is None:
        return None
    found = _ANCHOR.fullmatch(value)
    if found is None:
        raise click.BadParameter("like 17:<64 hexadecimal digits>, as a check prints it")
    return Anchor(position=int(found[1]), hash=bytes.fromhex(found[2]))


@click.group(invoke_without_command=True)
@click.option("--after", default=0, show_default=True, help="List what follows this position.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many."
)
@click.option("--subject", type=click.UUID, help="Only of the subject with this id.")
@click.pass_context
def events(context: click.Context, after: int, limit: int, subject: UUID | None) -> None:
    """List what has happened, one event a line, oldest first."""
    if context.invoked_subcommand is not None:
        return
    with session.database(session.settings()) as running:
        for each in asyncio.run(_listed(running, after, limit, subject)):
            click.echo(_line(each))


@events.command()
@click.option(
    "--anchor",
    callback=_anchor,
    metavar="POSITION:HASH",
    help="An end noted earlier, that must still be there.",
)
def verify(anchor: Anchor | None) -> None:
    """Check that no event was changed, removed or put in.

    Only an --anchor tells when events were cut off the end, or everything was written anew.
    """
    with session.database(session.settings()) as running:
        verdict = asyncio.run(_verified(running, anchor))
    if verdict.broken_at is not None and verdict.reason is not None:
        raise click.ClickException(
            f"the chain breaks at position {verdict.broken_at}: {_HOW[verdict.reason]}"
        )
    click.echo(f"{verdict.head.position} events, none missing, none changed")
    if verdict.head.position:
        click.echo(f"anchor {verdict.head.position}:{verdict.head.hash.hex()}")


async def _listed(
    running: Database, after: int, limit: int, subject: UUID | None
) -> list[Recorded]:
    async with running.transaction() as session_:
        return await chain.after(session_, after, limit, subject_id=subject)


async def _verified(running: Database, anchor: Anchor | None) -> Verdict:
    async with running.transaction() as session_:
        return await chain.verify(session_, anchor)


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
