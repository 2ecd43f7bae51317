"""`matchmaker train`, `evaluate`, `promote`, `rollback`: what ranks, and what may."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from matchmaker.cli import pool, session
from matchmaker.core.events import CLI
from matchmaker.core.transitions import IllegalTransition, TransitionHindered
from matchmaker.learning import service
from matchmaker.learning.training import TooFewNeeds
from matchmaker.matching.learned import service as registry
from matchmaker.matching.learned.errors import ModelNotFound
from matchmaker.matching.learned.machine import MODEL, ModelState

if TYPE_CHECKING:
    from matchmaker.cli.session import Database
    from matchmaker.learning.gate import Report
    from matchmaker.matching.learned.models import LearnedModel
    from matchmaker.released import Released

_NEXT = {ModelState.TRAINED: "shadow", ModelState.SHADOW: "promote"}
"""The step that `promote` takes out of each state."""


@click.command()
def train() -> None:
    """Learn a model of what became of stored matches; it ranks nothing yet."""
    released = session.released()
    with session.database(session.settings()) as running, session.one_line(TooFewNeeds):
        click.echo(asyncio.run(trained(running, released)).name)


@click.command()
@click.argument("name")
def evaluate(name: str) -> None:
    """Hold the model NAME through the gate: on needs held out, beside what ranks now."""
    released = session.released()
    with session.database(session.settings()) as running, session.one_line(ModelNotFound):
        report = asyncio.run(evaluated(running, released, name))
    _tell(report)
    if not report.is_passed:
        raise click.ClickException(f"{name} did not pass")


@click.command()
@click.argument("name")
def promote(name: str) -> None:
    """Take the model NAME one step further: into the shadow, then to where it ranks."""
    released = session.released()
    expected = (ModelNotFound, IllegalTransition)
    with session.database(session.settings()) as running, session.one_line(*expected):
        try:
            moved = asyncio.run(promoted(running, released, name))
        except TransitionHindered as hindered:
            said = "; ".join(fault.message.in_language("en") for fault in hindered.errors)
            raise click.ClickException(f"{name}: {said}") from hindered
    click.echo(f"{moved.name}: {moved.state.value}")


@click.command()
def rollback() -> None:
    """Let rank again what ranked before the present model; in force at once."""
    with session.database(session.settings()) as running:
        try:
            back = asyncio.run(rolled_back(running))
        except ModelNotFound as nothing:
            raise click.ClickException("no learned model ranks") from nothing
    click.echo("the published card" if back is None else back.name)


async def trained(running: Database, released: Released) -> LearnedModel:
    """The model that was learned and kept.

    Raises:
        TooFewNeeds: fewer needs are judged than the policy asks for.
    """
    means = released.learning
    files = await service.train(running.transaction, means)
    async with running.transaction() as session_:
        return await registry.keep(session_, files, card=means.card.version, by=CLI)


async def evaluated(running: Database, released: Released, name: str) -> Report:
    """What the gate found of the model, kept.

    Raises:
        ModelNotFound: there is none of this name.
    """
    async with running.transaction() as session_:
        model = await registry.named(session_, name)
    found = await service.evaluate(running.transaction, released.learning, model)
    async with running.transaction() as session_:
        await service.keep_evaluation(session_, found, CLI)
    return found.report


async def promoted(running: Database, released: Released, name: str) -> LearnedModel:
    """The model one step further, in place where indexes are published.

    Raises:
        ModelNotFound: there is none of this name.
        IllegalTransition: it is neither trained nor in the shadow.
        TransitionHindered: the gate has something against it.
    """
    card = released.model.version
    async with running.transaction() as session_:
        model = await registry.named(session_, name)
        step = MODEL.step(_NEXT.get(model.state, ""))
        if step is None:
            raise IllegalTransition(extra={"state": model.state.value})
        moved = await registry.move(session_, model, step, CLI, card=card)
    await pool.place_models(running)
    return moved


async def rolled_back(running: Database) -> LearnedModel | None:
    """What ranks now, in place where indexes are published; None: the card.

    Raises:
        ModelNotFound: no learned model ranks.
    """
    async with running.transaction() as session_:
        back = await registry.roll_back(session_, CLI)
    await pool.place_models(running)
    return back


def _tell(report: Report) -> None:
    table = Table("rule", "is", "bound", "")
    for each in report.findings:
        value = "unknown" if each.value is None else f"{each.value:.4f}"
        table.add_row(each.rule, value, f"{each.bound:g}", "" if each.holds else "missed")
    Console().print(table)
