"""The two languages of the product, and which one a caller asked for."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Bilingual(NamedTuple):
    """One text of ours in both languages; neither may be missing."""

    zh: str
    en: str

    def in_language(self, language: Language) -> str:
        """The text in ``language``."""
        return self.zh if language == "zh" else self.en


def negotiate(header: str) -> Language:
    """The language an Accept-Language header prefers; ``en`` where it prefers neither."""
    weights: dict[str, float] = {}
    for part in header[:1000].split(","):
        name, _, parameters = part.strip().partition(";")
        primary = name.strip().lower().partition("-")[0]
        weights[primary] = max(_quality(parameters), weights.get(primary, 0.0))
    rest = weights.get("*", 0.0)
    return "zh" if weights.get("zh", rest) > weights.get("en", rest) else "en"


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
