"""`matchmaker assess` and `matchmaker path`: where a firm stands and where to go, from a file."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from matchmaker.cli import sample, session, show, ways_texts
from matchmaker.core import wire
from matchmaker.core.clock import utc_now
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.language import LANGUAGES
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.assessments.declaration import AssessmentDraft
from matchmaker.enterprise.assessments.schemas import AssessmentResult, OpenQuestions
from matchmaker.enterprise.assessments.wording import Speaker as AssessmentSpeaker
from matchmaker.enterprise.checking import profile_faults
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.enterprise.derived import size_of
from matchmaker.matching.query import Caller
from matchmaker.matching.schemas import MatchInput
from matchmaker.pathway.computing import Asked, compute
from matchmaker.pathway.declaration import Budgets, Target
from matchmaker.pathway.service import Assessed, facts_of, need_of
from matchmaker.pathway.wording import Speaker
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from matchmaker.cli.sample import SmeLine
    from matchmaker.cli.show import Page
    from matchmaker.core.language import Language
    from matchmaker.matching.matcher import Matcher
    from matchmaker.released import Released

T = TypeVar("T")
_FIRST: Final = 13
"""The number of the first heading of the demo that is ours."""
ANSWERS: Final = "assessments.jsonl"

LANGUAGE = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of everything that is told.",
)
FILE = click.argument("file", type=click.File("rb"), required=False)
FIRM = click.option("--firm", metavar="NAME", help="A firm of the demo pool, in place of FILE.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API answers it.")


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What `assess` prints as JSON."""

    result: AssessmentResult | None
    open: OpenQuestions


