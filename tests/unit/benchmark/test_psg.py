from __future__ import annotations

import dataclasses
import io
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from tests.benchmark.psg import metrics, sectors
from tests.benchmark.psg.__main__ import judged, reached, told, warnings
from tests.benchmark.psg.catalogue import Catalogue, Need, Solution, import_lines, read
from tests.benchmark.psg.overlap import overlap, without
from tests.benchmark.psg.rankers import Bm25, Ranker, request_of, shuffled
from tests.benchmark.psg.serving import category_codes
from tests.factories import taxonomy, tokenizer

from matchmaker.catalog.codes import known_codes
from matchmaker.catalog.importing.reading import FileRead, read_file
from matchmaker.matching.registry import Words
from matchmaker.ranking.tokens import Concept, Tokenizer


def solution(**fields: object) -> Solution:
    defaults: dict[str, Any] = {
        "id": "s1",
        "provider": "acme",
        "title": "Stock keeper",
        "description": "Counts boxes",
        "sectors": ("Retail",),
        "is_for_all": False,
        "packages": (),
        "categories": ("Inventory",),
    }
    return Solution(**{**defaults, **fields})


def written(folder: Path, **files: list[dict[str, Any]] | str) -> Path:
    for name, content in files.items():
        is_text = isinstance(content, str)
        text = content if is_text else "".join(json.dumps(row) + "\n" for row in content)
        (folder / f"{name}{'.txt' if is_text else '.jsonl'}").write_text(str(text))
    return folder


async def imported(solutions: tuple[Solution, ...]) -> FileRead:
    lines = "".join(json.dumps(line) + "\n" for line in import_lines(solutions))
    read_ = await read_file(io.BytesIO(lines.encode()), known_codes(taxonomy()), tokenizer())
    read_.spool.close()
    return read_


def slow_ndcg(order: list[str], grades: dict[str, int]) -> float:
    """By definition, one place after the other, the best order found by sorting pairs."""

    def gained(listed: list[str]) -> float:
        total = 0.0
        for place in range(1, 11):
            if place <= len(listed):
                grade = grades.get(listed[place - 1], 0)
                total += (math.pow(2, grade) - 1) * math.log(2) / math.log(1 + place)
        return total

    best = [name for _, name in sorted(((-grade, name) for name, grade in grades.items()))]
    return gained(order) / gained(best)


def test_the_figures_equal_a_second_slower_computation() -> None:
    draw = random.Random(1)  # noqa: S311  (no secret)
    for _ in range(200):
        order = [f"s{number}" for number in range(30)]
        draw.shuffle(order)
        graded = draw.sample([*order, "not listed", "nor this"], draw.randint(1, 25))
        grades = {name: draw.choice([0, 1, 2]) for name in graded} | {graded[0]: 2}
        relevant = [name for name, grade in grades.items() if grade > 0]
        first = min((order.index(name) + 1 for name in relevant if name in order), default=None)

        found = metrics.figures(order, grades)

        assert found.ndcg == pytest.approx(slow_ndcg(order, grades))
        assert found.recall == sum(name in order[:10] for name in relevant) / len(relevant)
        assert found.mrr == pytest.approx(1 / first if first else 0)


def test_the_ideal_counts_what_no_ranker_could_list() -> None:
    assert metrics.ndcg(["a"], {"a": 2, "gone": 2}) == pytest.approx(3 / (3 + 3 / math.log2(3)))


def test_an_order_is_worth_its_first_ten_and_a_grade_of_2_three_times_a_grade_of_1() -> None:
    grades = {"two": 2, "one": 1}
    assert metrics.ndcg([*map(str, range(10)), "two"], grades) == 0
    assert metrics.ndcg(["two"], grades) == pytest.approx(3 * metrics.ndcg(["one"], grades))
    assert metrics.reciprocal_rank([*map(str, range(10)), "one"], grades) == pytest.approx(1 / 11)


def test_every_class_exists_and_no_sector_names_more_than_a_profile_may() -> None:
    industries = taxonomy().scheme("gbt_4754_2017").entries
    for name, classes in sectors.CLASSES.items():
        assert 0 < len(classes) <= sectors.MOST, name
        assert [code for code in classes if code not in industries or len(code) != 5] == [], name


def test_a_sector_is_found_however_it_is_spelt() -> None:
    assert sectors.classes_of("early childhood") == ("P8310",)
    assert sectors.classes_of("Marine & Offshore") == sectors.classes_of("Marine Offshore")
    assert sectors.classes_of("Hotel") == sectors.classes_of("the HOTELS sector")
    assert sectors.classes_of("Food") != sectors.classes_of("Food Services")
    assert sectors.classes_of("Basket weaving") == ()


