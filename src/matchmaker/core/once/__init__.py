"""Idempotency-Key: a creating request that is sent again has one effect and one answer.

The claim of a key, what the request does and the answer to it go into one transaction. A handler
says with ``creates()`` in its ``opt`` that it takes keys; the app does not start with a creating
operation that says nothing.
"""

from __future__ import annotations

from matchmaker.core.once.declaring import Keeping, check, creates, describe, of
from matchmaker.core.once.layer import Once
from matchmaker.core.once.queries import forget

__all__ = ["Keeping", "Once", "check", "creates", "describe", "forget", "of"]
