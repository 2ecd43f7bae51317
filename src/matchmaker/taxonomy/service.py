"""Use-cases of the taxonomy: what more than one caller asks of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.taxonomy import industry, region, scale, suggest
from matchmaker.taxonomy.errors import CodeNotFound, UnknownCode
from matchmaker.taxonomy.registry import INDUSTRY, REGION

if TYPE_CHECKING:
    from matchmaker.taxonomy.entries import Concordance, Entry, Link
    from matchmaker.taxonomy.registry import Taxonomy


def find_entry(taxonomy: Taxonomy, scheme: str, code: str) -> Entry:
    """The entry of a code; an industry or region also in another spelling (``3311``, ``2102``).

    Raises:
        SchemeNotFound: there is no such scheme.
        CodeNotFound: the scheme has no such code.
    """
    entries = taxonomy.scheme(scheme).entries
    spelt = code if code in entries else _normalised(taxonomy, scheme, code)
    if spelt is None or spelt not in entries:
        raise CodeNotFound.of(scheme, code)
    return entries[spelt]


def links(taxonomy: Taxonomy, scheme: str, code: str) -> tuple[tuple[Concordance, Link], ...]:
    """The codes of other schemes that correspond to a code, or else to what is nearest above it.

    Raises:
        SchemeNotFound: there is no such scheme.
        CodeNotFound: the scheme has no such code.
    """
    table = taxonomy.scheme(scheme)
    places = (code, *(entry.code for entry in table.ancestors(code)))
    found: dict[str, tuple[tuple[Concordance, Link], ...]] = {}
    for place in places:
        for concordance in taxonomy.concordances.values():
            if concordance.source == scheme and place in concordance.links:
                pairs = tuple((concordance, link) for link in concordance.links[place])
                found.setdefault(concordance.target, pairs)
    return tuple(pair for pairs in found.values() for pair in pairs)


def suggestions(
    taxonomy: Taxonomy, text: str, *, scheme: str | None = None, limit: int = 10
) -> tuple[suggest.Suggestion, ...]:
    """The codes that fit what somebody typed, best first.

    Raises:
        SchemeNotFound: there is no such scheme.
    """
    if scheme is not None:
        taxonomy.scheme(scheme)
    texts = (text, industry.normalise(taxonomy, text) or "")
    return suggest.search(taxonomy.names, texts, scheme=scheme, limit=limit)


def scale_of(taxonomy: Taxonomy, figures: scale.Figures, scheme: str) -> scale.Scale:
    """The size of a firm by a scheme; the industry in any spelling.

    Raises:
        UnknownCode: there is no such scheme or industry.
    """
    if figures.industry is None:
        return scale.compute(taxonomy, figures, scheme)
    code = industry.normalise(taxonomy, figures.industry)
    if code is None:
        raise UnknownCode.at("#/industry", INDUSTRY, figures.industry)
    spelt = scale.Figures(
        employees=figures.employees, revenue=figures.revenue, assets=figures.assets, industry=code
    )
    return scale.compute(taxonomy, spelt, scheme)


def _normalised(taxonomy: Taxonomy, scheme: str, code: str) -> str | None:
    if scheme == INDUSTRY:
        return industry.normalise(taxonomy, code)
    return region.normalise(taxonomy, code) if scheme == REGION else None
