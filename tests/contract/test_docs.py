"""The documents say what is there, and all of it."""

from __future__ import annotations

import ast
import asyncio
import datetime as dt
import importlib
import io
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import msgspec
import pytest
from tests.factories import taxonomy, tokenizer

import matchmaker
from matchmaker.catalog.codes import known_codes
from matchmaker.catalog.importing.reading import read_file
from matchmaker.cli import commands
from matchmaker.cli.session import Database
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.language import Language
from matchmaker.matching.query import Caller
from matchmaker.matching.schemas import MatchAnswer, MatchInput, MatchRequest
from matchmaker.ranking.features import FEATURES
from matchmaker.released import Released

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "seeds" / "README.md"])
README = (ROOT / "README.md").read_text()
AS_OF = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
"""The day of the README's worked match."""

NOUN_MODULES = ("models", "schemas", "declaration", "wire", "answer")
"""Where the nouns of tables, of the wire and of an answer are declared."""

OTHERWISE = {"ExcludedBy": "exclusion", "PageInfo": "page", "FeedPageInfo": "page"}
"""Classes whose last word is not their noun."""

HEADINGS = ["Context", "Decision", "Consequences", "Alternatives", "References"]


def kinds() -> dict[str, type[MatchmakerError]]:
    """Every problem by slug, all rooms imported."""
    for module in pkgutil.walk_packages(matchmaker.__path__, "matchmaker."):
        # The kernels need an extra, and have no problems.
        if not module.name.endswith(("__main__", "fast.kernels")):
            importlib.import_module(module.name)
    waiting, found = [MatchmakerError], dict[str, type[MatchmakerError]]()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("matchmaker.") and "slug" in kind.__dict__:
            assert kind.slug not in found, f"{kind.slug} is declared twice"
            found[kind.slug] = kind
    return found


class TestProblems:
    page = (DOCS / "problems.md").read_text()

    def rows(self) -> dict[str, list[str]]:
        """Cells of every row of the tables, by slug."""
        cells = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in self.page.splitlines()
            if line.startswith("| `")
        ]
        return {row[0].strip("`"): row[1:] for row in cells}

    def test_every_problem_is_documented_and_no_other(self) -> None:
        assert self.rows().keys() == kinds().keys()

    def test_status_and_titles_are_those_of_the_code(self) -> None:
        wrong = [
            slug
            for slug, (status, en, zh, *_) in self.rows().items()
            if (int(status), en, zh) != (kinds()[slug].status, *reversed(kinds()[slug].title))
        ]
        assert not wrong

    def test_each_says_what_to_do_in_both_languages(self) -> None:
        for slug, (_, _, _, meaning, en, sense, zh) in self.rows().items():
            assert len(meaning.split()) >= 4, slug
            assert len(en.split()) >= 4, slug
            assert len(re.findall("[\u4e00-\u9fff]", sense)) >= 6, slug
            assert len(re.findall("[\u4e00-\u9fff]", zh)) >= 6, slug

    def test_slugs_are_stable_ascii(self) -> None:
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", slug) for slug in kinds())


class TestGlossary:
    page = (DOCS / "glossary.md").read_text()

    def terms(self) -> list[str]:
        return re.findall(r"^\| \*\*([^*]+)\*\* \|", self.page, flags=re.MULTILINE)

    def test_every_noun_of_tables_and_wire_is_in_it(self) -> None:
        missing = {name: noun for name, noun in nouns() if noun not in set(self.terms())}
        assert not missing

    def test_terms_are_unique_and_sorted(self) -> None:
        assert self.terms() == sorted(set(self.terms()))

    def test_each_has_chinese_and_a_meaning(self) -> None:
        for line in self.page.splitlines():
            if line.startswith("| **"):
                _, chinese, meaning = (cell.strip() for cell in line.strip("|").split("|"))
                assert re.search("[\u4e00-\u9fff]", chinese), line
                assert len(meaning.split()) >= 4, line


