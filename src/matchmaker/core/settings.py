"""Everything that may differ between two installations, decoded once from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Span = Annotated[float, msgspec.Meta(ge=1, le=30 * 24 * 3600)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]


INDEX: Final = "index"
"""The folder of published indexes below the data directory."""
KERNELS: Final = "kernels"
"""That of compiled kernels."""


class SettingsInvalid(Exception):
    """A setting has a value that cannot be; the message is one line that names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One installation: times are seconds, sizes bytes.

    ``MATCHMAKER_POOL_SIZE=16`` sets ``pool_size``.
    """

    database_url: str | None = None
    """None: the embedded server below ``data``."""
    database_url_owner: str | None = None
    """Login for migrations; None: the same as ``database_url``."""
    data: str = ".data"
    secret: Annotated[str, msgspec.Meta(min_length=32)] | None = None
    """What cursors and receipts are signed with; None: a file below ``data``."""
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    public_url: Annotated[str, msgspec.Meta(pattern="^(https?://[^/?#@\\s]+)?$")] = ""
    """Under which callers know the API, as ``https://matchmaker.example``: the issuer of its tokens
    and where identity providers send people back to. Empty: host and port."""
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    job_concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    """Jobs that a worker process does at once."""
    batch_processes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Processes that share a batch of matches; one: the worker itself."""
    webhook_concurrency: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    """Webhooks that a worker process sends at once, beside its other jobs."""
    webhooks_open: bool = False
    """Webhooks may go to http, any port and private addresses: for development and tests alone."""
    exploration: Annotated[float, msgspec.Meta(ge=0, le=0.2)] = 0.0
    """Share of the lists in which two of the ranks 2 to 6 are swapped; 0: exploration is off."""
    experiments: bool = False
    """Whether an experiment that an operator starts has an effect on stored matches."""
    kernels: Literal["auto", "off"] = "auto"
    """``auto``: passes over rows are compiled where numba is installed, the extra ``fast``."""
    pool_size: Annotated[int, msgspec.Meta(ge=1, le=200)] = 8
    pool_overflow: Annotated[int, msgspec.Meta(ge=0, le=200)] = 4
    pool_timeout: Seconds = 2.0
    connect_timeout: Seconds = 2.0
    statement_timeout: Seconds = 4.0
    command_timeout: Seconds = 4.2
    """What the client waits; longer than ``statement_timeout``, which ends more kindly."""
    lock_timeout: Seconds = 2.0
    idle_in_transaction_timeout: Seconds = 5.0
    body_limit: Annotated[int, msgspec.Meta(ge=1024)] = 64 * 1024
    import_limit: Annotated[int, msgspec.Meta(ge=1024, le=1024 * 1024 * 1024)] = 1024 * 1024
    """The largest file that may be handed in over HTTP; ``body_deadline`` holds for it too."""
    body_deadline: Seconds = 5.0
    limits: str = ""
    """``off``, or what differs from the published limits: ``anonymous_match=50/60,keys=5/60``."""
    trusted_proxies: str = ""
    """Networks whose ``X-Forwarded-For`` is believed, as ``10.0.0.0/8, ::1``."""
    session_idle: Span = 30 * 60
    """How long a person who does nothing stays logged in."""
    session_lifetime: Span = 12 * 60 * 60
    """How long they stay logged in at most."""
    oidc: str = ""
    """Identity providers, as a JSON list: ``[{"name": "city", "issuer": "https://id.example",
    "client_id": "matchmaker", "client_secret": "..."}]``."""
    log_format: Literal["json", "console"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def issuer(self) -> str:
        """The name of the installation in tokens."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def data_directory(self) -> Path:
        """Where the installation keeps its files, absolute."""
        return Path(self.data).absolute()

    @property
    def index_folder(self) -> Path:
        """Where indexes are published, absolute."""
        return self.data_directory / INDEX

    @property
    def kernel_folder(self) -> Path | None:
        """Where compiled kernels are kept, absolute; None where they are off."""
        return None if self.kernels == "off" else self.data_directory / KERNELS


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings named in ``environment``; empty means absent, unknown MATCHMAKER_ names are refused.

    Raises:
        SettingsInvalid: one line that names the variable.
    """
    prefix = "MATCHMAKER_"
    found = {
        name.removeprefix(prefix).lower(): value
        for name, value in environment.items()
        if value and (name.startswith(prefix) or name in {"DATABASE_URL", "DATABASE_URL_OWNER"})
    }
    try:
        return msgspec.convert(found, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"environment ({prefix}* in upper case): {error}") from error
