"""Scopes of their own for curations and models: keys keep what they were good for.

Revision ID: 20261130_scopes
Revises: 20261130_curations
"""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "20261130_scopes"
down_revision = "20261130_curations"
branch_labels = None
depends_on = None

# A scope, the one that was asked for in its place, and in which roles it may be given.
_PARTED: Final = (
    ("curations:read", "pools:read", "{agency,operator}"),
    ("curations:write", "pools:write", "{agency,operator}"),
    ("models:read", "match:read", "{operator}"),
    ("models:write", "match:run", "{operator}"),
)
_KEEP: Final = """
    update mm.api_key held set scopes = array_append(scopes, '{new}')
    where '{old}' = any (scopes) and not '{new}' = any (scopes) and exists (
        select from mm.organisation holder
        where holder.id = held.organisation_id and holder.roles && '{roles}'::text[]
    )
"""


def upgrade() -> None:
    """Give every key the new scope beside the old one, where its organisation may have it."""
    op.execute("set local lock_timeout = '200ms'")
    for new, old, roles in _PARTED:
        op.execute(_KEEP.format(new=new, old=old, roles=roles))


def downgrade() -> None:
    """Nothing: the release before passes over scopes that it does not know."""
