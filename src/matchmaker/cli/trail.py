"""The end of the walk: the shortlist as it was frozen, and what was recorded on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.cli import texts
from matchmaker.cli.prose import Prose
from matchmaker.core.wire import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.cli.show import Page
    from matchmaker.cli.stored import Stored
    from matchmaker.core.events import EventActor, Recorded


def shortlist(page: Page, stored: Stored) -> None:
    """What was put on the shortlist, in the versions it stays in."""
    page.heading(11, texts.SHORTLIST)
    page.say(page.words(texts.FROZEN, count=len(stored.entries)))
    columns = (texts.RANK, texts.LISTED, texts.VERSION, texts.FIT)
    rows = []
    for entry in stored.entries:
        title = msgspec.convert(entry.title, Text).in_language(page.language)
        fit = "" if entry.fit is None else str(entry.fit)
        rows.append((str(entry.rank), Prose(title), str(entry.version), fit))
    page.table(columns, rows, texts_at=1)
    state = texts.STATES[stored.shortlist.state]
    page.pairs(
        (
            (page.words(texts.SHORTLIST_ID), str(stored.shortlist.id)),
            (page.words(texts.STATE), page.words(state)),
        )
    )


def events(page: Page, stored: Stored) -> None:
    """The events of this walk, and whether the chain that they stand in is whole."""
    page.heading(12, texts.TRAIL)
    page.say(page.words(texts.RECORDED))
    columns = (texts.POSITION, texts.TIME, texts.EVENT, texts.BY_WHOM)
    page.table(columns, _rows(page, stored), texts_at=2)
    verdict = stored.verdict
    if verdict.is_whole:
        page.say(page.words(texts.CHAIN_WHOLE, position=verdict.head.position), "bold")
        page.say(page.words(texts.VERIFY))
        page.line("  matchmaker audit verify", "bold")
    else:
        page.say(page.words(texts.CHAIN_BROKEN, position=verdict.broken_at), "bold red")


def _rows(page: Page, stored: Stored) -> Iterator[tuple[str | Prose, ...]]:
    for recorded in stored.trail:
        event = recorded.event
        subject = page.words(texts.SUBJECTS[event.subject_type])
        what = Prose(_said(page, recorded))
        what.append(f"\n{subject} {event.subject_id}", style="dim")
        who = Prose(_who(page, event.actor))
        who.append(f"\n{page.words(texts.CONSOLE)}", style="dim")
        yield str(recorded.position), f"{recorded.recorded_at:%H:%M:%S}", what, who


def _said(page: Page, recorded: Recorded) -> str:
    kind = recorded.event.kind
    return page.words(texts.HAPPENED.get(kind, texts.HAPPENED_ELSE), kind=kind)


def _who(page: Page, actor: EventActor) -> str:
    """For whom the console acted: as the firm, or as nobody but the operator."""
    return page.words(texts.OPERATOR if actor.organisation_id is None else texts.FIRM)
