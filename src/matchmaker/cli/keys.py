"""`matchmaker keys`: the first key of an installation, and every other made at the console."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

import click

from matchmaker.cli import session
from matchmaker.core.clock import utc_now
from matchmaker.core.wire import Text
from matchmaker.identity import organisations, queries, schemas
from matchmaker.identity.access import Scope
from matchmaker.identity.errors import KeyNotFound, OrganisationNotFound
from matchmaker.identity.issuing import queries as issued
from matchmaker.identity.issuing import service
from matchmaker.identity.models import OrganisationId, OrganisationRole, OrganisationState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.cli.session import Database
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import ApiKey, Organisation
    from matchmaker.taxonomy.registry import Taxonomy

NAMED = click.option(
    "--organisation", "named", required=True, metavar="ID", help="Its id or external id."
)


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@NAMED
@click.option(
    "--create-organisation",
    "name",
    metavar="NAME",
    help="Register it, verified, under the external id ID if there is none.",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in OrganisationRole]),
    help="Its roles where it is registered now; operator unless given.",
)
@click.option("--name", "label", default="console", show_default=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it is good for; all that the roles allow unless given.",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), help="How long it acts; for ever unless given."
)
def create(
    *,
    named: str,
    name: str | None,
    roles: tuple[str, ...],
    label: str,
    scopes: tuple[str, ...],
    days: int | None,
) -> None:
    """Make a key and print it, once: nobody can print it again.

    The key alone goes to standard output, so that a script can keep it.
    """
    draft = None if name is None else _draft(named, name, roles)
    wanted = schemas.KeyRequest(
        name=label,
        scopes=tuple(Scope(scope) for scope in scopes) or None,
        expires_at=None if days is None else utc_now() + dt.timedelta(days=days),
    )
    taxonomy = session.taxonomy()
    with session.database(session.settings()) as running:
        key, text = asyncio.run(_create(running, taxonomy, wanted, named=named, draft=draft))
    click.echo(f"key {key.public_id} of {named}, good for {', '.join(key.scopes)}", err=True)
    click.echo(text)


def _draft(external_id: str, name: str, roles: Sequence[str]) -> schemas.OrganisationDraft:
    held = tuple(OrganisationRole(role) for role in roles) or (OrganisationRole.OPERATOR,)
    said = Text(en=name) if name.isascii() else Text(zh=name)
    return schemas.OrganisationDraft(external_id=external_id, name=said, roles=held)


async def _create(
    running: Database,
    taxonomy: Taxonomy,
    wanted: schemas.KeyRequest,
    *,
    named: str,
    draft: schemas.OrganisationDraft | None,
) -> tuple[ApiKey, str]:
    async with running.transaction() as session_:
        holder = await find_organisation(session_, named)
        if holder is None and draft is not None:
            holder = await organisations.register(
                session_, taxonomy, draft, by=None, state=OrganisationState.VERIFIED
            )
        if holder is None:
            raise OrganisationNotFound
        key, token = await service.create(session_, holder, wanted, by=None)
    return key, token.text


@keys.command("list")
@NAMED
def list_(named: str) -> None:
    """List the keys of an organisation; their texts nobody has."""
    with session.database(session.settings()) as running:
        found = asyncio.run(_list(running, named))
    click.echo("key\tmade\tlast used\tends\trevoked\tname\tscopes")
    for key in found:
        times = (key.created_at, key.last_used_at, key.expires_at, key.revoked_at)
        said = ("-" if time is None else f"{time:%Y-%m-%dT%H:%MZ}" for time in times)
        click.echo("\t".join((key.public_id, *said, key.name, ",".join(key.scopes))))


async def _list(running: Database, named: str) -> Sequence[ApiKey]:
    async with running.transaction() as session_:
        holder = await find_organisation(session_, named)
        if holder is None:
            raise OrganisationNotFound
        return await issued.list_keys(session_, holder.id, after=None, limit=1000)


@keys.command()
@click.argument("public_id")
def revoke(public_id: str) -> None:
    """End the key PUBLIC_ID, the eight characters after mmk_live_, for good."""
    with session.database(session.settings()) as running:
        asyncio.run(_revoke(running, public_id))
    click.echo(f"key {public_id} is revoked")


async def _revoke(running: Database, public_id: str) -> None:
    async with running.transaction() as session_:
        found = await issued.key_named(session_, public_id)
        if found is None:
            raise KeyNotFound
        await service.revoke(session_, found.id, by=None)


async def find_organisation(session_: ReadSession | Session, named: str) -> Organisation | None:
    """The organisation of this id, or of this external id."""
    with contextlib.suppress(ValueError):
        return await queries.organisation(session_, OrganisationId(UUID(named)))
    return await queries.organisation_named(session_, named)