def nouns() -> Iterator[tuple[str, str]]:
    """Every public class where nouns are declared, with the noun it names, in the singular."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        if path.stem not in NOUN_MODULES:
            continue
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            if {ast.unparse(base) for base in node.bases} & {"BadRequest", "Unprocessable"}:
                continue
            last = re.findall(r"[A-Z][a-z0-9]*", node.name)[-1].lower()
            yield node.name, OTHERWISE.get(node.name) or singular(last)


def singular(noun: str) -> str:
    return noun.removesuffix("s") if not noun.endswith(("ss", "us")) else noun


class TestDecisions:
    @pytest.mark.parametrize("path", sorted(DOCS.glob("adr/*.md")), ids=lambda path: path.stem)
    def test_it_is_short_and_has_its_five_parts(self, path: Path) -> None:
        said = path.read_text()
        assert len(said.splitlines()) <= 60
        assert re.findall(r"^## (.+)$", said, flags=re.MULTILINE) == HEADINGS
        number = path.name[:4]
        assert re.match(rf"# {number} \S", said)
        for heading, part in zip(
            HEADINGS, re.split(r"^## .+$", said, flags=re.MULTILINE)[1:], strict=True
        ):
            assert part.strip(), heading

    def test_their_numbers_have_no_gap(self) -> None:
        numbers = [int(path.name[:4]) for path in sorted(DOCS.glob("adr/*.md"))]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_every_reference_to_one_resolves(self) -> None:
        known = {path.name[:4] for path in DOCS.glob("adr/*.md")}
        sources = [*PAGES, *(ROOT / "src").rglob("*.py")]
        named = {(p.name, n) for p in sources for n in re.findall(r"adr/(\d{4})", p.read_text())}
        assert not {each for each in named if each[1] not in known}


class TestReadme:
    def test_its_make_targets_exist(self) -> None:
        makefile = (ROOT / "Makefile").read_text()
        targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
        named = set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s#])", code(README)))
        assert {"demo", "test", "serve"} <= named <= targets

    def test_its_commands_exist_with_their_options(self) -> None:
        named = re.findall(r"^\s*(?:\.venv/bin/)?matchmaker ([^#\n]+)", code(README), re.MULTILINE)
        assert named
        for line in named:
            name, *rest = line.split()
            command = commands.get_command(click.Context(commands), name)
            assert command is not None, line
            options = {o for p in command.params if isinstance(p, click.Option) for o in p.opts}
            assert {word for word in rest if word.startswith("--")} <= options, line

    def test_its_request_is_the_one_that_is_tested(self) -> None:
        blocks = re.findall(r"^```json\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
        asked = json.loads((ROOT / "tests" / "e2e" / "match.json").read_text())
        assert asked in [json.loads(block) for block in blocks]

    def test_its_worked_match_is_what_the_demo_pool_answers(
        self, demo_database: Database, released: Released
    ) -> None:
        asked = msgspec.json.decode((ROOT / "tests" / "e2e" / "match.json").read_bytes())
        first = matched(demo_database, released, asked, "en")
        item = first.items[1]
        assert f'"title": "{item.title}", "package": "{item.package}"' in README
        assert f'"score": {item.score}, "fit": {item.fit}, "base": {item.base}' in README
        assert json.dumps(msgspec.to_builtins(first.funnel)) in README
        assert f'"question": "{first.questions[0].question}"' in README
        chinese = matched(demo_database, released, asked, "zh")
        assert f'"title": "{chinese.items[1].title}"' in README
        assert f'"question": "{chinese.questions[0].question}"' in README
        asked["profile"]["machines"] = 18
        item = matched(demo_database, released, asked, "en").items[0]
        assert f'"package": "{item.package}", "score": {item.score}, "fit": {item.fit}' in README
        # Asked inline, and again in the walk that stores it.
        assert README.count(f'"score": {item.score}, "fit": {item.fit},') == 2
        signed = [f"{'-' if c.adds < 0 else '+'} {abs(c.adds)}" for c in item.contributions]
        assert f"{item.score:.6f} = {item.base} {' '.join(signed)}\n" in README

    def test_its_import_lines_are_taken(self) -> None:
        (raw,) = re.findall(r"^```jsonl\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
        reading = read_file(io.BytesIO(raw.encode()), known_codes(taxonomy()), tokenizer())
        found = asyncio.run(reading)
        found.spool.close()
        assert found.lines == 2
        assert not found.faults.found, found.faults.listed()

    def test_the_scores_it_shows_add_up(self) -> None:
        for total, parts in re.findall(r"^(\d\.\d{6}) = (.+)$", README, flags=re.MULTILINE):
            terms = re.findall(r"([+-]?) ?(\d\.\d+)", parts)
            added = sum(round(float(n) * 1e6) * (-1 if sign == "-" else 1) for sign, n in terms)
            assert added == round(float(total) * 1e6)
            assert len(terms) > 10


def matched(
    database: Database, released: Released, body: object, language: Language
) -> MatchAnswer:
    """The answer on the day of the README."""
    matcher = replace(released.matcher(database.settings.index_folder), now=lambda: AS_OF)
    said = msgspec.convert(body, MatchRequest)
    assert said.need is not None
    asked = MatchInput(profile=said.profile, need=said.need, pools=said.pools, limit=said.limit)
    return matcher.match(asked, Caller(), language)


class TestRanking:
    page = (DOCS / "ranking.md").read_text()

    def test_every_feature_is_explained(self) -> None:
        told = set(re.findall(r"^\| `(\w+)` \|", self.page, flags=re.MULTILINE))
        assert told == {feature.name for feature in FEATURES}


def code(page: str) -> str:
    """The lines of code of a page: fenced, indented or between backticks."""
    fenced = re.findall(r"^```\w*\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}(\S.*)$", page, flags=re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", page)
    return "\n".join([*fenced, *indented, *inline]) + "\n"


def machine_paths(page: str) -> list[str]:
    """Absolute paths that exist on somebody's machine only."""
    return re.findall(r"(?<![\w.])/(?:home|root|Users|work|tmp|mnt|opt)\b[^\s`)]*", page)


