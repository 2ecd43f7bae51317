"""One firm of the demo pool down the line: what was stored of it, told from there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from matchmaker.cli import texts, trail
from matchmaker.cli.prose import Prose
from matchmaker.cli.sample import known_facts, missing_facts
from matchmaker.core.wire import Text
from matchmaker.enterprise.derived import by_figures
from matchmaker.matching import service
from matchmaker.matching.query import Caller
from matchmaker.rules import conjuncts, parse, sentence
from matchmaker.taxonomy import wording, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text as Styled

    from matchmaker.cli.show import Page
    from matchmaker.cli.stored import Stored
    from matchmaker.core.wire import Money
    from matchmaker.demand.declaration import NeedFacts
    from matchmaker.enterprise.declaration import ProfileFacts, Rule
    from matchmaker.identity.service import Outcome
    from matchmaker.matching import schemas
    from matchmaker.matching.matcher import Matcher
    from matchmaker.taxonomy.fields import FieldWords
    from matchmaker.taxonomy.registry import Taxonomy

EXPLAINED: Final = 2
"""Of the first ones; the first with something to confirm comes on top."""
_LISTED_WORDS: Final = 12


@dataclass(frozen=True, slots=True)
class Walk:
    """A page, and what is told on it."""

    page: Page
    matcher: Matcher
    stored: Stored

    @property
    def stated(self) -> ProfileFacts:
        """The profile as the match read it."""
        return self.stored.firm.profile.facts

    @property
    def sought(self) -> NeedFacts:
        """The need as the match read it."""
        return self.stored.match.asked.input.need

    @property
    def words(self) -> FieldWords:
        """Facts and codes in the language of the page."""
        budget = self.sought.budget
        fields = self.matcher.reader.fields
        if budget is None:
            return fields.words(self.page.language)
        return fields.words(self.page.language, currency=budget.currency)

    @property
    def taxonomy(self) -> Taxonomy:
        """The released tables."""
        return self.matcher.reader.taxonomy

    def tell(self) -> None:
        """Everything there is to say about what is stored."""
        answer = self.stored.match.answer
        firm = self.stored.firm.organisation
        name = msgspec.convert(firm.name, Text).in_language(self.page.language)
        self.page.title(self.page.words(texts.TITLE, name=name))
        self.page.say(self.page.words(texts.INTRODUCTION), "dim")
        self.profile()
        self.scale()
        self.need()
        self.ranking(answer)
        self.reasons(answer)
        self.questions(answer)
        self.books(answer)
        self.left_out()
        self.unused_words(answer)
        self.receipt(answer)
        trail.shortlist(self.page, self.stored)
        trail.events(self.page, self.stored)

    def profile(self) -> None:
        """What the firm said, and what it did not say."""
        self.page.heading(1, texts.PROFILE)
        fields = self.matcher.reader.fields
        self.page.pairs(known_facts(self.stated, fields, self.page))
        missing = missing_facts(self.stated, fields, self.page)
        if missing:
            self.page.say("")
            self.page.say(self.page.words(texts.NOT_STATED), "yellow")
            self.page.bullets("", [self.page.words(texts.BETWEEN).join(missing)])
        firm = self.stored.firm
        self._kept(firm.organisation.external_id or "", firm.profile.number, firm.outcome)

    def scale(self) -> None:
        """The size of the firm, and what it rests on."""
        self.page.heading(2, texts.SCALE)
        found = by_figures(self.taxonomy, self.stated)
        result = wording.scale_result(self.taxonomy, found, self.page.language)
        self.page.say(self.page.words(texts.BASIS[result.basis], scale=result.label or ""))
        self.page.bullets("", result.explanation)

    def need(self) -> None:
        """What the firm looks for."""
        self.page.heading(3, texts.NEED)
        need = self.sought
        if need.text:
            self.page.say(need.text, "italic")
        self.page.say("")
        self.page.pairs(self._terms())
        self.page.bullets(
            self.page.words(texts.MUSTS),
            [*self._sentences(need.must), *self._sentences(self.stated.must)],
        )
        prefers = [self._sentence(leaf) for leaf in need.prefer or ()]
        self.page.bullets(self.page.words(texts.PREFERS), prefers)
        kept = self.stored.need
        name = kept.found.need.external_id or ""
        self._kept(name, kept.found.version.number, kept.outcome)

    def ranking(self, answer: schemas.MatchAnswer) -> None:
        """The slate as a table."""
        self.page.heading(4, texts.RANKING)
        funnel = answer.funnel
        self.page.say(self.page.words(texts.RANKED, scored=funnel.scored, shown=funnel.shown))
        columns = (
            texts.RANK,
            texts.OFFERING,
            texts.FIRST_YEAR,
            texts.THREE_YEARS,
            texts.FIT,
        )
        self.page.table(columns, map(self._row, answer.items), texts_at=1)
        if any(item.unconfirmed for item in answer.items):
            self.page.say(self.page.words(texts.UNCONFIRMED_MARK), "yellow")

    def reasons(self, answer: schemas.MatchAnswer) -> None:
        """The scores of a few items as sums, with what speaks for and against each."""
        self.page.heading(5, texts.REASONS)
        self.page.say(self.page.words(texts.SUMS))
        told = explained(answer)
        most = max((abs(p.adds) for item in told for p in item.contributions), default=0.0)
        for item in told:
            self._reasons_of(item, answer, most)

    def questions(self, answer: schemas.MatchAnswer) -> None:
        """What would be worth answering."""
        self.page.heading(6, texts.QUESTIONS)
        if not answer.questions:
            self.page.say(self.page.words(texts.NO_QUESTIONS))
            return
        rows = [
            (
                asked.question,
                "" if asked.decides is None else str(asked.decides),
                "" if asked.share is None else writing.percent(round(Decimal(str(asked.share)), 3)),
            )
            for asked in answer.questions
        ]
        self.page.table((texts.QUESTION, texts.DECIDES, texts.SHARE), rows, texts_at=0)

    def books(self, answer: schemas.MatchAnswer) -> None:
        """Considered = excluded by each rule + scored."""
        self.page.heading(7, texts.BOOKS)
        funnel = answer.funnel
        parts = [*funnel.excluded.values(), funnel.scored]
        self.page.say(f"{funnel.considered} = {' + '.join(map(str, parts))}", "bold")
        rows = [(funnel.considered, texts.CONSIDERED.in_language(self.page.language))]
        for rule, count in funnel.excluded.items():
            rows.append((count, self.page.words(texts.EXCLUDED, sentence=answer.rules[rule])))
        rows.append((funnel.scored, self.page.words(texts.SCORED)))
        rows.append((funnel.shown, self.page.words(texts.SHOWN)))
        self.page.pairs((f"{count:>4}", said) for count, said in rows)

    def left_out(self) -> None:
        """One excluded offering explained: the one that would have scored highest."""
        offering_id = self._nearest_miss()
        if offering_id is None:
            return
        match = self.stored.match
        told = self.matcher.standing(
            match.made,
            match.scoring,
            offering_id,
            asked=match.asked.input,
            caller=Caller.of(match.made.scope),
            language=self.page.language,
        )
        if told.excluded_by is None:
            return
        self.page.heading(8, texts.WHY_NOT)
        self.page.say(self.page.words(texts.NEAREST))
        self.page.say(f"{told.title} / {told.provider.name}", "bold")
        label = self.page.words(texts.EXCLUDED_BY)
        self.page.bullets(label, [told.excluded_by.sentence])
        titles = self._package_titles(offering_id)
        self.page.pairs((titles[code], said) for code, said in told.excluded_by.proof.items())

    def unused_words(self, answer: schemas.MatchAnswer) -> None:
        """The words of the need that nobody uses."""
        self.page.heading(9, texts.WORDS)
        words = answer.unmatched_terms
        if not words:
            self.page.say(self.page.words(texts.ALL_WORDS_USED))
            return
        said = self.page.words(texts.BETWEEN).join(words[:_LISTED_WORDS])
        more = len(words) - _LISTED_WORDS
        if more > 0:
            said += self.page.words(texts.BETWEEN) + self.page.words(texts.MORE_WORDS, count=more)
        self.page.say(self.page.words(texts.CUT_WORDS))
        self.page.bullets("", [said])

    def receipt(self, answer: schemas.MatchAnswer) -> None:
        """What a replay would need."""
        self.page.heading(10, texts.RECEIPT)
        self.page.say(self.page.words(texts.RECEIPT_HELD))
        used = answer.receipt.versions
        found = (
            (texts.RUN, answer.run_id or ""),
            (texts.AS_OF, answer.receipt.as_of),
            (texts.MODEL, used.model),
            (texts.INDEX, f"{used.index.base} + {used.index.delta}"),
            (texts.TAXONOMY, used.taxonomy),
        )
        self.page.pairs((self.page.words(label), value) for label, value in found)
        self.page.line(f"  {answer.receipt.digest}")

    def _kept(self, name: str, version: int, outcome: Outcome) -> None:
        """As which version something is stored, and whether this walk made it."""
        said = self.page.words(texts.KEPT[outcome], name=name, version=version)
        self.page.say("")
        self.page.say(said, "dim")

    def _terms(self) -> Iterator[tuple[str, str]]:
        need, page = self.sought, self.page
        yield page.words(texts.KIND), self.words.value("need.kind", need.kind)
        if need.scenes:
            yield page.words(texts.WANTED_SCENES), self._listed("need.scenes", need.scenes)
        if need.categories:
            yield page.words(texts.CATEGORIES), self._listed("need.categories", need.categories)
        if need.budget:
            said = self.words.value("need.budget.amount", need.budget.amount)
            yield page.words(texts.BUDGET), said
        if need.ready_by:
            yield page.words(texts.READY_BY), writing.day(need.ready_by, page.language)

    def _listed(self, field: str, codes: list[str]) -> str:
        between = self.page.words(texts.BETWEEN)
        return between.join(self.words.value(field, code) for code in codes)

    def _sentences(self, rule: Rule | None) -> list[str]:
        """Every conjunct, as a match would name it."""
        return [] if rule is None else [sentence(c, self.words) for c in conjuncts(parse(rule))]

    def _sentence(self, rule: Rule) -> str:
        return sentence(parse(rule), self.words)

    def _row(self, item: schemas.MatchedItem) -> tuple[str | Styled, ...]:
        title = Prose(item.title)
        title.append(f"\n{item.provider.name} · {item.package_title}", style="dim")
        fit = "" if item.fit is None else str(item.fit)
        mark = "?" if item.unconfirmed else " "
        prices = (self._price(item.price), self._price(item.price_3_years))
        return str(item.rank), title, *prices, f"{fit}{mark}"

    def _price(self, money: Money | None) -> str:
        if money is None:
            return self.page.words(texts.OPEN_PRICE)
        return self.words.value("need.budget.amount", money.amount)

    def _reasons_of(
        self, item: schemas.MatchedItem, answer: schemas.MatchAnswer, most: float
    ) -> None:
        page = self.page
        page.say("")
        page.say(page.words(texts.PLACE, rank=item.rank, title=item.title), "bold")
        page.say(
            page.words(
                texts.OFFERED_BY,
                provider=item.provider.name,
                package=item.package_title,
                fit=item.fit,
            ),
            "dim",
        )
        page.sum_of(item, most)
        page.bullets(page.words(texts.FOR_IT), item.reasons, "green")
        page.bullets(page.words(texts.AGAINST_IT), item.cautions, "red")
        open_rules = [answer.rules[rule] for rule in item.unconfirmed]
        page.bullets(page.words(texts.UNCONFIRMED), open_rules, "yellow")
        moves = [
            page.words(texts.MOVES[move.step], moved=move.moved)
            for move in item.slate
            if move.step in texts.MOVES
        ]
        page.bullets(page.words(texts.MOVED), moves)

    def _nearest_miss(self) -> str | None:
        """The excluded offering whose best package would have scored highest."""
        found = self.stored.match.scoring
        excluded = np.flatnonzero(found.verdict.excluded_by >= 0)
        if not len(excluded):
            return None
        best = service.unscreened(found, excluded)
        return found.index.offering_ids[int(excluded[int(np.argmax(best))])]

    def _package_titles(self, offering_id: str) -> dict[str, str]:
        published = self.matcher.holder.current()
        place = published.index.place(offering_id)
        packages = () if place is None else published.card(place).packages
        return {each.code: each.title.in_language(self.page.language) for each in packages}


def explained(answer: schemas.MatchAnswer) -> list[schemas.MatchedItem]:
    """The first items, and after them the first that has something to confirm."""
    first = answer.items[:EXPLAINED]
    waiting = (item for item in answer.items[EXPLAINED:] if item.unconfirmed)
    has_one = any(item.unconfirmed for item in first)
    return first if has_one else [*first, *list(waiting)[:1]]
