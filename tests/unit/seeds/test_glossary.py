"""Every phrase of the glossary can be met by a text, and means one concept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.factories import SEEDS

from matchmaker.matching.registry import (
    GLOSSARY,
    STOP_WORDS,
    Glossary,
    GlossaryEntry,
    StopWords,
    load_words,
)

Lint = Callable[[Glossary], list[str]]


def glossary() -> Glossary:
    return msgspec.yaml.decode((SEEDS / GLOSSARY).read_bytes(), type=Glossary)


def stopped(found: Glossary) -> list[str]:
    """Phrases with a stop character: a stop character ends its run, so none could ever be met."""
    stop = set(
        msgspec.yaml.decode((SEEDS / STOP_WORDS).read_bytes(), type=StopWords).stop_characters
    )
    phrases = [phrase for entry in found.concepts for phrase in (*entry.zh, *entry.en)]
    return [phrase for phrase in phrases if stop & set(phrase)]


def repeated(found: Glossary) -> list[str]:
    """Phrases that stand twice once they are compared as texts are: normalised, stemmed."""
    tokenizer = load_words(SEEDS).tokenizer
    seen: dict[tuple[str, ...], str] = {}
    twice = []
    for entry in found.concepts:
        for phrase in (*entry.zh, *entry.en):
            compared = tuple(tokenizer.plain(phrase))
            if compared in seen:
                twice.append(f"{phrase} ({seen[compared]}, {entry.id})")
            seen[compared] = entry.id
    return twice


def unnamed(found: Glossary) -> list[str]:
    """Concepts that stand twice or lack a language."""
    ids = [entry.id for entry in found.concepts]
    twice = [id_ for id_ in set(ids) if ids.count(id_) > 1]
    return twice + [entry.id for entry in found.concepts if not entry.zh or not entry.en]


@pytest.mark.parametrize("lint", [stopped, repeated, unnamed])
def test_the_glossary_passes(lint: Lint) -> None:
    assert not lint(glossary())


@pytest.mark.parametrize(
    ("lint", "wrong"),
    [
        (stopped, GlossaryEntry(id="new", zh=("我们的车间",), en=("our own workshop floor",))),
        (repeated, GlossaryEntry(id="new", zh=("排产",), en=("entirely new words",))),
        (repeated, GlossaryEntry(id="new", zh=("全新词语",), en=("Inspections",))),
        (unnamed, GlossaryEntry(id="new", zh=(), en=("entirely new words",))),
    ],
)
def test_a_wrong_concept_is_caught(lint: Lint, wrong: GlossaryEntry) -> None:
    found = glossary()
    assert lint(msgspec.structs.replace(found, concepts=(*found.concepts, wrong)))


def test_the_product_does_not_start_on_a_phrase_with_a_stop_character(tmp_path: Path) -> None:
    for name in (GLOSSARY, STOP_WORDS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(SEEDS / name, tmp_path / name)
    assert load_words(tmp_path).version == load_words(SEEDS).version
    with (tmp_path / GLOSSARY).open("a") as file:
        file.write('- {id: new, zh: ["我们的车间"], en: ["entirely new words"]}\n')
    with pytest.raises(ValueError, match="stop character"):
        load_words(tmp_path)
