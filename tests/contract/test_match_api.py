"""The match over HTTP on the demo pool, as a portal without an account sees it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.contract.match_calls import (
    ASK,
    HAN,
    Body,
    answered,
    asking,
    millionths,
    offering_ids,
    post,
)
from tests.unit.seeds.demo_pool import lines

from matchmaker.cli.session import Database
from matchmaker.core import db

# The answer as product.md shows it; every key has to be there.
ANSWER = {
    "run_id",
    "items",
    "questions",
    "funnel",
    "rules",
    "missed_floors",
    "unmatched_terms",
    "as_of",
    "versions",
    "receipt",
    "timings_ms",
}
ITEM = {
    "rank",
    "offering_id",
    "version",
    "package",
    "title",
    "provider",
    "score",
    "fit",
    "base",
    "contributions",
    "curation",
    "alternatives",
    "slate",
    "reasons",
    "cautions",
    "unconfirmed",
    "programmes",
}


class TestShape:
    async def test_every_key_of_the_design_is_there(self, demo: httpx.AsyncClient) -> None:
        found = await answered(demo, ASK)
        assert found.keys() == ANSWER
        assert found["items"]
        for item in found["items"]:
            assert item.keys() >= ITEM
            assert item["provider"].keys() == {"id", "name"}
            for contribution in item["contributions"]:
                assert contribution.keys() >= {"feature", "value", "adds", "phrase"}
        assert found["funnel"].keys() == {"considered", "excluded", "scored", "shown"}
        assert found["versions"]["index"].keys() == {"base", "delta"}
        assert found["versions"].keys() >= {"index", "model", "taxonomy", "rules"}
        assert found["receipt"].keys() == {"as_of", "seed", "caller", "versions", "digest"}
        assert re.fullmatch("sha256:[0-9a-f]{64}", found["receipt"]["digest"])
        for question in found["questions"]:
            assert question.keys() >= {"field", "decides", "share"}

    async def test_what_is_not_there_yet_is_present_and_empty(
        self, demo: httpx.AsyncClient
    ) -> None:
        found = await answered(demo, ASK)
        assert found["run_id"] is None
        assert found["receipt"]["seed"] is None
        for item in found["items"]:
            assert item["programmes"] == []
            assert item["curation"] == []

    async def test_only_the_kind_of_need_is_required(self, demo: httpx.AsyncClient) -> None:
        for kind in ("solution", "advisory", "research", "talent", "finance"):
            found = await answered(demo, {"need": {"kind": kind}})
            assert found["funnel"]["considered"] == len(await offering_ids(demo, kind))
            assert len(found["items"]) == min(10, found["funnel"]["scored"])


class TestNumbers:
    async def test_the_score_is_its_own_explanation(self, demo: httpx.AsyncClient) -> None:
        """To the last digit, read from the printed numbers."""
        found = await answered(demo, {**ASK, "limit": 50})
        assert len(found["items"]) > 10
        for item in found["items"]:
            parts = [item["base"], *(c["adds"] for c in item["contributions"])]
            parts += [c["adds"] for c in item["curation"]]
            assert millionths(item["score"]) == sum(map(millionths, parts)), item["title"]
            assert 0 <= item["fit"] <= 100

    async def test_the_base_is_the_same_for_every_item(self, demo: httpx.AsyncClient) -> None:
        found = await answered(demo, {**ASK, "limit": 50})
        assert len({item["base"] for item in found["items"]}) == 1
        features = [{c["feature"] for c in item["contributions"]} for item in found["items"]]
        assert all(each == features[0] for each in features)

    async def test_the_books_close(self, demo: httpx.AsyncClient) -> None:
        found = await answered(demo, ASK)
        funnel = found["funnel"]
        assert funnel["considered"] == sum(funnel["excluded"].values()) + funnel["scored"]
        assert funnel["shown"] == len(found["items"]) == 10
        assert funnel["excluded"]["need.must.0"] > 0
        assert found["rules"].keys() >= funnel["excluded"].keys()

    async def test_every_need_of_the_pool_has_something_to_choose_from(
        self, demo: httpx.AsyncClient
    ) -> None:
        profiles = {line["external_id"]: line["profile"] for line in lines("smes.jsonl")}
        scored = {
            line["external_id"]: (
                await answered(demo, {"profile": profiles[line["profile"]], "need": line["need"]})
            )["funnel"]["scored"]
            for line in lines("needs.jsonl")
        }
        assert len(scored) == 24
        assert {need: count for need, count in scored.items() if count < 3} == {}

    async def test_ranks_follow_scores_but_for_named_moves(self, demo: httpx.AsyncClient) -> None:
        items = (await answered(demo, {**ASK, "limit": 50}))["items"]
        assert [item["rank"] for item in items] == list(range(1, len(items) + 1))
        still = [item["score"] for item in items if not item["slate"]]
        assert still == sorted(still, reverse=True)
        assert max(Counter(i["provider"]["id"] for i in items[:10]).values()) <= 2

    async def test_questions_come_most_telling_first(self, demo: httpx.AsyncClient) -> None:
        body = asking(must={"field": "profile.employees", "op": "gte", "value": 20})
        profile = {"industries": ["C3074"], "revenue": None}
        found = await answered(demo, {**body, "profile": profile})
        keys = [(-(q["decides"] or 0), -(q["share"] or 0), q["field"]) for q in found["questions"]]
        assert keys == sorted(keys)
        assert len(keys) > 2
        assert found["questions"][0]["field"] == "profile.employees"
        assert found["questions"][0]["decides"] > 0
        assert all(q["field"].startswith(("profile.", "need.")) for q in found["questions"])
        assert all(q["decides"] or q["share"] for q in found["questions"])

    async def test_declared_sets_are_read(self, demo: httpx.AsyncClient) -> None:
        """What a provider declared is known: no caution asks for it, its feature counts."""
        declared = {line["title"].get("en"): line for line in lines("offerings-*.jsonl")}
        found = await answered(demo, {**ASK, "limit": 50})
        for item in found["items"]:
            line = declared[item["title"]]
            known = set(line["deployment"] or ())
            assert ("need.must.0" in item["unconfirmed"]) == (not known), item["title"]
            assert not known or known & {"on_premises", "all"}
            value = {c["feature"]: c["value"] for c in item["contributions"]}
            assert (value["category"] == 1) == ("machine_vision_qc" in (line["categories"] or ()))
            fits = [i for i in line["industries"] or () if "C3074".startswith(i) and i != "C"]
            assert not fits or value["industry"] >= Decimal("0.8"), item["title"]

    async def test_the_same_question_gets_the_same_numbers(self, demo: httpx.AsyncClient) -> None:
        first, second = await answered(demo, ASK), await answered(demo, ASK)
        assert first["items"] == second["items"]
        assert first["questions"] == second["questions"]

    async def test_a_shorter_list_is_the_start_of_a_longer_one(
        self, demo: httpx.AsyncClient
    ) -> None:
        long = (await answered(demo, {**ASK, "limit": 20}))["items"]
        short = (await answered(demo, {**ASK, "limit": 7}))["items"]
        assert [i["offering_id"] for i in short] == [i["offering_id"] for i in long[:7]]


class TestLanguage:
    async def test_every_text_is_in_the_asked_language(self, demo: httpx.AsyncClient) -> None:
        body = {**ASK, "limit": 50}
        zh, en = await answered(demo, body, "zh"), await answered(demo, body, "en")
        assert [i["offering_id"] for i in zh["items"]] == [i["offering_id"] for i in en["items"]]
        assert [i["score"] for i in zh["items"]] == [i["score"] for i in en["items"]]
        assert all(HAN.search(said) for said in texts(zh))
        assert not [said for said in texts(en) if HAN.search(said)]

    async def test_no_sentence_stutters(self, demo: httpx.AsyncClient) -> None:
        """Filled-in phrases, where every count that a price may wait for is missing."""
        profile = {"industries": ["C3074"], "stage": "tool_assisted"}
        found = await answered(demo, {**ASK, "profile": profile, "limit": 50})
        stuttered = {said for said in texts(found) if re.search(r"\b(\w+) \1\b", said)}
        assert not stuttered

    @pytest.mark.parametrize(
        ("asked", "given"),
        [
            ("zh", "zh"),
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
            ("en-GB,zh;q=0.5", "en"),
            ("fr", "en"),
            ("zh;q=0, *", "en"),
            ("", "en"),
            (";;;,q=,zh;q=x", "en"),
        ],
    )
    async def test_the_answer_names_its_language(
        self, demo: httpx.AsyncClient, asked: str, given: str
    ) -> None:
        answer = await post(demo, ASK, language=asked)
        assert answer.headers["content-language"] == given
        assert "Accept-Language" in answer.headers["vary"]
        said = answer.json()["items"][0]["contributions"][0]["phrase"]
        assert bool(HAN.search(said)) == (given == "zh")

    async def test_reasons_and_cautions_are_phrases_of_the_contributions(
        self, demo: httpx.AsyncClient
    ) -> None:
        for item in (await answered(demo, ASK))["items"]:
            good = {c["phrase"] for c in item["contributions"] if c["adds"] > 0}
            assert set(item["reasons"]) <= good
            bad = {c["phrase"] for c in item["contributions"] if c["adds"] < 0}
            assert set(item["cautions"]) & bad or not bad


def texts(answer: Body) -> Iterator[str]:
    """Everything in words but `unmatched_terms`, which are the asker's own."""
    yield from answer["rules"].values()
    yield from (question["question"] for question in answer["questions"])
    for item in answer["items"]:
        yield from (item["title"], item["package_title"], item["provider"]["name"])
        yield from (*item["reasons"], *item["cautions"])
        for contribution in item["contributions"]:
            yield from (contribution["label"], contribution["phrase"])


