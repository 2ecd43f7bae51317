"""The page of a model in the words of either language, as released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.ranking import features, model_card

if TYPE_CHECKING:
    from pathlib import Path

    from matchmaker.core.language import Language
    from matchmaker.ranking.artefact import Artefact

WORDS: Final = "ranking/model-card.yaml"


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model's page says, by language."""

    scheme: str
    edition: str
    origin: str
    zh: dict[str, str]
    en: dict[str, str]


def load(seeds: Path) -> Words:
    """The words released below ``seeds``."""
    return msgspec.yaml.decode((seeds / WORDS).read_bytes(), type=Words)


def page(model: Artefact, words: Words, language: Language) -> str:
    """The page of ``model`` in ``language``."""
    said = words.zh if language == "zh" else words.en
    return model_card.page(model, features.BY_NAME, said, language)
