"""How the demo is laid out on a terminal, or in a pipe: headings, lists, tables, bars."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from matchmaker.cli import texts
from matchmaker.cli.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matchmaker.core.language import Bilingual, Language
    from matchmaker.matching.schemas import MatchedItem

WIDEST: Final = 100
"""Columns; longer lines are hard to read."""
HALF: Final = 16
"""Columns of a bar on each side of the zero line."""
_LABEL: Final = 20
_BULLETED: Final = 11


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters that bars and lists are drawn with."""

    full: str
    left_half: str
    right_half: str
    zero: str
    bullet: str


BLOCKS: Final = Marks(full="█", left_half="▌", right_half="▐", zero="│", bullet="•")
PLAIN: Final = Marks(full="#", left_half="#", right_half="#", zero="|", bullet="-")
"""For terminals that cannot print more than ASCII."""


def console(*, to_error: bool = False) -> Console:
    """A console that prints texts as they are: no markup, no guessing what is a number.

    A character that the terminal's encoding lacks becomes a question mark.
    """
    if sys.stdout.encoding.lower().replace("-", "") != "utf8":
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    made = Console(stderr=to_error, highlight=False, markup=False, emoji=False)
    made.width = min(made.width, WIDEST)
    return made


def bar(adds: float, most: float, marks: Marks = BLOCKS) -> str:
    """``adds`` as a bar left or right of a zero line; ``most`` in size fills one side.

    2 x `HALF` + 1 characters; whatever is not 0 shows at least half a character.
    """
    halves = 0 if most == 0 else round(2 * HALF * min(abs(adds) / most, 1.0))
    if adds:
        halves = max(halves, 1)
    full, half = divmod(halves, 2)
    if adds < 0:
        return (marks.right_half * half + marks.full * full).rjust(HALF) + marks.zero + " " * HALF
    return " " * HALF + marks.zero + (marks.full * full + marks.left_half * half).ljust(HALF)


@dataclass(frozen=True, slots=True)
class Page:
    """A console and the language it is read in."""

    console: Console
    language: Language

    @property
    def marks(self) -> Marks:
        """What the terminal can draw with."""
        return PLAIN if self.console.options.ascii_only else BLOCKS

    def words(self, text: Bilingual, **values: object) -> str:
        """``text`` in the language of the page."""
        return text.in_language(self.language).format(**values)

    def title(self, text: str) -> None:
        """The first line."""
        self.console.print()
        self.console.print(Text(text, style="bold"))

    def heading(self, number: int, text: Bilingual) -> None:
        """A line that opens a section."""
        self.console.print()
        self.console.rule(
            Text(f"{number}  {self.words(text)}", style="bold cyan"), align="left", style="cyan"
        )

    def say(self, text: str, style: str = "") -> None:
        """A paragraph."""
        if not text:
            self.console.print()
            return
        # Printed bare, rich would rebuild the text as one of its own.
        self.console.print(Padding(Prose(text, style=style), 0, expand=False))

    def line(self, text: str, style: str = "") -> None:
        """A line as it is, to be copied: never wrapped."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def pairs(self, found: Iterable[tuple[str, str]]) -> None:
        """Labels with their values, one pair a line."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", max_width=_LABEL + 2)
        grid.add_column(overflow="fold")
        for label, value in found:
            grid.add_row(Prose(label), Prose(value))
        self._indented(grid)

    def bullets(self, label: str, found: Sequence[str], style: str = "") -> None:
        """A labelled list; nothing where it is empty."""
        grid = Table.grid(padding=(0, 1))
        grid.add_column(style="dim", min_width=_BULLETED if label else 0)
        grid.add_column(style=style)
        grid.add_column(overflow="fold")
        for place, each in enumerate(found):
            grid.add_row("" if place else label, self.marks.bullet, Prose(each))
        if found:
            self._indented(grid)

    def table(
        self, columns: Sequence[Bilingual], rows: Iterable[Sequence[str | Text]], *, texts_at: int
    ) -> None:
        """A table whose column ``texts_at`` is text; the others are figures, to the right."""
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
        for place, column in enumerate(columns):
            is_text = place == texts_at
            table.add_column(
                self.words(column),
                justify="left" if is_text else "right",
                overflow="fold",
                no_wrap=not is_text,
            )
        for row in rows:
            table.add_row(*row)
        self._indented(table)

    def sum_of(self, item: MatchedItem, most: float) -> None:
        """The score of ``item`` as a sum, each part with its bar; ``most`` fills one side."""
        grid = Table.grid(padding=(0, 1))
        grid.add_column(max_width=_LABEL, overflow="fold")
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_row(self.words(texts.BASE), "", f"{item.base:.6f}")
        for part in item.contributions:
            grid.add_row(part.label, self._bar(part.adds, most), f"{part.adds:+.6f}")
        for add in item.curation:
            label = self.words(texts.CURATION, rule=add.rule)
            grid.add_row(label, self._bar(add.adds, most), f"{add.adds:+.6f}")
        grid.add_row(
            Text(self.words(texts.SCORE), style="bold"), "", Text(f"{item.score:.6f}", style="bold")
        )
        self._indented(grid)

    def _indented(self, table: Table) -> None:
        self.console.print(Padding(table, (0, 0, 0, 2), expand=False))

    def _bar(self, adds: float, most: float) -> Text:
        return Text(bar(adds, most, self.marks), style="red" if adds < 0 else "green")
