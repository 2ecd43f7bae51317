"""`matchmaker openapi`: the contract as a file."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from matchmaker.app import installed
from matchmaker.cli import session
from matchmaker.core import db
from matchmaker.core.openapi import document


@click.command()
@click.argument(
    "target", type=click.Path(dir_okay=False, path_type=Path), default="openapi/matchmaker.v1.json"
)
def openapi(target: Path) -> None:
    """Write the OpenAPI document to TARGET."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(contract())
    click.echo(str(target))


def contract() -> bytes:
    """The OpenAPI document, keys sorted, as it is committed; needs no database."""
    settings = session.settings()
    engine = db.create_engine("postgresql://nobody@127.0.0.1/none", settings)
    app = installed(settings, engine, session.released())
    return msgspec.json.format(msgspec.json.encode(document(app), order="sorted"), indent=2) + b"\n"
