"""`matchmaker people`: who may log in, registered and helped by whoever runs the installation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
import msgspec

from matchmaker.cli import session
from matchmaker.cli.keys import NAMED, find_organisation
from matchmaker.identity import schemas
from matchmaker.identity.errors import OrganisationNotFound
from matchmaker.identity.models import MemberRole
from matchmaker.identity.sessions import registering
from matchmaker.identity.sessions.passwords import Passwords

if TYPE_CHECKING:
    from matchmaker.cli.session import Database

EMAIL = click.argument("email")
PASSWORD = click.option(
    "--password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    envvar="PERSON_PASSWORD",
    help="At least 12 characters; asked for unless given in PERSON_PASSWORD.",
)


@click.group()
def people() -> None:
    """Register people who log in, and let them in again."""


@people.command()
@EMAIL
@NAMED
@click.option("--name", required=True, help="What they are called.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in MemberRole]),
    default=MemberRole.OWNER.value,
    show_default=True,
)
@PASSWORD
def add(*, email: str, named: str, name: str, role: str, password: str) -> None:
    """Let the person at EMAIL log in, as a member of an organisation."""
    draft = msgspec.convert({"name": name, "email": email, "role": role}, schemas.MemberDraft)
    with session.database(session.settings()) as running:
        asyncio.run(_add(running, named, draft, password))
    click.echo(f"{draft.email.lower()} logs in as {role} of {named}")


async def _add(running: Database, named: str, draft: schemas.MemberDraft, password: str) -> None:
    hashed = await registering.hashed(Passwords(), password)
    async with running.transaction() as session_:
        holder = await find_organisation(session_, named)
        if holder is None:
            raise OrganisationNotFound
        await registering.register(session_, holder, draft, password_hash=hashed)


@people.command()
@EMAIL
@PASSWORD
def reset(*, email: str, password: str) -> None:
    """Give the person at EMAIL a new password, no second factor and no session."""
    with session.database(session.settings()) as running:
        asyncio.run(_reset(running, email, password))
    click.echo(f"{email.lower()} has a new password, and sets up a second factor anew")


async def _reset(running: Database, email: str, password: str) -> None:
    hashed = await registering.hashed(Passwords(), password)
    async with running.transaction() as session_:
        await registering.reset(session_, email.lower(), password_hash=hashed)
