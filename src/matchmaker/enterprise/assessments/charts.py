"""An assessment as a picture: SVG with a text alternative, drawn from numbers alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.core.language import Language

_MOST: Final = 4
_SIZE: Final = 640
_MIDDLE: Final = _SIZE / 2
_RADIUS: Final = 210
_ROW: Final = 28
_LEFT, _STEP = 200, 90
_NEARLY: Final = 20
"""So near the middle a label is centred."""
_OWN, _PEERS, _GRID = "#0b5cad", "#b35900", "#8a8f98"
_NAMES: Final = Bilingual(zh="各场景水平（0–4级）", en="Level of each scene, 0 to 4")
_UNKNOWN: Final = Bilingual(zh="未知", en="unknown")
_FIRM: Final = Bilingual(zh="本企业", en="this firm")
_MEAN: Final = Bilingual(zh="同类企业平均", en="mean of peers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn: the scenes in order with their names, own levels, means of peers."""

    names: Mapping[str, str]
    levels: Mapping[str, int]
    means: Mapping[str, float]
    language: Language

    def alternative(self) -> str:
        """All that the picture shows, as text."""
        between = "；" if self.language == "zh" else "; "
        return between.join(self._said(code) for code in self.names)

    def _said(self, code: str) -> str:
        colon = "：" if self.language == "zh" else ": "
        own = self.levels.get(code)
        told = _UNKNOWN.in_language(self.language) if own is None else str(own)
        mean = self.means.get(code)
        more = "" if mean is None else f" ({_MEAN.in_language(self.language)} {mean:g})"
        return f"{self.names[code]}{colon}{told}{more}"

    def radar(self) -> str:
        """The scenes around a circle; an unknown one leaves a gap in the line."""
        codes = list(self.names)
        parts = [*self._rings(len(codes)), *self._labels(codes)]
        parts += self._line(codes, self.means, _PEERS, dashed=True)
        parts += self._line(codes, self.levels, _OWN)
        return self._framed(parts, _SIZE, _SIZE + 40)

    def bars(self) -> str:
        """A line for each scene: a bar as long as its level, a mark where peers stand."""
        parts = []
        for place, code in enumerate(self.names):
            top = 40 + place * _ROW
            parts.append(_text(_LEFT - 8, top + 14, self.names[code], "end"))
            own, mean = self.levels.get(code), self.means.get(code)
            if own is None:
                told = _UNKNOWN.in_language(self.language)
                parts.append(_text(_LEFT + 4, top + 14, told, "start", fill=_GRID))
            else:
                width = max(2, own * _STEP)
                parts.append(
                    f'<rect x="{_LEFT}" y="{top}" width="{width}" height="18" fill="{_OWN}"/>'
                )
            if mean is not None:
                x = _LEFT + mean * _STEP
                parts.append(
                    f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 3}" y2="{top + 21}"'
                    f' stroke="{_PEERS}" stroke-width="3"/>'
                )
        parts += [
            _text(_LEFT + level * _STEP, 30, str(level), "middle", fill=_GRID)
            for level in range(_MOST + 1)
        ]
        return self._framed(parts, _SIZE, 80 + len(self.names) * _ROW)

    def _rings(self, count: int) -> Iterator[str]:
        for level in range(1, _MOST + 1):
            points = " ".join(_at(place, count, level) for place in range(count))
            yield f'<polygon points="{points}" fill="none" stroke="{_GRID}" stroke-opacity=".5"/>'

    def _labels(self, codes: Sequence[str]) -> Iterator[str]:
        for place, code in enumerate(codes):
            x, y = _xy(place, len(codes), _MOST + 0.35)
            anchor = "middle" if abs(x - _MIDDLE) < _NEARLY else "start" if x > _MIDDLE else "end"
            yield _text(x, y + 4, self.names[code], anchor)

    def _line(
        self,
        codes: Sequence[str],
        values: Mapping[str, float],
        colour: str,
        *,
        dashed: bool = False,
    ) -> Iterator[str]:
        count = len(codes)
        pattern = ' stroke-dasharray="5 4"' if dashed else ""
        for place, code in enumerate(codes):
            value, following = values.get(code), values.get(codes[(place + 1) % count])
            if value is None:
                continue
            x, y = _xy(place, count, value)
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
            if following is not None:
                to_x, to_y = _xy((place + 1) % count, count, following)
                yield (
                    f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
                    f' stroke="{colour}" stroke-width="2"{pattern}/>'
                )

    def _framed(self, parts: Sequence[str], width: int, height: int) -> str:
        title = escape(_NAMES.in_language(self.language))
        legend = [
            _text(20, height - 12, f"■ {_FIRM.in_language(self.language)}", "start", fill=_OWN)
        ]
        if self.means:
            said = f"■ {_MEAN.in_language(self.language)}"
            legend.append(_text(150, height - 12, said, "start", fill=_PEERS))
        lang = "zh-CN" if self.language == "zh" else "en"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
            f' lang="{lang}" aria-labelledby="title desc" font-family="sans-serif" font-size="12">'
            f'<title id="title">{title}</title>'
            f'<desc id="desc">{escape(self.alternative())}</desc>'
            f"{''.join([*parts, *legend])}</svg>\n"
        )


def _xy(place: int, count: int, level: float) -> tuple[float, float]:
    angle = 2 * math.pi * place / count - math.pi / 2
    reach = _RADIUS * level / _MOST
    return _MIDDLE + reach * math.cos(angle), _MIDDLE + reach * math.sin(angle)


def _at(place: int, count: int, level: float) -> str:
    x, y = _xy(place, count, level)
    return f"{x:.1f},{y:.1f}"


def _text(x: float, y: float, said: str, anchor: str, *, fill: str = "#1f2328") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(said)}</text>'
    )