def test_a_solution_for_all_is_for_all_and_its_sectors() -> None:
    assert solution(is_for_all=True, sectors=("Legal",)).industries == (
        "all",
        "L7231",
        "L7232",
        "L7239",
    )
    assert solution(sectors=("Basket weaving",)).industries == ()


async def test_the_real_import_takes_the_strangest_catalogue(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        solutions=[
            {"solution_id": "a b/\u00e9", "title": "  ", "description": None},
            {
                "solution_id": "s2",
                "provider_id": "x y",
                "title": "Cut\x00 here\ud800\r\n",
                "description": "long " * 4000,
                "sectors": ["Retail", "Basket weaving", 7],
                "all_sectors": True,
                "packages": [
                    {"name": None, "total_cost": float("nan")},
                    {"name": "n", "total_cost": 12.345},
                    {"name": "n", "total_cost": -1},
                    {"name": "n", "total_cost": "9"},
                ],
            },
            {"solution_id": "s2", "title": "again"},
            *({"solution_id": name, "sectors": [name]} for name in sectors._BY_NAME),
        ],
        queries=[{"query_id": "q", "need": "boxes", "sector": "Basket weaving"}],
    )
    found = read(folder)

    taken = await imported(found.solutions)

    assert taken.faults.listed() == ()
    assert len(taken.offerings) == len(found.solutions) == 2 + len(sectors._BY_NAME)
    assert (found.shortened, found.repeated, found.unmapped) == (1, 1, ("Basket weaving",))
    assert [package.price for package in found.solutions[1].packages] == [None, 1234, None, None]
    assert found.solutions[1].industries[0] == "all"


async def test_the_real_import_refuses_a_text_that_was_not_cleaned() -> None:
    taken = await imported((solution(title="Cut\x01here"),))
    assert taken.faults.found == 1


def test_categories_reach_the_import_file_in_the_control_run_alone() -> None:
    plain, leaking = solution(), solution(categories=("Something else",))
    assert list(import_lines((plain,))) == list(import_lines((leaking,)))

    codes = category_codes(["Something else", "Inventory"])
    offering = list(import_lines((plain,), codes))[-1]

    assert offering["categories"] == [codes["Inventory"]] == ["x0"]
    assert offering["summary"] == {"en": "Counts boxes. Inventory"}


def test_a_query_gives_its_need_and_its_sector_and_nothing_else(tmp_path: Path) -> None:
    rows = [
        {"query_id": "q", "need": "boxes", "sector": "Legal", "group": group, "agency": group}
        for group in ("Stock", "Other")
    ]
    one, other = read(written(tmp_path, solutions=[], queries=rows)).needs
    assert one == other == Need(id="q", text="boxes", sector="Legal")


def test_without_a_file_of_grades_nothing_is_judged(tmp_path: Path) -> None:
    found = read(written(tmp_path, solutions=[{"solution_id": "s"}], queries=[{"query_id": "q"}]))
    assert judged(found, shuffled(found.solutions)) is None
    assert told(None, None) == {"ndcg@10": None, "recall@10": None, "mrr": None, "ms": None}
    assert warnings(found) == ["1 queries without a relevant solution, not judged"]


def test_a_missing_catalogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path)


def test_grades_are_read_by_query_and_solution(tmp_path: Path) -> None:
    folder = written(tmp_path, solutions=[], queries=[], qrels="q 0 s1 2\nq\t0\ts2\t1\n\nq 0\n")
    assert read(folder).grades == {"q": {"s1": 2, "s2": 1}}


def test_draws_of_a_need_differ_in_blanks_alone() -> None:
    need = Need(id="q", text="boxes", sector="Legal")
    one, other = (request_of(need, draw, categories={}) for draw in (0, 3))
    assert (one.need.text, other.need.text) == ("boxes", "boxes   ")
    assert one.profile == other.profile
    assert one.profile is not None
    assert one.profile.industries == ["L7231", "L7232", "L7239"]
    assert one.need.categories is None


def test_text_alone_is_asked_without_a_profile_and_the_control_with_its_category() -> None:
    need = Need(id="q", text="boxes", sector="Legal")
    assert request_of(need, has_profile=False, categories={}).profile is None
    assert request_of(need, categories={"boxes": "x7"}).need.categories == ["x7"]


