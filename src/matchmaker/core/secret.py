"""The secret of an installation, shared by all its workers and kept over restarts."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matchmaker.core.settings import Settings

_NAME: Final = "secret"
_OCTETS: Final = 32


def secret(settings: Settings) -> bytes:
    """MATCHMAKER_SECRET, else the one kept in the data directory, made at the first call.

    Installations of several machines set it; on one machine the file does.
    """
    if settings.secret is not None:
        return settings.secret.encode()
    kept = settings.data_directory / _NAME
    with contextlib.suppress(FileNotFoundError):
        return kept.read_bytes()
    settings.data_directory.mkdir(parents=True, exist_ok=True)
    # Written aside and linked: whoever comes second finds the whole of the first one's.
    handle, name = tempfile.mkstemp(prefix=f"{_NAME}-", dir=settings.data_directory)
    try:
        with os.fdopen(handle, "wb") as made:
            made.write(secrets.token_hex(_OCTETS).encode())
        with contextlib.suppress(FileExistsError):
            os.link(name, kept)
    finally:
        Path(name).unlink()
    return kept.read_bytes()
