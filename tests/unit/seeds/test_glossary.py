"""The glossary is large and narrow: every phrase can be met by a text and means one concept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests import release
from tests.factories import SEEDS

from matchmaker.matching.registry import (
    GLOSSARY,
    STOP_WORDS,
    Glossary,
    GlossaryEntry,
    StopWords,
    load_words,
)
from matchmaker.ranking.tokens import Concept, Tokenizer

Lint = Callable[[Glossary], list[str]]

AT_LEAST = 900
AT_MOST = 8
"""Phrases of a concept in one language."""
BROAD = """
    app application business company computer cost customer data design digital enterprise equipment
    factory information internet maintenance management manufacturing market marketing mobile office
    online order plan platform process product production project quality report sales service smart
    software solution staff support system team technology test tool training user web work
    产品 企业 信息 公司 办公 员工 客户 市场 平台 技术 报告 数字 数字化 数据 方案 智能 服务 流程 生产
    电脑 管理 系统 解决方案 计划 设备 设计 质量 软件 销售 项目
"""
"""Words that stand in the text of almost anything: alone, they mean no one concept."""


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
    tokenizer = release.released().words.tokenizer
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


def broad(found: Glossary) -> list[str]:
    """Phrases that are a broad word, or one to the stemmer: Digitalization is digital."""
    tokenizer = release.released().words.tokenizer
    never = {tuple(tokenizer.plain(word)) for word in BROAD.split()}
    phrases = [phrase for entry in found.concepts for phrase in (*entry.zh, *entry.en)]
    return [phrase for phrase in phrases if tuple(tokenizer.plain(phrase)) in never]


def idle(found: Glossary) -> list[str]:
    """Phrases that hold another of their concept: wherever they stand, that one is counted too."""
    like = release.released().words.tokenizer
    phrases = [(e.id, phrase) for e in found.concepts for phrase in (*e.zh, *e.en)]
    each = tuple(Concept(f"{id_}: {phrase}", {"": (phrase,)}) for id_, phrase in phrases)
    tokenizer = Tokenizer(like.stop_characters, like.stop_words, each)
    return [
        f"{phrase} ({id_})"
        for id_, phrase in phrases
        if sum(met.startswith(f"c:{id_}: ") for met in tokenizer.concepts_in(phrase)) > 1
    ]


def crowded(found: Glossary) -> list[str]:
    """Concepts of more phrases than one idea has names."""
    return [entry.id for entry in found.concepts if max(len(entry.zh), len(entry.en)) > AT_MOST]


def test_the_glossary_holds_hundreds_of_concepts() -> None:
    assert len(glossary().concepts) >= AT_LEAST


@pytest.mark.parametrize("lint", [stopped, repeated, unnamed, broad, idle, crowded])
def test_the_glossary_passes(lint: Lint) -> None:
    assert not lint(glossary())


@pytest.mark.parametrize(
    ("lint", "wrong"),
    [
        (stopped, GlossaryEntry(id="new", zh=("我们的车间",), en=("our own workshop floor",))),
        (repeated, GlossaryEntry(id="new", zh=("排产",), en=("entirely new words",))),
        (repeated, GlossaryEntry(id="new", zh=("全新词语",), en=("Forklifts",))),
        (unnamed, GlossaryEntry(id="new", zh=(), en=("entirely new words",))),
        (broad, GlossaryEntry(id="new", zh=("全新词语",), en=("Digitalization",))),
        (broad, GlossaryEntry(id="new", zh=("系统",), en=("entirely new words",))),
        (idle, GlossaryEntry(id="new", zh=("全新词语",), en=("new words", "entirely new word"))),
        (idle, GlossaryEntry(id="new", zh=("全新词语", "词语"), en=("entirely new words",))),
        (crowded, GlossaryEntry(id="new", zh=("全新词语",), en=tuple("abcdefghj"))),
    ],
)
def test_a_wrong_concept_is_caught(lint: Lint, wrong: GlossaryEntry) -> None:
    found = glossary()
    assert lint(msgspec.structs.replace(found, concepts=(*found.concepts, wrong)))


def test_the_product_does_not_start_on_a_phrase_with_a_stop_character(tmp_path: Path) -> None:
    for name in (GLOSSARY, STOP_WORDS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(SEEDS / name, tmp_path / name)
    assert load_words(tmp_path).version == release.released().words.version
    with (tmp_path / GLOSSARY).open("a") as file:
        file.write('- {id: new, zh: ["我们的车间"], en: ["entirely new words"]}\n')
    with pytest.raises(ValueError, match="stop character"):
        load_words(tmp_path)
