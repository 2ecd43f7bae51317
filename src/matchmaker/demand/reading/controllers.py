"""Free text becomes the draft of a need, over HTTP."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from matchmaker.core import access, limits
from matchmaker.core.clock import utc_now
from matchmaker.core.problems import problems
from matchmaker.demand.reading import Reader, wording
from matchmaker.demand.reading.schemas import NeedReading, NeedText

Installed = NamedDependency[SkipValidation[Reader]]


class NeedReadingController(Controller):
    """Needs in somebody's own words."""

    path = "/needs"
    tags = ("Demand",)
    opt = {**access.public(), **limits.under("match")}

    @post("/parse", operation_id="parseNeed", status_code=200, responses=problems())
    async def parse(self, *, data: JSONBody[NeedText], need_reader: Installed) -> NeedReading:
        """Read free text, Chinese or English, into the draft of a need; nothing is stored.

        Of the draft each part is in the text: `spans` has the characters it was read from. What
        looks like a fact and is none, or states only half of one, is in `unread` with the reason:
        an amount without a currency, a day that is over, what the text says it does not want.
        """
        found = need_reader.read(data.text, utc_now().date())
        return wording.reading(data.text, found, need_reader.version)
