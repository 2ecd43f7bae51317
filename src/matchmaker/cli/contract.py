"""`matchmaker openapi` and `matchmaker permissions`: the contract as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from matchmaker.app import installed
from matchmaker.cli import session
from matchmaker.core import db
from matchmaker.core.openapi import document
from matchmaker.identity import matrix

if TYPE_CHECKING:
    from litestar import Litestar


@click.command()
@click.argument(
    "target", type=click.Path(dir_okay=False, path_type=Path), default="openapi/matchmaker.v1.json"
)
def openapi(target: Path) -> None:
    """Write the OpenAPI document to TARGET."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(contract())
    click.echo(str(target))


@click.command()
@click.argument(
    "target", type=click.Path(dir_okay=False, path_type=Path), default="docs/permissions.md"
)
def permissions(target: Path) -> None:
    """Write who may call which operation to TARGET."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(permitted(), encoding="utf-8")
    click.echo(str(target))


def contract() -> bytes:
    """The OpenAPI document, keys sorted, as it is committed; needs no database."""
    described = document(_unconnected())
    return msgspec.json.format(msgspec.json.encode(described, order="sorted"), indent=2) + b"\n"


def permitted() -> str:
    """The page of permissions as it is committed; needs no database."""
    return matrix.page(matrix.rows(_unconnected()))


def _unconnected() -> Litestar:
    settings = session.settings()
    engine = db.create_engine("postgresql://nobody@127.0.0.1/none", settings)
    return installed(settings, engine, session.released())
