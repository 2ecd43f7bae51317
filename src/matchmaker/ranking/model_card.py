"""The card of a model, to be read: what it is, where it comes from, and a plot of every table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from xml.sax.saxutils import escape

import numpy as np

from matchmaker.ranking import drawing
from matchmaker.ranking.tables import MILLION, pair_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matchmaker.ranking.artefact import Artefact
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.features import Feature

Words = Mapping[str, str]
"""What the card says in one language (seeds/ranking/model-card.yaml)."""


def page(artefact: Artefact, features: Mapping[str, Feature], words: Words, language: str) -> str:
    """A page of HTML in ``language`` ("zh" or "en"), whose words are ``words``.

    Every table of the model is on it: what it adds at least and at most, its sign, its plot.
    """
    tables, about = artefact.tables, artefact.manifest["about"]
    names = {name: _named(features[name], language) for name in tables.effects}
    facts = [
        (words["name"], tables.name),
        (words["sha256"], artefact.sha256),
        (words["schema"], artefact.manifest["schema"]),
        *_flat(about, words),
    ]
    sections = [
        _section(names[name], _said(effects, tables.references[name], features[name], words))
        + drawing.curve(effects, tables.references[name], names[name], words["plot"])
        for name, effects in tables.effects.items()
    ] + [
        _section(
            pair_name(names[first], names[second]),
            words["pair"].format(least=_millions(grid.min()), most=_millions(grid.max())),
        )
        + drawing.grid(grid, pair_name(names[first], names[second]), words["plot_pair"])
        for (first, second), grid in tables.pairs.items()
    ]
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in facts
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{escape(words['title'])}: {escape(tables.name)}</title></head><body>"
        f"<h1>{escape(words['title'])}</h1><p>{escape(words['intent'])}</p>"
        f"<table>{rows}</table><h2>{escape(words['tables'])}</h2>"
        f"<p>{escape(words['how'])}</p>{''.join(sections)}</body></html>\n"
    )


def _said(effects: Int, reference: int, feature: Feature, words: Words) -> str:
    """The sentence of one table."""
    adds = effects - effects[reference]
    sign = words["monotone"] if feature.direction else words["free"]
    if feature.direction and (np.diff(effects) < 0).any():
        sign = words["broken"]
    said = words["single"].format(
        least=_millions(adds.min()), most=_millions(adds.max()), reference=reference
    )
    return f"{said} {sign}"


def _section(name: str, said: str) -> str:
    return f"<h3>{escape(name)}</h3><p>{escape(said)}</p>"


def _named(feature: Feature, language: str) -> str:
    return feature.zh if language == "zh" else feature.en


def _millions(value: np.int64) -> str:
    return f"{int(value) / MILLION:+.3f}"


def _flat(about: Mapping[str, Any], words: Words, above: str = "") -> Iterable[tuple[str, str]]:
    """Each entry of ``about`` with its name in words, those of what it holds after a dot."""
    for key, value in about.items():
        name = above + words.get(key, key)
        if isinstance(value, Mapping):
            inner = cast("Mapping[str, Any]", value)
            yield from _flat(inner, words, f"{name}. ")
        else:
            yield name, words["unknown"] if value is None else str(value)
