"""The registry's values as the wire says them, in the asked language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matchmaker.taxonomy import explanation, scale, schemas, service
from matchmaker.taxonomy.entries import thaw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.language import Language
    from matchmaker.taxonomy import documents
    from matchmaker.taxonomy.documents import Text
    from matchmaker.taxonomy.entries import Entry, Fact, Header, Scheme
    from matchmaker.taxonomy.registry import Taxonomy
    from matchmaker.taxonomy.suggest import Suggestion


def overview(taxonomy: Taxonomy, language: Language) -> schemas.TaxonomyOverview:
    """All tables of the release."""
    return schemas.TaxonomyOverview(
        release=taxonomy.release,
        version=taxonomy.version,
        digest=f"sha256:{taxonomy.digest}",
        schemes=[scheme_summary(scheme, language) for scheme in taxonomy.schemes.values()],
        scale_schemes=[
            _edition(rule.code, rule.labels.either(language, rule.code), rule.header)
            for rule in taxonomy.scales.values()
        ],
        questionnaires=questionnaires(taxonomy, language),
    )


def scheme_summary(scheme: Scheme, language: Language) -> schemas.SchemeSummary:
    """One table without its codes."""
    return schemas.SchemeSummary(
        code=scheme.code,
        label=scheme.labels.either(language, scheme.code),
        labels=scheme.labels,
        edition=scheme.header.edition,
        valid_from=scheme.header.valid_from,
        valid_to=scheme.header.valid_to,
        origin=scheme.header.origin,
        confidence=scheme.header.confidence,
        size=len(scheme.entries),
    )


def scheme_detail(
    scheme: Scheme, language: Language, *, parent: str | None
) -> schemas.SchemeDetail:
    """One table with all its codes, or with those right below ``parent``."""
    entries = scheme.entries.values()
    return schemas.SchemeDetail(
        scheme=scheme_summary(scheme, language),
        parents=scheme.parents,
        refs=dict(scheme.refs),
        entries=[
            code_entry(scheme, entry, language)
            for entry in entries
            if parent is None or entry.parent == parent
        ],
    )


def code_entry(scheme: Scheme, entry: Entry, language: Language) -> schemas.CodeEntry:
    """One code of a table."""
    return schemas.CodeEntry(
        code=entry.code,
        label=scheme.name(entry.code, language),
        labels=entry.labels,
        parent=entry.parent,
        rank=entry.rank,
        extra=_plain(entry.extra),
    )


def code_detail(
    taxonomy: Taxonomy, scheme: Scheme, entry: Entry, language: Language
) -> schemas.CodeDetail:
    """One code with its surroundings."""

    def named(of: str, code: str) -> schemas.CodeName:
        return schemas.CodeName(scheme=of, code=code, label=taxonomy.name(of, code, language))

    above = [found.code for found in scheme.ancestors(entry.code)]
    if not above and entry.parent is not None:
        above = [entry.parent]
    return schemas.CodeDetail(
        scheme=scheme.code,
        entry=code_entry(scheme, entry, language),
        ancestors=[named(scheme.parents, code) for code in above],
        children=_children(taxonomy, scheme, entry, language),
        links=_links(taxonomy, scheme, entry, language),
    )


def _children(
    taxonomy: Taxonomy, scheme: Scheme, entry: Entry, language: Language
) -> list[schemas.CodeName]:
    """The codes below, in this table or in one whose parents stand here."""
    return [
        schemas.CodeName(scheme=below.code, code=code, label=below.name(code, language))
        for below in taxonomy.schemes.values()
        if below.parents == scheme.code
        for code in below.children.get(entry.code, ())
    ]


def _links(
    taxonomy: Taxonomy, scheme: Scheme, entry: Entry, language: Language
) -> list[schemas.LinkedCode]:
    return [
        schemas.LinkedCode(
            scheme=concordance.target,
            code=link.target,
            label=taxonomy.name(concordance.target, link.target, language),
            of=link.source,
            rank=link.rank,
            relation=link.relation,
            confidence=link.confidence,
            extra=_plain(link.extra),
        )
        for concordance, link in service.links(taxonomy, scheme.code, entry.code)
    ]


def suggestions(
    taxonomy: Taxonomy, found: Sequence[Suggestion], language: Language
) -> schemas.Suggestions:
    """Suggestions with names."""

    def one(hit: Suggestion) -> schemas.Suggestion:
        scheme = taxonomy.scheme(hit.scheme)
        entry = scheme.entry(hit.code)
        parent = entry.parent
        return schemas.Suggestion(
            scheme=hit.scheme,
            code=hit.code,
            label=scheme.name(hit.code, language),
            labels=entry.labels,
            within=None if parent is None else taxonomy.name(scheme.parents, parent, language),
            match=hit.match.name.lower(),
            source=hit.source,
        )

    return schemas.Suggestions(items=[one(hit) for hit in found])


def scale_result(taxonomy: Taxonomy, found: scale.Scale, language: Language) -> schemas.ScaleResult:
    """A size with its reasons."""
    rule = scale.scheme_of(taxonomy, found.scheme)
    sector = next((sector for sector in rule.sectors if sector.code == found.sector), None)
    return schemas.ScaleResult(
        scheme=found.scheme,
        sector=None
        if sector is None
        else schemas.ScaleSector(code=sector.code, label=_say(sector, language)),
        scale=found.scale,
        label=None if found.scale is None else taxonomy.name("scale", found.scale, language),
        basis=found.basis,
        bound=found.bound,
        missing=list(found.missing),
        indicators=[_indicator(reading) for reading in found.readings],
        explanation=list(explanation.sentences(taxonomy, found, language)),
    )


def _indicator(reading: scale.Reading) -> schemas.ScaleIndicator:
    return schemas.ScaleIndicator(
        indicator=reading.indicator,
        value=reading.value,
        scale=reading.tier,
        lower=reading.lower,
        upper=reading.upper,
        is_upper_inclusive=reading.is_upper_inclusive,
    )


def questionnaires(taxonomy: Taxonomy, language: Language) -> list[schemas.NamedEdition]:
    """The published questionnaires by name."""
    return [
        _edition(found.code, _say(found.labels, language), found.header)
        for found in taxonomy.questionnaires.values()
    ]


def questionnaire(
    taxonomy: Taxonomy, found: documents.Questionnaire, language: Language
) -> schemas.QuestionnaireDetail:
    """One questionnaire with all its questions."""
    scenes = taxonomy.scheme(found.scenes)
    return schemas.QuestionnaireDetail(
        code=found.code,
        label=_say(found.labels, language),
        edition=found.header.edition,
        origin=found.header.origin,
        confidence=found.header.confidence,
        scheme=found.scheme,
        table=found.table,
        parts=[_part(part, language) for part in found.parts],
        scenes=[_scene(taxonomy, scenes, entry, language) for entry in scenes.entries.values()],
        levels=[
            schemas.LevelTest(
                level=rule.level,
                min_score=rule.min_score,
                scene_level=rule.scene_level,
                min_scenes=rule.min_scenes,
                min_binding=rule.min_binding,
            )
            for rule in found.levels
        ],
    )


def _part(part: documents.Part, language: Language) -> schemas.QuestionPart:
    return schemas.QuestionPart(
        code=part.code,
        label=_say(part.labels, language),
        points=part.points,
        questions=[_question(question, language) for question in part.questions],
    )


def _question(question: documents.Question, language: Language) -> schemas.Question:
    return schemas.Question(
        code=question.code,
        label=_say(question.labels, language),
        section=None if question.section is None else _say(question.section, language),
        type=question.type,
        points=question.points,
        options=[
            schemas.QuestionOption(
                code=option.code, label=_say(option, language), points=option.points
            )
            for option in question.options
        ],
        bands=[
            schemas.QuestionBand(upper=upper, points=points) for upper, points in question.bands
        ],
    )


def _scene(
    taxonomy: Taxonomy, scheme: Scheme, entry: Entry, language: Language
) -> schemas.SceneQuestion:
    parent = entry.parent
    levels = entry.extra.get("levels")
    return schemas.SceneQuestion(
        code=entry.code,
        label=scheme.name(entry.code, language),
        group=parent,
        group_label=None if parent is None else taxonomy.name(scheme.parents, parent, language),
        is_binding=entry.extra.get("binding") is True,
        levels=[
            schemas.SceneLevel(level=int(str(told["level"])), label=str(told[language]))
            for told in (levels if isinstance(levels, tuple) else ())
            if isinstance(told, Mapping)
        ],
    )


def _edition(code: str, label: str, header: Header) -> schemas.NamedEdition:
    return schemas.NamedEdition(
        code=code,
        label=label,
        edition=header.edition,
        origin=header.origin,
        confidence=header.confidence,
    )


def _say(text: Text | documents.Sector | documents.Option, language: Language) -> str:
    return text.zh if language == "zh" else text.en


def _plain(extra: Mapping[str, Fact]) -> dict[str, Any]:
    return {key: thaw(value) for key, value in extra.items()}