class TestExplain:
    async def test_every_considered_offering_has_its_place(self, demo: httpx.AsyncClient) -> None:
        """Asked one by one, the offerings add up to the funnel of the match."""
        found = await answered(demo, ASK)
        standings: Counter[str] = Counter()
        excluded: Counter[str] = Counter()
        ranks: list[int] = []
        for id_ in await offering_ids(demo, "solution"):
            told = (await post(demo, {**ASK, "offering_id": id_}, path="/explain")).json()
            standings[told["standing"]] += 1
            assert told["funnel"] == found["funnel"]
            if told["standing"] == "excluded":
                excluded[told["excluded_by"]["rule"]] += 1
                assert told["item"] is None
            else:
                assert told["excluded_by"] is None
                ranks.append(told["item"]["rank"])
        assert dict(excluded) == found["funnel"]["excluded"]
        assert standings["shown"] == found["funnel"]["shown"]
        assert standings.total() == found["funnel"]["considered"]
        assert sorted(ranks) == list(range(1, found["funnel"]["scored"] + 1))

    async def test_a_shown_offering_is_told_as_in_the_match(self, demo: httpx.AsyncClient) -> None:
        for item in (await answered(demo, ASK))["items"][:3]:
            answer = await post(demo, {**ASK, "offering_id": item["offering_id"]}, path="/explain")
            told = answer.json(parse_float=Decimal)
            assert told["standing"] == "shown"
            assert told["item"] == item

    async def test_below_the_cut_it_keeps_its_score_and_gets_its_rank(
        self, demo: httpx.AsyncClient
    ) -> None:
        third = (await answered(demo, ASK))["items"][2]
        body = {**ASK, "limit": 2, "offering_id": third["offering_id"]}
        told = (await post(demo, body, path="/explain")).json(parse_float=Decimal)
        assert told["standing"] == "below_cut"
        assert told["item"]["rank"] == 3
        assert told["item"]["score"] == third["score"]

    @pytest.mark.parametrize("language", ["zh", "en"])
    async def test_an_excluded_one_names_the_rule_and_proves_it(
        self, demo: httpx.AsyncClient, language: str
    ) -> None:
        for id_ in await offering_ids(demo, "solution"):
            body = {**ASK, "offering_id": id_}
            told = (await post(demo, body, path="/explain", language=language)).json()
            by = told["excluded_by"]
            if by is None:
                continue
            assert re.fullmatch(r"(provider|profile|need)\.must\.\d+", by["rule"])
            assert by["proof"]
            for said in (by["sentence"], *by["proof"].values()):
                assert len(said) > 8
                assert bool(HAN.search(said)) == (language == "zh"), said

    async def test_what_is_not_considered_is_not_found(self, demo: httpx.AsyncClient) -> None:
        talent = (await offering_ids(demo, "talent"))[0]
        for id_ in (talent, "0", "019e0000-0000-7000-8000-000000000000", "x" * 64, "'; --"):
            answer = await post(demo, {**ASK, "offering_id": id_}, path="/explain")
            assert answer.status_code == 404, id_
            assert answer.json()["code"] == "offering_not_considered"
        own = {"need": {"kind": "talent"}, "offering_id": talent}
        assert (await post(demo, own, path="/explain")).status_code == 200


