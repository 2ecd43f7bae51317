"""Replaying an answer: the same question on the index of that time gives the same digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.catalog.pools import service as pools
from matchmaker.core.canonical import canonical
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.signing import SignatureInvalid, signed_by
from matchmaker.core.wire import InvalidContent
from matchmaker.matching import schemas
from matchmaker.matching.errors import NotYourReceipt
from matchmaker.matching.query import Caller
from matchmaker.matching.run import moment_of

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.core.db import ReadSession
    from matchmaker.core.signing import Signer, SigningKeys
    from matchmaker.identity.access import Principal
    from matchmaker.matching.library import Library
    from matchmaker.matching.queries import FoundRun


async def replay(
    library: Library, asked: schemas.MatchInput, receipt: schemas.Receipt
) -> schemas.Replay | None:
    """What ``asked`` answers where the receipt was made; None while that is being rebuilt.

    Raises:
        CannotReplay: it was made by another engine, or of data that is not kept.
        InvalidContent: the receipt names no time or no caller.
        UnusableInput: an unknown code or a rule that cannot hold.
        IndexNotReady: nothing has been published for this release.
    """
    caller, as_of = _caller(receipt), _as_of(receipt)
    place = await library.find(receipt.versions)
    if place is None:
        return None
    run, _ = place.matcher.run(
        asked, caller, as_of=as_of, published=place.published, seed=receipt.seed
    )
    return schemas.Replay(
        reproduced=run.digest == receipt.digest,
        digest=run.digest,
        receipt=receipt,
    )


async def replay_stored(library: Library, found: FoundRun) -> schemas.Replay | None:
    """The replay of a stored run.

    Raises:
        CannotReplay, IndexNotReady: as `replay`.
    """
    run = found.run
    receipt = schemas.Receipt(
        as_of=run.body["as_of"],
        seed=run.body["seed"],
        caller=run.body["caller"],
        versions=msgspec.convert(run.body["versions"], schemas.UsedVersions),
        digest=run.digest,
    )
    return await replay(library, msgspec.convert(run.input, schemas.MatchInput), receipt)


def signed(found: schemas.Replay | None, signer: Signer) -> schemas.Replay | None:
    """``found`` with a signature of its receipt, if that was reproduced."""
    if found is None or not found.reproduced:
        return found
    signature = signer.sign(canonical(found.receipt))
    return msgspec.structs.replace(found, signature=signature)


def verify(found: schemas.Replay, keys: SigningKeys) -> str:
    """The id of the key that signed the receipt of ``found``.

    Raises:
        SignatureInvalid: there is no signature, or none of ``keys`` made it of this receipt.
    """
    if found.signature is None:
        raise SignatureInvalid("there is no signature")
    return signed_by(canonical(found.receipt), found.signature, keys)


async def require_own(
    session: ReadSession, receipt: schemas.Receipt, visitor: Principal | None
) -> None:
    """Nothing, where the caller may see all that the receipt's caller saw.

    Anybody could write a receipt that names an organisation and its pools.

    Raises:
        NotYourReceipt: it was made for somebody else, or with a pool that is no longer held.
        InvalidContent: it names no caller.
    """
    caller = _caller(receipt)
    if caller.organisation is None:
        return
    is_own = visitor is not None and caller.organisation == str(visitor.organisation_id)
    if not is_own or not caller.pools <= await pools.held_by(session, visitor):
        raise NotYourReceipt


def _caller(receipt: schemas.Receipt) -> Caller:
    try:
        return Caller.of(receipt.caller)
    except ValueError:
        said = Bilingual(zh="不是回执中的调用方", en="names no caller of a receipt")
        raise InvalidContent(errors=[FieldFault("#/receipt/caller", "no_caller", said)]) from None


def _as_of(receipt: schemas.Receipt) -> dt.datetime:
    try:
        return moment_of(receipt.as_of)
    except ValueError:
        said = Bilingual(zh="不是回执中的时间", en="is no time of a receipt")
        raise InvalidContent(errors=[FieldFault("#/receipt/as_of", "no_time", said)]) from None
