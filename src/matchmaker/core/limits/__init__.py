"""How often a caller may ask, for all workers together and over their restarts.

Each worker counts by itself what it lets through, and settles what that comes to with a table that
all of them share, in the background: no request waits for a statement, unless its caller is using
up a limit fast, or the purpose is strict.
"""

from __future__ import annotations

from matchmaker.core.limits.errors import TooManyRequests
from matchmaker.core.limits.layer import Limits
from matchmaker.core.limits.policies import Policy, PurposeMissing, load, policies, under
from matchmaker.core.limits.settling import Ledger

__all__ = [
    "Ledger",
    "Limits",
    "Policy",
    "PurposeMissing",
    "TooManyRequests",
    "load",
    "policies",
    "under",
]
