"""Text that wraps as each script wants it: between words, and between Chinese characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, get_character_cell_size
from rich.containers import Lines
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, JustifyMethod, OverflowMethod

NEVER_FIRST: Final = frozenset("，。、；：！？）》」』”’〕】%…")
NEVER_LAST: Final = frozenset("（《「『“‘〔【")


class Prose(Text):
    """A text whose lines never open with a closing mark nor end with an opening one."""

    def wrap(
        self,
        console: Console,  # noqa: ARG002
        width: int,
        *,
        justify: JustifyMethod | None = None,  # noqa: ARG002
        overflow: OverflowMethod | None = None,  # noqa: ARG002
        tab_size: int = 8,  # noqa: ARG002
        no_wrap: bool | None = None,
    ) -> Lines:
        """The lines of the text, each at most ``width`` columns."""
        lines = Lines()
        for paragraph in self.split(allow_blank=True):
            offsets = [] if no_wrap else list(breaks(paragraph.plain, width))
            for line in paragraph.divide(offsets):
                line.rstrip()
                lines.append(line)
        return lines


def breaks(text: str, width: int) -> Iterator[int]:
    """Where the lines after the first begin."""
    start, place, last = 0, 0, 0
    while place < len(text):
        if place > start and _may_break(text, place):
            last = place
        if text[place] != " " and cell_len(text[start : place + 1]) > max(width, 2):
            start = last if last > start else place
            yield start
            place = start
        place += 1


def _may_break(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if after in NEVER_FIRST or before in NEVER_LAST or after == " ":
        return False
    return before == " " or _is_wide(before) or _is_wide(after)


def _is_wide(character: str) -> bool:
    return get_character_cell_size(character) > 1
