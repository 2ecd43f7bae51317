"""From a match run to what a caller reads: the numbers with their words in the asked language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.wire import Money
from matchmaker.matching import schemas
from matchmaker.matching.run import instant
from matchmaker.ranking.steps import FULL
from matchmaker.ranking.tables import MILLION

if TYPE_CHECKING:
    from matchmaker.matching.answer import Funnel, Item, Standing
    from matchmaker.matching.index import OfferingCard, Published
    from matchmaker.matching.phrases import Speaker
    from matchmaker.matching.run import MatchRun, Versions


def answer_of(run: MatchRun, speaker: Speaker) -> schemas.MatchAnswer:
    """The answer to ``POST /match``."""
    named = dict.fromkeys(
        [
            *run.answer.funnel.excluded,
            *(name for item in run.answer.items for name in item.unconfirmed),
        ]
    )
    return schemas.MatchAnswer(
        run_id=None,
        items=[item_of(item, run.published, speaker) for item in run.answer.items],
        questions=[
            schemas.AskedQuestion(
                field=question.field,
                question=speaker.question(question.field),
                decides=question.decides,
                share=None if question.share is None else question.share / MILLION,
            )
            for question in run.answer.questions
        ],
        funnel=funnel_of(run.answer.funnel),
        rules={name: speaker.rule(name) for name in named},
        unmatched_terms=list(run.answer.unmatched_terms),
        missed_floors=[
            schemas.MissedFloor(
                rule=each.curation,
                asked=each.asked,
                met=each.met,
                eligible=each.eligible,
                room=each.room,
            )
            for each in run.answer.missed_floors
        ],
        as_of=instant(run.query.as_of),
        versions=used_versions(run.versions),
        receipt=receipt_of(run),
        timings_ms={},
    )


def receipt_of(run: MatchRun) -> schemas.Receipt:
    """What a replay of ``run`` needs beside the input."""
    return schemas.Receipt(
        as_of=instant(run.query.as_of),
        seed=run.seed,
        caller=run.scope,
        versions=used_versions(run.versions),
        digest=run.digest,
    )


def explanation_of(standing: Standing, run: MatchRun, speaker: Speaker) -> schemas.Explanation:
    """The answer to ``POST /match/explain``."""
    offering, published = standing.offering, run.published
    card = published.card(offering)
    return schemas.Explanation(
        standing=standing.name,
        offering_id=card.offering_id,
        title=card.title.in_language(speaker.language),
        provider=provider_of(card, speaker),
        item=None if standing.item is None else item_of(standing.item, published, speaker),
        excluded_by=None
        if standing.excluded_by is None
        else _excluded(standing.excluded_by, offering, speaker),
        funnel=funnel_of(standing.funnel),
        as_of=instant(speaker.found.query.as_of),
        versions=used_versions(run.versions),
        receipt=receipt_of(run),
    )


def _excluded(rule: str, offering: int, speaker: Speaker) -> schemas.ExcludedBy:
    """The rule in general, and what each package met."""
    index = speaker.found.index
    return schemas.ExcludedBy(
        rule=rule,
        sentence=speaker.rule(rule, offering),
        proof={
            index.package_codes[row]: speaker.proof(rule, offering, row)
            for row in index.rows_of(offering)
        },
    )


def item_of(item: Item, published: Published, speaker: Speaker) -> schemas.MatchedItem:
    """One item with its words."""
    index, card = published.index, published.card(item.offering)
    currency = speaker.found.query.currency
    package = index.package_codes[item.row]
    return schemas.MatchedItem(
        rank=item.rank,
        offering_id=card.offering_id,
        version=card.version,
        package=package,
        package_title=_package_title(card, package, speaker),
        title=card.title.in_language(speaker.language),
        provider=provider_of(card, speaker),
        score=item.score / MILLION,
        fit=item.fit,
        base=item.base / MILLION,
        contributions=_contributions(item, speaker),
        curation=[
            schemas.CurationAdd(
                rule=add.curation,
                version=add.version,
                thousandths=add.thousandths,
                cut=add.cut,
                adds=add.adds / MILLION,
            )
            for add in item.curation
        ],
        price=_money(item.price, currency),
        price_3_years=_money(item.price_3_years, currency),
        alternatives=[index.package_codes[row] for row in item.alternatives],
        slate=[schemas.SlateMove(step=move.step, moved=move.moved) for move in item.slate],
        reasons=speaker.reasons(item),
        cautions=speaker.cautions(item),
        unconfirmed=list(item.unconfirmed),
        programmes=[],
    )


def provider_of(card: OfferingCard, speaker: Speaker) -> schemas.NamedProvider:
    """Whose offering it is."""
    return schemas.NamedProvider(
        id=card.provider_id, name=card.provider_name.in_language(speaker.language)
    )


def funnel_of(funnel: Funnel) -> schemas.MatchFunnel:
    """The closed books."""
    return schemas.MatchFunnel(
        considered=funnel.considered,
        excluded=dict(funnel.excluded),
        scored=funnel.scored,
        shown=funnel.shown,
    )


def used_versions(versions: Versions) -> schemas.UsedVersions:
    """The versions as they are shown."""
    return schemas.UsedVersions(
        index=schemas.IndexPosition(base=versions.base, delta=versions.delta),
        text=versions.text,
        model=versions.model,
        curation=versions.curation,
        taxonomy=versions.taxonomy,
        glossary=versions.glossary,
        rules=versions.rules,
        engine=versions.engine,
    )


def _contributions(item: Item, speaker: Speaker) -> list[schemas.Contribution]:
    """The greatest first, by size and then by name."""
    ranked = sorted(item.contributions.items(), key=lambda each: (-abs(each[1]), each[0]))
    return [
        schemas.Contribution(
            feature=name,
            label=speaker.label(name),
            value=min(item.steps[part] for part in name.split(" x ")) / FULL,
            adds=adds / MILLION,
            phrase=speaker.phrase(item, name),
        )
        for name, adds in ranked
    ]


def _package_title(card: OfferingCard, code: str, speaker: Speaker) -> str:
    return next(
        package.title.in_language(speaker.language)
        for package in card.packages
        if package.code == code
    )


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount=amount, currency=currency)
