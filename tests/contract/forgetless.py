"""The server with a guard that remembers credentials for ever: what revocation must not meet."""

from __future__ import annotations

from litestar import Litestar

from matchmaker import app
from matchmaker.identity import remembering


def served() -> Litestar:
    """The API as it is served, with a memory that does not pass."""
    vars(remembering)["CACHE_SECONDS"] = 3600.0
    return app.served()