class TestStoring:
    @pytest.mark.parametrize("path", ["", "/explain"])
    async def test_persisting_needs_an_account(self, demo: httpx.AsyncClient, path: str) -> None:
        body = {**ASK, "persist": True}
        if path:
            body["offering_id"] = (await offering_ids(demo, "solution"))[0]
        answer = await post(demo, body, path=path)
        assert answer.status_code == 401
        assert answer.json()["code"] == "storing_needs_account"
        assert answer.headers["www-authenticate"].startswith("Bearer")

    async def test_nothing_is_stored(self, demo: httpx.AsyncClient, rows: AsyncConnection) -> None:
        id_ = (await offering_ids(demo, "solution"))[0]
        before = await counted(rows)
        for _ in range(3):
            await answered(demo, ASK)
            await post(demo, {**ASK, "offering_id": id_}, path="/explain")
        assert before["offering"] > 100
        assert await counted(rows) == before

    async def test_a_stored_row_would_be_noticed(self, rows: AsyncConnection) -> None:
        """The control."""
        before = await counted(rows)
        await rows.execute(
            text(
                "insert into mm.organisation (id, name, roles, state) values"
                " (gen_random_uuid(), '{\"en\": \"control\"}', '{provider}', 'draft')"
            )
        )
        after = await counted(rows)
        await rows.rollback()
        assert after != before


