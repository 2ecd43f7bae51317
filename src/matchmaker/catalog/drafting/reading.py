"""The lines of a provider's own file, as far as they can be checked without a database."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple

from matchmaker.catalog.checking import provider_faults
from matchmaker.catalog.declaration import Attributes, OfferingLine, ProviderLine
from matchmaker.catalog.importing.lines import declared
from matchmaker.core.sheets.lines import Progress, Repeats, read_each

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from matchmaker.catalog.importing.lines import Declared
    from matchmaker.catalog.life.facts import Declarations
    from matchmaker.core.errors import FieldFault
    from matchmaker.core.sheets import Faults


class CardRead(NamedTuple):
    """A line that states a supply card."""

    number: int
    line: ProviderLine


class OfferingRead(NamedTuple):
    """A line that states an offering."""

    number: int
    line: OfferingLine
    attributes: Attributes | None


class OwnFile(NamedTuple):
    """Every line that could be read."""

    cards: list[CardRead]
    offerings: list[OfferingRead]


async def read_own(
    stream: IO[bytes],
    declarations: Declarations,
    today: dt.date,
    *,
    faults: Faults,
    progress: Progress,
) -> OwnFile:
    """The lines of the file; what is wrong with any of them is added to ``faults``."""
    repeats = Repeats()

    def check(found: Declared) -> Iterator[FieldFault]:
        if isinstance(found, ProviderLine):
            yield from provider_faults(found, declarations.known)
            yield from repeats.faults(found.external_id, found.external_id)
            return
        line, attributes = found
        yield from declarations.faults(line, attributes, today)
        yield from repeats.faults((line.provider, line.external_id), line.external_id)

    read = OwnFile([], [])
    lines = await read_each(stream, declared, check, faults=faults, progress=progress)
    for number, found in lines:
        if isinstance(found, ProviderLine):
            read.cards.append(CardRead(number, found))
        else:
            read.offerings.append(OfferingRead(number, *found))
    return read
