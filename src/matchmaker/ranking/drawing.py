"""Plots as SVG, each with its text alternative: a step function, and a grid of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

import numpy as np

from matchmaker.ranking.steps import FULL
from matchmaker.ranking.tables import BIN_WIDTH, BINS, MILLION

if TYPE_CHECKING:
    from matchmaker.ranking.columns import Int

_WIDTH, _HEIGHT = 320, 140
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 10, 10, 22
_CELL: Final = 12
_MOST_POINTS: Final = 257


def curve(effects: Int, reference: int, title: str, description: str) -> str:
    """The table of one feature over its steps; a dot stands at the reference.

    ``effects`` of shape (1025,) in millionths, drawn less the entry at the reference.
    """
    adds = (effects - effects[reference]) / MILLION
    low, high = min(0.0, float(adds.min())), max(0.0, float(adds.max()))
    span = high - low or 1.0

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / FULL

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - value) / span

    corners = _corners(adds)
    points = " ".join(f"{x(step):.1f},{y(adds[step]):.1f}" for step in corners)
    marks = "".join(
        f'<text x="{_LEFT - 4}" y="{y(value) + 4:.1f}" text-anchor="end">{value:+.2f}</text>'
        for value in sorted({low, high})
    )
    ends = "".join(
        f'<text x="{x(step):.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{step}</text>'
        for step in (0, reference, FULL)
    )
    body = (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}" '
        'stroke="#999"/>'
        f'<polyline points="{points}" fill="none" stroke="#036" stroke-width="2"/>'
        f'<circle cx="{x(reference):.1f}" cy="{y(0):.1f}" r="3" fill="#036"/>{marks}{ends}'
    )
    return _svg((_WIDTH, _HEIGHT), title, description, body)


def grid(effects: Int, title: str, description: str) -> str:
    """The table of a pair, of shape (16, 16) in millionths: blue adds, brown takes away.

    The first feature runs down, the second to the right.
    """
    most = int(np.abs(effects).max()) or 1
    cells = "".join(
        f'<rect x="{column * _CELL}" y="{row * _CELL}" width="{_CELL}" height="{_CELL}" '
        f'fill="{"#036" if effects[row, column] >= 0 else "#a50"}" '
        f'fill-opacity="{abs(int(effects[row, column])) / most:.2f}">'
        f"<title>{row * BIN_WIDTH} x {column * BIN_WIDTH}: "
        f"{effects[row, column] / MILLION:+.3f}</title></rect>"
        for row in range(BINS)
        for column in range(BINS)
    )
    return _svg((BINS * _CELL, BINS * _CELL), title, description, cells)


def _corners(adds: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
    """Where a line must go through: both sides of each jump, or evenly where it bends often."""
    jumps = np.flatnonzero(np.diff(adds))
    corners = sorted({0, *jumps.tolist(), *(jumps + 1).tolist(), FULL})
    return corners if len(corners) <= _MOST_POINTS else [*range(0, FULL + 1, 4)]


def _svg(size: tuple[int, int], title: str, description: str, body: str) -> str:
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" font-family="sans-serif" font-size="10">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{body}</svg>"
    )
