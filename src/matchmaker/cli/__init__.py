"""The ``matchmaker`` command."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

from matchmaker.cli import session
from matchmaker.core.postgres import EmbeddedUnavailable
from matchmaker.core.settings import SettingsInvalid
from matchmaker.core.shipped import FolderMissing

__all__ = ["main"]

_COMMANDS: Final = {
    "demo": "demo",
    "serve": "serve",
    "worker": "processes",
    "migrate": "pool",
    "seed": "pool",
    "import": "exchange:import_files",
    "export": "exchange",
    "template": "exchange",
    "index": "pool",
    "jobs": "jobs",
    "events": "events",
    "audit": "audit",
    "keys": "keys",
    "people": "people",
    "assess": "ways",
    "path": "ways",
    "batch": "batch",
    "erase": "erasing",
    "verify": "receipts",
    "train": "learning",
    "evaluate": "learning",
    "promote": "learning",
    "rollback": "learning",
    "openapi": "contract",
    "permissions": "contract",
}
"""The module of each command, and its name there where it has another; only that one is loaded."""


class _Commands(click.Group):
    """Commands whose expected failures are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """The names, in the order in which they are needed."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, whose module is loaded."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        found = getattr(importlib.import_module(f"matchmaker.cli.{module}"), attribute or cmd_name)
        assert isinstance(found, click.Command)  # noqa: S101  (as _COMMANDS says)
        return found

    def invoke(self, ctx: click.Context) -> object:
        """What the command answers.

        Raises:
            ClickException: with the one line.
        """
        with session.one_line():
            answer: object = super().invoke(ctx)
            return answer


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="matchmaker")
def commands() -> None:
    """Match an enterprise's need to standardised offerings, with the reasons."""


def main() -> None:
    """Run the command; what is missing or wrong is one clear line, not a traceback."""
    try:
        commands()
    except (EmbeddedUnavailable, FolderMissing, SettingsInvalid) as problem:
        click.echo(f"matchmaker: {problem}", err=True)
        sys.exit(2)
