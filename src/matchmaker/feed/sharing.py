"""What others share with an organisation: rooms above say it, and app hands it down.

An event belongs to the organisation whose subject it is. Who else may see the subject only its room
knows: by type of subject it gives the ids of what is shared with an organisation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sqlalchemy import Select, SQLColumnExpression

Shared: TypeAlias = Mapping[str, Callable[[SQLColumnExpression[Any]], Select[Any]]]
"""By subject type what selects the ids of the subjects that are shared with an organisation."""