def slow_bm25(texts: dict[str, str], words: list[str]) -> dict[str, float]:
    split = {name: text.split() for name, text in texts.items()}
    average = sum(map(len, split.values())) / len(split)
    scores = dict.fromkeys(texts, 0.0)
    for name, tokens in split.items():
        for word in words:
            df = sum(word in other for other in split.values())
            tf = tokens.count(word)
            if tf:
                idf = math.log(1 + (len(split) - df + 0.5) / (df + 0.5))
                scores[name] += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(tokens) / average))
    return scores


def test_bm25_orders_as_a_second_slower_computation() -> None:
    draw = random.Random(2)  # noqa: S311  (no secret)
    words = ["box", "tax", "map", "ship", "bolt", "lamp"]
    texts = {f"s{place}": " ".join(draw.choices(words, k=9)) for place in range(40)}
    ranker = Bm25(
        [solution(id=name, title=t[:4], description=t[4:]) for name, t in texts.items()],
        tokenizer(),
    )
    split = {name: f"{text[:4]} {text[4:]}" for name, text in texts.items()}
    scores = slow_bm25(split, ["box", "tax"])

    order = ranker.order(Need(id="q", text="box tax box", sector=None))

    assert sorted(order) == sorted(texts)
    assert [scores[name] for name in order] == pytest.approx(sorted(scores.values(), reverse=True))


def test_equal_scores_are_drawn_and_a_draw_is_repeatable() -> None:
    many = [solution(id=f"s{place}") for place in range(20)]
    need = Need(id="q", text="boxes", sector=None)
    for order in (Bm25(many, tokenizer()).order, shuffled(many).order):
        assert order(need, 1) == order(need, 1) != order(need, 2)


def test_a_phrase_equal_to_a_query_is_found_whatever_its_form_and_its_concept_goes() -> None:
    concepts = (
        Concept("stock", {"zh": (), "en": ("stock counts", "shelf")}),
        Concept("tax", {"zh": (), "en": ("tax",)}),
    )
    words = Words(Tokenizer(frozenset(), frozenset({"the"}), concepts), "1")

    shared = overlap(words.tokenizer, taxonomy(), ["The Stock-Counting", "taxes and more"])

    assert shared.phrases == ("stock counts",)
    assert shared.concepts == {"stock"}
    rest = without(words, shared.concepts).tokenizer
    assert words.tokenizer.concepts_in("shelf tax") == ["c:stock", "c:tax"]
    assert rest.concepts_in("shelf tax") == ["c:tax"]


def test_the_mean_is_over_needs_and_draws_and_skips_needs_without_a_relevant_solution() -> None:
    needs = tuple(Need(id=name, text="boxes", sector=None) for name in ("q1", "q2", "q3"))
    catalogue = Catalogue(
        solutions=(),
        needs=needs,
        grades={"q1": {"s": 2}, "q2": {"s": 1}, "q3": {"s": 0}},
        categories=frozenset(),
        shortened=0,
        repeated=0,
    )
    ranker = Ranker(lambda need, draw: ["s"] if need.id == "q1" and draw % 2 else [], str)

    found = judged(catalogue, ranker)

    assert found == metrics.Figures(0.25, 0.25, 0.25)
    assert judged(dataclasses.replace(catalogue, needs=needs[2:]), ranker) is None


def test_figures_are_reached_at_their_bounds_and_missing_ones_never() -> None:
    names = ("matchmaker", "matchmaker_text_only", "bm25", "leak")
    just = dict(zip(names, (0.76, 0.525, 0.5, 0.91), strict=True))
    assert all(reached({name: {"ndcg@10": value} for name, value in just.items()}).values())
    for name, low in (("matchmaker", 0.7599), ("matchmaker_text_only", 0.52), ("leak", 0.9)):
        below = {each: {"ndcg@10": value} for each, value in (just | {name: low}).items()}
        assert sorted(reached(below).values()) == [False, True, True]
    assert not any(reached({name: {"ndcg@10": None} for name in names}).values())


def test_two_sectors_of_the_catalogue_share_all_their_classes_or_none() -> None:
    names = (
        *("Advanced Manufacturing", "Banks", "Building Construction", "Early Childhood"),
        *("Engineering Services", "Estate Agency", "Food", "Food Manufacturing", "Food Services"),
        *("Healthcare", "Legal", "Logistics", "Marine Offshore", "Personal Care Services"),
        *("Precision Engineering", "Retail", "Security", "Travel Agents", "Wholesale Trade"),
    )
    classes = {name: frozenset(sectors.classes_of(name)) for name in names}
    shared = [
        (a, b) for a in names for b in names if classes[a] != classes[b] and classes[a] & classes[b]
    ]
    assert not shared
