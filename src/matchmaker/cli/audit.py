"""`matchmaker audit`: whether the record of what has happened is whole."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

import click

from matchmaker.cli import session
from matchmaker.core import events as chain
from matchmaker.core.events import Anchor, Break

if TYPE_CHECKING:
    from matchmaker.cli.session import Database
    from matchmaker.core.events import Verdict

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


@click.group()
def audit() -> None:
    """Check the record of what has happened."""


@audit.command()
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


async def _verified(running: Database, anchor: Anchor | None) -> Verdict:
    async with running.transaction() as session_:
        return await chain.verify(session_, anchor)
