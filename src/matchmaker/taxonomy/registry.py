"""The taxonomy: every released table in one immutable object, loaded once."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from matchmaker.taxonomy import documents, seeds, suggest
from matchmaker.taxonomy.documents import (
    FieldDefinition,
    Keywords,
    Questionnaire,
    ScaleScheme,
    Words,
)
from matchmaker.taxonomy.entries import Concordance, Entry, Fact, Scheme, freeze
from matchmaker.taxonomy.errors import QuestionnaireNotFound, SchemeNotFound, SeedBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from matchmaker.core.language import Language

INDUSTRY = "gbt_4754_2017"
REGION = "gbt_2260"
ISIC = "isic_rev4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """One release of all tables; equal bytes give an equal ``version``."""

    release: str
    digest: str
    schemes: Mapping[str, Scheme]
    concordances: Mapping[str, Concordance]
    scales: Mapping[str, ScaleScheme]
    questionnaires: Mapping[str, Questionnaire]
    keywords: Mapping[str, Mapping[str, Words]]
    negation_cues: Words
    field_definitions: tuple[FieldDefinition, ...]
    facts: Mapping[str, Fact]
    names: tuple[suggest.Name, ...]

    @property
    def version(self) -> str:
        """The release and the first 12 hex digits of the digest, as ``2026.11+0123456789ab``."""
        return f"{self.release}+{self.digest[:12]}"

    def scheme(self, code: str) -> Scheme:
        """A table by its code.

        Raises:
            SchemeNotFound: there is none.
        """
        found = self.schemes.get(code)
        if found is None:
            raise SchemeNotFound.of(code)
        return found

    def entry(self, scheme: str, code: str) -> Entry:
        """One code of a table.

        Raises:
            SchemeNotFound: there is no such table.
            CodeNotFound: it has no such code.
        """
        return self.scheme(scheme).entry(code)

    def codes(self, scheme: str) -> frozenset[str]:
        """All codes of a table.

        Raises:
            SchemeNotFound: there is no such table.
        """
        return frozenset(self.scheme(scheme).entries)

    def name(self, scheme: str, code: str, language: Language) -> str:
        """The best name of a code; the code itself where the table does not have it.

        Raises:
            SchemeNotFound: there is no such table.
        """
        found = self.scheme(scheme)
        return found.name(code, language) if code in found else code

    def questionnaire(self, code: str) -> Questionnaire:
        """A published questionnaire.

        Raises:
            QuestionnaireNotFound: there is none of this name.
        """
        found = self.questionnaires.get(code)
        if found is None:
            raise QuestionnaireNotFound.of(code)
        return found


def load(folder: Path) -> Taxonomy:
    """The taxonomy of a seed folder, complete and checked.

    Raises:
        SeedBroken: a file has another shape, or a reference does not resolve.
    """
    manifest = seeds.read_document(folder / seeds.MANIFEST, documents.Manifest)
    schemes = _schemes(folder, manifest.tables)
    concordances = [seeds.read_concordance(folder / name) for name in manifest.concordances]
    seeds.check_references(schemes, concordances)
    questionnaires = [
        seeds.read_document(folder / name, Questionnaire) for name in manifest.questionnaires
    ]
    synonyms = seeds.read_document(folder / manifest.keywords, Keywords)
    keywords = _keywords(synonyms, schemes)
    facts = seeds.read_document(folder / manifest.facts, dict[str, object])
    return Taxonomy(
        release=manifest.release,
        digest=seeds.digest(folder, manifest.files()),
        schemes=schemes,
        concordances=MappingProxyType({found.code: found for found in concordances}),
        scales=_scales(folder / manifest.scales),
        questionnaires=MappingProxyType({found.code: found for found in questionnaires}),
        keywords=keywords,
        negation_cues=synonyms.negation_cues,
        field_definitions=seeds.read_document(folder / manifest.fields, documents.Fields).fields,
        facts=MappingProxyType({key: freeze(value) for key, value in facts.items()}),
        names=suggest.names(schemes, keywords),
    )


def _schemes(folder: Path, tables: Iterable[str]) -> Mapping[str, Scheme]:
    found: dict[str, Scheme] = {}
    for name in tables:
        for scheme in seeds.read_schemes(folder / name):
            if scheme.code in found:
                raise SeedBroken(f"{name}: the scheme '{scheme.code}' stands twice")
            found[scheme.code] = scheme
    return MappingProxyType(found)


def _scales(path: Path) -> Mapping[str, ScaleScheme]:
    found = {scheme.code: scheme for scheme in seeds.read_document(path, documents.Scales).schemes}
    for scheme in found.values():
        if scheme.alias_of is not None and scheme.alias_of not in found:
            raise SeedBroken(f"{path.name}: '{scheme.alias_of}' is not a scale scheme")
    return MappingProxyType(found)


def _keywords(
    synonyms: Keywords, schemes: Mapping[str, Scheme]
) -> Mapping[str, Mapping[str, Words]]:
    for scheme, words in synonyms.words.items():
        for code in words:
            if scheme not in schemes or code not in schemes[scheme]:
                raise SeedBroken(f"keywords: '{code}' is not a code of '{scheme}'")
    return MappingProxyType(
        {scheme: MappingProxyType(words) for scheme, words in synonyms.words.items()}
    )
