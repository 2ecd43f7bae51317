"""`matchmaker erase`: what a firm stated of itself goes for good."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from matchmaker.cli import keys, session
from matchmaker.core.events import CLI
from matchmaker.identity.errors import OrganisationNotFound
from matchmaker.matching import erasing

if TYPE_CHECKING:
    from matchmaker.cli.session import Database
    from matchmaker.taxonomy.checking import Checker


@click.command()
@keys.NAMED
@click.confirmation_option(prompt="The profile and its matches cannot be had back. Erase them?")
def erase(named: str) -> None:
    """Empty every version of a firm's profile and the stored matches that read one.

    The profile says nothing afterwards, and the firm may state a new one.
    """
    checker = session.released().checker
    with session.database(session.settings()) as running:
        found = asyncio.run(_erase(running, checker, named))
    click.echo(f"{found.versions} versions and {found.runs} matches erased")


async def _erase(running: Database, checker: Checker, named: str) -> erasing.Erased:
    async with running.transaction() as session_:
        firm = await keys.find_organisation(session_, named)
        if firm is None:
            raise OrganisationNotFound
        return await erasing.erase_profile(session_, checker, firm.id, CLI)
