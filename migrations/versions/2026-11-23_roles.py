"""Who may do what in schema mm: mm_owner changes it, mm_app and mm_worker read and write rows.

Revision: 20261123_roles, the first one. The roles and the schema themselves are made by env.py,
because Alembic keeps its own table in the schema.
"""

from __future__ import annotations

from alembic import op

revision = "20261123_roles"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '200ms'")
    op.execute("REVOKE ALL ON SCHEMA mm FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA mm TO mm_app, mm_worker")
    op.execute("GRANT SELECT ON mm.alembic_version TO mm_app, mm_worker")
    for objects, rights in (
        ("TABLES", "SELECT, INSERT, UPDATE, DELETE"),
        ("SEQUENCES", "USAGE, SELECT"),
    ):
        op.execute(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE mm_owner IN SCHEMA mm "
            f"GRANT {rights} ON {objects} TO mm_app, mm_worker"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '200ms'")
    for objects in ("TABLES", "SEQUENCES"):
        op.execute(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE mm_owner IN SCHEMA mm "
            f"REVOKE ALL ON {objects} FROM mm_app, mm_worker"
        )
    op.execute("REVOKE ALL ON mm.alembic_version FROM mm_app, mm_worker")
    op.execute("REVOKE USAGE ON SCHEMA mm FROM mm_app, mm_worker")