def broken_links(path: Path, page: str) -> list[str]:
    """Relative links and named files of the repository that lead nowhere."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page)
    named = re.findall(r"`((?:docs|seeds|src|tests|openapi|migrations)/[\w./-]*\w)`", page)
    return [link for link in links if not (path.parent / link).exists()] + [
        name for name in named if not (ROOT / name).exists()
    ]


class TestPages:
    @pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
    def test_no_path_of_a_machine_is_in_it(self, path: Path) -> None:
        assert not machine_paths(path.read_text())

    @pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
    def test_what_it_points_to_is_there(self, path: Path) -> None:
        assert not broken_links(path, path.read_text())

    @pytest.mark.parametrize(
        ("check", "wrong"),
        [
            (machine_paths, "kept in `/home/ann/data`"),
            (machine_paths, "see /mnt/build/README.md"),
            (lambda page: broken_links(ROOT / "README.md", page), "see [here](docs/none.md)"),
            (lambda page: broken_links(ROOT / "README.md", page), "in `docs/none.md`"),
        ],
    )
    def test_a_wrong_page_is_caught(self, check: Callable[[str], list[str]], wrong: str) -> None:
        assert check(wrong)

    def test_the_changelog_keeps_its_form(self) -> None:
        said = (ROOT / "CHANGELOG.md").read_text()
        sections = re.findall(r"^## (.+)$", said, flags=re.MULTILINE)
        assert sections[0] == "[Unreleased]"
        first = re.findall(r"^### (.+)$", said, flags=re.MULTILINE)
        assert set(first) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}

    def test_every_area_of_the_api_is_in_the_changelog(self) -> None:
        said = (ROOT / "CHANGELOG.md").read_text()
        document = json.loads((ROOT / "openapi" / "matchmaker.v1.json").read_text())
        areas = {path.split("/")[2] for path in document["paths"] if path.startswith("/v1/")}
        assert not {area for area in areas if f"/v1/{area}" not in said}