class Sought(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `path` reads: a profile, an assessment or both, and what the way is for."""

    profile: ProfileFacts = ProfileFacts()
    assessment: AssessmentDraft | None = None
    target: Target | None = None
    budgets: Budgets | None = None
    currency: wire.Currency | None = None


@click.command()
@FILE
@FIRM
@LANGUAGE
@AS_JSON
def assess(file: IO[bytes] | None, firm: str | None, language: Language, *, as_json: bool) -> None:
    """Read the answers in FILE (the body of POST /v1/assessments; - reads standard input).

    Says the level and stage, or which questions can still change them. Nothing is stored.
    """
    draft = _one_of(file, firm, AssessmentDraft, of_demo=_answers_of, language=language)
    released = session.released()
    outcome = _assessed(released, draft, language)
    speaker = AssessmentSpeaker(released.assessing, language)
    asked = released.assessing.open_questions(draft.scheme, draft)
    told = Checked(
        result=None if outcome is None else speaker.result(draft.scheme, outcome.outcome),
        open=speaker.questions(draft.scheme, draft, asked),
    )
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))
        return
    ways_texts.Telling(show.Page(show.console(), language)).assessment(told.result, told.open)


@click.command()
@FILE
@FIRM
@LANGUAGE
@AS_JSON
def path(file: IO[bytes] | None, firm: str | None, language: Language, *, as_json: bool) -> None:
    """Compute the way of the firm in FILE over the published index; - reads standard input.

    FILE holds a profile, an assessment or both, and may name target, budgets by year and currency.
    Nothing is stored.
    """
    sought = _one_of(file, firm, Sought, of_demo=_sought_of, language=language)
    released = session.released()
    faults = list(profile_faults(released.checker, sought.profile, "#/profile"))
    if faults:
        raise _refused(UnusableInput(errors=faults), language)
    assessed = None
    if sought.assessment is not None:
        assessed = _assessed(released, sought.assessment, language)
    index = released.matcher(session.settings().index_folder).holder
    asked = _asked(released, sought, assessed)
    try:
        way = compute(released.wayfinder, asked, index.current().index)
    except MatchmakerError as error:
        raise click.ClickException(f"{_said(error, language)}; run `make seed`") from error
    told = Speaker(released.wayfinder, language).way(way, asked)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))
        return
    words = released.checker.fields.words(language, currency=way.currency)
    ways_texts.Telling(show.Page(show.console(), language)).way(told, words)


def tell(page: Page, matcher: Matcher, released: Released, firm: SmeLine) -> None:
    """The demo's firm from a check-up to a way, to a need of its first step, to a match.

    Nothing of it is stored.

    Raises:
        SampleMissing: the demo pool has no answers of the firm.
    """
    draft = _answers_of(firm.external_id)
    assessed = _assessed(released, draft, page.language)
    sought = Sought(profile=firm.profile, assessment=draft)
    telling = ways_texts.Telling(page)
    if assessed is None:
        raise sample.SampleMissing(f"{ANSWERS}: the answers of {firm.external_id} settle nothing")
    told = AssessmentSpeaker(released.assessing, page.language)
    telling.assessment(
        told.result(draft.scheme, assessed.outcome), told.questions(draft.scheme, draft, []), _FIRST
    )
    asked = _asked(released, sought, assessed)
    way = compute(released.wayfinder, asked, matcher.holder.current().index)
    words = released.checker.fields.words(page.language, currency=way.currency)
    telling.way(Speaker(released.wayfinder, page.language).way(way, asked), words, _FIRST + 1)
    if not way.entries:
        return
    need = need_of(way, asked, way.entries[0].step, released.checker)
    facts = NeedFacts(**{name: getattr(need, name) for name in NeedFacts.__struct_fields__})
    request = MatchInput(profile=firm.profile, need=facts, limit=3)
    answer = matcher.match(request, Caller(), page.language)
    title = "" if need.title is None else need.title.in_language(page.language)
    telling.first_match(title, answer, _FIRST + 4)


def _answers_of(external_id: str) -> AssessmentDraft:
    for line in sample.lines(ANSWERS):
        said = msgspec.json.decode(line)
        if said.pop("firm") == external_id:
            return msgspec.convert(said, AssessmentDraft)
    raise sample.SampleMissing(f"{ANSWERS} has no answers of {external_id}")


def _sought_of(external_id: str) -> Sought:
    for firm in sample.firms():
        if firm.external_id == external_id:
            return Sought(profile=firm.profile, assessment=_answers_of(external_id))
    raise sample.SampleMissing(f"{sample.SMES} has no firm {external_id}")


def _asked(released: Released, sought: Sought, assessed: Assessed | None) -> Asked:
    profile = sought.profile
    scale = size_of(released.taxonomy, profile).scale
    budgets, yearly = sought.budgets, profile.yearly_budget
    if budgets is None and yearly is not None:
        budgets = [yearly.amount] * released.wayfinder.rules.years
    return Asked(
        facts=facts_of(released.wayfinder, profile, scale, assessed),
        target=sought.target,
        budgets=budgets,
        currency=sought.currency or (yearly.currency if yearly else "CNY"),
        as_of=utc_now().date(),
    )


def _assessed(released: Released, draft: AssessmentDraft, language: Language) -> Assessed | None:
    """What follows from the answers; None while the level is open."""
    reader = released.assessing
    faults = list(reader.scheme_faults(draft.scheme)) or list(reader.faults(draft.scheme, draft))
    if faults:
        raise _refused(UnusableInput(errors=faults), language)
    outcome = reader.outcome(draft.scheme, draft)
    return None if outcome is None else Assessed(draft.scheme, draft, outcome)


def _one_of(
    file: IO[bytes] | None,
    firm: str | None,
    type_: type[T],
    *,
    of_demo: Callable[[str], T],
    language: Language,
) -> T:
    """What the file says, or what the demo pool says of its firm."""
    if file is not None and firm is None:
        return _read(file, type_, language)
    if firm is None or file is not None:
        raise click.UsageError("give either FILE or --firm")
    with session.one_line(sample.SampleMissing):
        return of_demo(firm)


def _read(file: IO[bytes], type_: type[T], language: Language) -> T:
    try:
        found: T = wire.decode(file.read(), type_)
    except MatchmakerError as error:
        raise _refused(error, language) from error
    return found


def _refused(error: MatchmakerError, language: Language) -> click.ClickException:
    told = [f"{each.pointer}: {each.message.in_language(language)}" for each in error.errors]
    return click.ClickException("\n".join([_said(error, language), *told]))


def _said(error: MatchmakerError, language: Language) -> str:
    title: Any = type(error).title
    return str(title.in_language(language))
