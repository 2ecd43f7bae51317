"""The ``matchmaker`` command."""

from __future__ import annotations

import sys

import click

from matchmaker.cli import session
from matchmaker.cli.audit import audit
from matchmaker.cli.contract import openapi, permissions
from matchmaker.cli.demo import demo
from matchmaker.cli.erasing import erase
from matchmaker.cli.events import events
from matchmaker.cli.exchange import export, import_files, template
from matchmaker.cli.jobs import jobs
from matchmaker.cli.keys import keys
from matchmaker.cli.people import people
from matchmaker.cli.pool import index, migrate, seed
from matchmaker.cli.processes import worker
from matchmaker.cli.receipts import verify
from matchmaker.cli.serve import serve
from matchmaker.cli.ways import assess, path
from matchmaker.core.postgres import EmbeddedUnavailable
from matchmaker.core.settings import SettingsInvalid
from matchmaker.core.shipped import FolderMissing

__all__ = ["main"]


class _Commands(click.Group):
    """Commands whose expected failures are one line each."""

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


COMMANDS = (
    demo,
    serve,
    worker,
    migrate,
    seed,
    import_files,
    export,
    template,
    index,
    jobs,
    events,
    audit,
    keys,
    people,
    assess,
    path,
    erase,
    verify,
    openapi,
    permissions,
)
for command in COMMANDS:
    commands.add_command(command)


def main() -> None:
    """Run the command; what is missing or wrong is one clear line, not a traceback."""
    try:
        commands()
    except (EmbeddedUnavailable, FolderMissing, SettingsInvalid) as problem:
        click.echo(f"matchmaker: {problem}", err=True)
        sys.exit(2)
