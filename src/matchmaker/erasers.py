"""What every room knows of a person, gathered; with `app` the only one that knows every room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.once import erasing as replies
from matchmaker.demand import erasing as needs
from matchmaker.enterprise.assessments import erasing as assessments
from matchmaker.enterprise.participations import erasing as participations
from matchmaker.enterprise.recognitions import erasing as recognitions
from matchmaker.exchange import erasing as files
from matchmaker.identity.rights import erasing as people
from matchmaker.matching import erasing as matches
from matchmaker.matching.batches import erasing as batches
from matchmaker.pathway import erasing as ways

if TYPE_CHECKING:
    from matchmaker.core.erasing import Eraser
    from matchmaker.taxonomy.checking import Checker


def erasers(checker: Checker) -> tuple[Eraser, ...]:
    """All of them; people last, for the rest is found by them.

    Profiles after what was found out of firms or said by them elsewhere: with a profile that goes.
    """
    return (
        ways.ERASER,
        assessments.ERASER,
        recognitions.ERASER,
        participations.ERASER,
        *matches.erasers(checker),
        needs.ERASER,
        files.ERASER,
        batches.ERASER,
        replies.ERASER,
        *people.ERASERS,
    )
