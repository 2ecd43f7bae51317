"""`matchmaker verify`: a signed receipt, held against public keys without any server."""

from __future__ import annotations

from typing import IO, TypeVar

import click
import msgspec

from matchmaker.cli import session
from matchmaker.core.secret import secret
from matchmaker.core.signing import SignatureInvalid, Signer, SigningKeys
from matchmaker.matching import replays, schemas

T = TypeVar("T")


@click.command()
@click.argument("receipt", type=click.File("rb"))
@click.option(
    "--keys",
    "keys_file",
    type=click.File("rb"),
    help="The answer of GET /v1/receipt-keys; the key of this installation unless given.",
)
def verify(receipt: IO[bytes], keys_file: IO[bytes] | None) -> None:
    """Verify the signature of RECEIPT, the answer of a replay with sign=true; - reads it.

    It says that the portal reproduced the answer and that no byte of the receipt was changed.
    """
    found = _read(receipt, schemas.Replay)
    keys = _own() if keys_file is None else _read(keys_file, SigningKeys)
    try:
        kid = replays.verify(found, keys)
    except SignatureInvalid as error:
        raise click.ClickException(f"not verified: {error}") from error
    click.echo(f"signed with {kid}")
    click.echo(f"{found.receipt.digest} as of {found.receipt.as_of}")


def _own() -> SigningKeys:
    return Signer(secret(session.settings())).keys()


def _read(file: IO[bytes], type_: type[T]) -> T:
    try:
        return msgspec.json.decode(file.read(), type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file.name}: {error}") from error
