"""The only place that reads the wall clock."""

from __future__ import annotations

import datetime as dt


def utc_now() -> dt.datetime:
    """Now, aware, in UTC."""
    return dt.datetime.now(dt.UTC)