@pytest_asyncio.fixture(loop_scope="session")
async def rows(demo_database: Database) -> AsyncIterator[AsyncConnection]:
    engine = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def counted(rows: AsyncConnection) -> dict[str, int]:
    """Rows of every table."""
    tables = await rows.scalars(
        text("select tablename from pg_tables where schemaname = 'mm' order by 1")
    )
    found = {
        name: await rows.scalar(text(f'select count(*) from mm."{name}"'))  # noqa: S608
        for name in tables.all()
    }
    return {name: int(count or 0) for name, count in found.items()}


class TestPrice:
    async def test_it_is_told_in_the_currency_of_the_budget(self, demo: httpx.AsyncClient) -> None:
        priced = [i for i in (await answered(demo, ASK))["items"] if i["price"]]
        assert priced
        assert {i["price"]["currency"] for i in priced} == {"CNY"}
        assert all(i["price_3_years"]["amount"] >= i["price"]["amount"] > 0 for i in priced)
        assert all(isinstance(i["price"]["amount"], int) for i in priced)

    async def test_another_currency_is_not_converted(self, demo: httpx.AsyncClient) -> None:
        found = await answered(demo, asking(budget={"amount": 2_000_000, "currency": "JPY"}))
        for item in found["items"]:
            assert item["price"] is None
            (price,) = [c for c in item["contributions"] if c["feature"] == "price"]
            assert price["value"] == 0
            said = price["phrase"]
            assert "not converted" in said or "No complete price" in said

    async def test_without_a_budget_it_is_shown_and_not_scored(
        self, demo: httpx.AsyncClient
    ) -> None:
        found = await answered(demo, asking(budget=None))
        assert any(item["price"] for item in found["items"])
        assert "price" not in {c["feature"] for i in found["items"] for c in i["contributions"]}
        assert "need.budget" in {question["field"] for question in found["questions"]}

    async def test_an_amount_in_a_rule_is_told_in_its_own_currency(
        self, demo: httpx.AsyncClient
    ) -> None:
        must = {"field": "profile.revenue.amount", "op": "gte", "value": 900_000_000_000}
        budget = {"amount": 2_000_000, "currency": "JPY"}
        found = await answered(demo, asking(budget=budget, must=must))
        assert found["rules"]["need.must.0"] == "the yearly revenue is at least CNY 9,000,000,000"

    async def test_a_currency_nobody_knows_is_pointed_at(self, demo: httpx.AsyncClient) -> None:
        body = asking(budget={"amount": 1, "currency": "ZZZ"})
        answer = await demo.post("/v1/match", json=body)
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["#/need/budget/currency"]
