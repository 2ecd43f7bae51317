"""Stored pools as the wire says them, rules and proofs in the asked language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.catalog.pools import schemas
from matchmaker.core.wire import Text
from matchmaker.rules import Answer, missing, parse, proof_sentence, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from matchmaker.catalog.pools.checks import Check
    from matchmaker.catalog.pools.models import PoolVersion
    from matchmaker.catalog.pools.queries import FoundPool
    from matchmaker.core.language import Language
    from matchmaker.rules import Proof
    from matchmaker.taxonomy.fields import FieldCatalogue, FieldWords


def pool(found: FoundPool, fields: FieldCatalogue, language: Language) -> schemas.Pool:
    """The pool with its version in force."""
    row = found.pool
    return schemas.Pool(
        id=row.id,
        code=row.code,
        owner=row.organisation_id,
        state=row.state,
        revision=row.revision,
        version=version(found.version, fields, language),
    )


def version(row: PoolVersion, fields: FieldCatalogue, language: Language) -> schemas.PoolVersion:
    """One version of a pool."""
    words = fields.words(language)
    return schemas.PoolVersion(
        number=row.number,
        name=msgspec.convert(row.name, Text),
        description=msgspec.convert(row.description, Text | None),
        rule=row.rule,
        sentence=sentence(parse(row.rule), words),
        tiers=tuple(_tier(tier, words) for tier in row.tiers),
        admission_days=row.admission_days,
        created_at=row.created_at,
    )


def check(
    found: Check, pool_version: int, fields: FieldCatalogue, language: Language
) -> schemas.PoolCheck:
    """What the rules answered; amounts in the currency that was seen."""
    words = fields.words(language, facts=found.currencies.get)
    following = found.next_tier
    return schemas.PoolCheck(
        pool_version=pool_version,
        answer=_name(found.answer),
        sentence=sentence(found.proof.rule, words),
        proof=proof_sentence(found.proof, words),
        missing=_conditions(found.missing_for_admission(), fields, words),
        tier=found.tier,
        next_tier=None
        if following is None
        else schemas.TierCheck(
            code=following.code, missing=_conditions(found.missing_for_next(), fields, words)
        ),
    )


def _tier(stored: dict[str, Any], words: FieldWords) -> schemas.TierDetail:
    return schemas.TierDetail(
        code=stored["code"],
        name=msgspec.convert(stored["name"], Text),
        rule=stored["rule"],
        sentence=sentence(parse(stored["rule"]), words),
    )


def _conditions(
    proofs: Iterable[Proof], fields: FieldCatalogue, words: FieldWords
) -> tuple[schemas.Condition, ...]:
    return tuple(
        schemas.Condition(
            answer=_name(proof.answer),
            sentence=sentence(proof.rule, words),
            proof=proof_sentence(proof, words),
            questions=tuple(
                schemas.FieldQuestion(field=name, question=fields.question(name, words.language))
                for name in missing(proof)
            ),
        )
        for proof in proofs
    )


def _name(answer: Answer) -> schemas.AnswerName:
    return "yes" if answer is Answer.YES else "no" if answer is Answer.NO else "unknown"
