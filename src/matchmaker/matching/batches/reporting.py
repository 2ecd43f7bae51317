"""A batch in sum, and both its files as tables."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from matchmaker.core.sheets.codecs import guarded
from matchmaker.matching.batches import schemas
from matchmaker.matching.batches.scoring import PLACES, Outcome, Reason
from matchmaker.matching.wording import used_versions
from matchmaker.ranking.tables import MILLION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matchmaker.matching.batches.running import Allotted, Limits, Ran
    from matchmaker.matching.batches.scoring import Desk
    from matchmaker.matching.index import OfferingCard

_POINT: Final = PLACES * MILLION // 100
"""Units of worth for each point of fit."""
_LINE: Final = (
    *("reference", "unmatched", "offering_id", "version", "package", "provider_id", "rank"),
    *("score", "fit", "price", "currency", "considered", "scored", "digest"),
)
_REPORT: Final = (
    *("offering_id", "title_zh", "title_en", "provider_id", "capacity", "floor"),
    *("wanted", "load", "shown", "congestion"),
)


def report_of(desk: Desk, ran: Ran, limits: Limits | None, offerings: int) -> schemas.BatchReport:
    """The batch in sum; ``offerings`` is how many there are of the kind."""
    outcomes = ran.outcomes
    given = [each.assigned for each in outcomes if each.assigned is not None]
    loads = _loads(desk, ran, limits)
    excluded: Counter[str] = Counter()
    for each in outcomes:
        excluded.update(each.excluded)
    fits = [each.fit for each in given if each.fit is not None]
    return schemas.BatchReport(
        firms=len(outcomes),
        matched=len(given),
        unmatched=_reasons(outcomes),
        excluded=dict(sorted(excluded.items())),
        mean_fit=round(sum(fits) / len(fits), 3) if fits else None,
        exposure=_exposure([load.load for load in loads], offerings),
        certificate=None if ran.allotted is None else _certificate(desk, ran.allotted),
        providers=_providers(desk, loads),
        offerings=loads,
        versions=used_versions(desk.matcher.versions(desk.published.versions)),
    )


def _reasons(outcomes: Sequence[Outcome]) -> dict[Reason, int]:
    found: dict[Reason, int] = {}
    for each in outcomes:
        if each.unmatched is not None:
            found[each.unmatched] = found.get(each.unmatched, 0) + 1
    return dict(sorted(found.items()))


def lines_as_csv(lines: bytes) -> bytes:
    """The lines of a batch as a table, one row for each firm."""
    outcomes = msgspec.json.Decoder(Outcome).decode_lines(lines)
    return _table(_LINE, (_row(each) for each in outcomes))


def report_as_csv(report: schemas.BatchReport) -> bytes:
    """What came of each offering as a table."""
    return _table(
        _REPORT,
        (
            {
                **msgspec.structs.asdict(each),
                "title_zh": each.title.zh,
                "title_en": each.title.en,
            }
            for each in report.offerings
        ),
    )


def without(lines: bytes, allowed: frozenset[str] | None) -> bytes:
    """The lines of the firms that are ``allowed``; None: of all."""
    if allowed is None:
        return lines
    outcomes = msgspec.json.Decoder(Outcome).decode_lines(lines)
    kept = [each for each in outcomes if each.reference in allowed]
    return msgspec.json.Encoder(order="deterministic").encode_lines(kept)


def _loads(desk: Desk, ran: Ran, limits: Limits | None) -> list[schemas.OfferingLoad]:
    """What came of the offerings that somebody got, saw or wanted, or that have a floor."""
    given = Counter(o.assigned.offering_id for o in ran.outcomes if o.assigned is not None)
    shown = Counter(item.offering_id for o in ran.outcomes for item in o.items)
    wanted, prices = _market(desk, ran.allotted) if ran.allotted else (given, Counter[str]())
    floors = {} if limits is None else limits.floors
    named = sorted({*given, *shown, *wanted, *(each for each, count in floors.items() if count)})
    found: list[schemas.OfferingLoad] = []
    for offering_id in named:
        card = _card(desk, offering_id)
        if card is not None:
            found.append(
                schemas.OfferingLoad(
                    offering_id=offering_id,
                    title=card.title,
                    provider_id=card.provider_id,
                    capacity=None
                    if limits is None
                    else limits.capacities.get(offering_id, limits.capacity),
                    floor=floors.get(offering_id, 0),
                    wanted=wanted[offering_id],
                    load=given[offering_id],
                    shown=shown[offering_id],
                    congestion=prices[offering_id] / _POINT,
                )
            )
    return found


def _market(desk: Desk, allotted: Allotted) -> tuple[Counter[str], Counter[str]]:
    """By offering how many firms want it first, and its price."""
    ids = [desk.published.index.offering_ids[place] for place in allotted.columns.tolist()]
    wanted = dict(zip(ids, allotted.wanted.tolist(), strict=True))
    prices = dict(zip(ids, allotted.found.price.tolist(), strict=True))
    return Counter(_some(wanted)), Counter(_some(prices))


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _certificate(desk: Desk, allotted: Allotted) -> schemas.Certificate:
    found, ids = allotted.found, desk.published.index.offering_ids
    short = found.shortfall
    return schemas.Certificate(
        total=found.total / _POINT,
        pairs=len(found.offering) * len(allotted.columns),
        floors_asked=int(allotted.places.floor.sum()),
        floors_filled=found.filled,
        shortfall=None
        if short is None
        else schemas.Shortfall(
            offerings=[ids[int(allotted.columns[place])] for place in short.offerings],
            eligible=short.eligible,
            asked=short.asked,
        ),
    )


def _providers(desk: Desk, loads: Sequence[schemas.OfferingLoad]) -> list[schemas.ProviderLoad]:
    by_provider: dict[str, list[schemas.OfferingLoad]] = {}
    for load in loads:
        by_provider.setdefault(load.provider_id, []).append(load)
    found: list[schemas.ProviderLoad] = []
    for provider_id, own in sorted(by_provider.items()):
        card = _card(desk, own[0].offering_id)
        if card is not None:
            found.append(
                schemas.ProviderLoad(
                    provider_id=provider_id,
                    name=card.provider_name,
                    wanted=sum(load.wanted for load in own),
                    load=sum(load.load for load in own),
                    shown=sum(load.shown for load in own),
                )
            )
    return sorted(found, key=lambda each: (-each.load, each.provider_id))


def _card(desk: Desk, offering_id: str) -> OfferingCard | None:
    place = desk.published.index.place(offering_id)
    return None if place is None else desk.published.card(place)


def _exposure(loads: Sequence[int], offerings: int) -> schemas.Exposure:
    """Of all offerings of the kind; those that nobody got count as 0."""
    some = sorted(load for load in loads if load)
    total = sum(some)
    gini = 0.0
    if total:
        places = np.arange(offerings - len(some) + 1, offerings + 1)
        weighted = int((places * np.array(some)).sum())
        gini = round(2 * weighted / (offerings * total) - (offerings + 1) / offerings, 4)
    return schemas.Exposure(offerings=offerings, with_load=len(some), gini=gini)


def _row(outcome: Outcome) -> dict[str, object]:
    given = outcome.assigned
    row: dict[str, object] = {
        "reference": outcome.reference,
        "unmatched": outcome.unmatched,
        "considered": outcome.considered,
        "scored": outcome.scored,
        "digest": outcome.digest,
    }
    if given is not None:
        price = given.price
        row |= msgspec.structs.asdict(given)
        row["price"] = None if price is None else price.amount
        row["currency"] = None if price is None else price.currency
    return row


def _table(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return made.getvalue().encode()


def _cell(value: object) -> object:
    """Nothing as nothing, and no text that a spreadsheet would take for a formula."""
    if value is None:
        return ""
    return guarded(value) if isinstance(value, str) else value
