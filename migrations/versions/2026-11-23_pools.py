"""Evidence, components, pools, their versions, admissions and the decisions on them.

Versions of a pool and decisions cannot be changed.

Revision ID: 20261123_pools
Revises: 20261123_matching
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_pools"
down_revision = "20261123_matching"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_FROZEN = ("pool_version", "admission_decision")
_ADMISSION_STATES = (
    "state in ('applied', 'admitted', 'refused', 'warned', 'suspended', 'removed', 'expired')"
)


def upgrade() -> None:
    """Create the tables, refuse changes of what is immutable, grant what the application needs."""
    op.execute("set local lock_timeout = '200ms'")
    _create_evidence()
    _create_component()
    _create_pool()
    _create_pool_version()
    op.create_foreign_key(
        op.f("fk_pool_id_version"),
        "pool",
        "pool_version",
        ["id", "version"],
        ["pool_id", "number"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
        deferrable=True,
        initially="DEFERRED",
    )
    _create_admission()
    _create_decision()
    for table in _FROZEN:
        op.execute(
            f"create trigger {table}_immutable before update or delete on mm.{table}"
            " for each row execute function mm.refuse_change()"
        )
        op.execute(
            f"create trigger {table}_not_truncated before truncate on mm.{table}"
            " for each statement execute function mm.refuse_change()"
        )
    # Rows are granted to both roles by default; these tables get only what is needed.
    changed, frozen = (
        "mm.evidence, mm.component, mm.pool, mm.admission",
        "mm.pool_version, mm.admission_decision",
    )
    op.execute(f"revoke all on {changed}, {frozen} from mm_app, mm_worker")
    op.execute(f"grant select, insert, update on {changed} to mm_app")
    op.execute("grant delete on mm.component to mm_app")
    op.execute(f"grant select, insert on {frozen} to mm_app")
    op.execute(f"grant select on {changed}, {frozen} to mm_worker")
    # What has come to its end is moved by the worker.
    op.execute("grant update on mm.evidence, mm.admission to mm_worker")
    op.execute("grant insert on mm.admission_decision to mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.drop_constraint(op.f("fk_pool_id_version"), "pool", schema=_SCHEMA, type_="foreignkey")
    for table in (
        "admission_decision",
        "admission",
        "pool_version",
        "pool",
        "component",
        "evidence",
    ):
        op.drop_table(table, schema=_SCHEMA)


def _create_evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("claim", postgresql.JSONB(), nullable=False),
        sa.Column("metric", postgresql.JSONB(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("before", sa.Double(), nullable=True),
        sa.Column("after", sa.Double(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("scenes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        *_revised(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        _organisation("evidence"),
        _organisation("evidence", "verified_by"),
        _offering("evidence"),
        sa.CheckConstraint(
            "type in ('case', 'certificate', 'test', 'reference')",
            name=op.f("ck_evidence_type_known"),
        ),
        sa.CheckConstraint(
            "state in ('claimed', 'in_verification', 'verified', 'refused', 'expired')",
            name=op.f("ck_evidence_state_known"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(claim) = 'object' and claim ?| '{zh,en}'",
            name=op.f("ck_evidence_claim_in_a_language"),
        ),
        _revision("evidence"),
        sa.CheckConstraint(
            "verified_by is distinct from organisation_id",
            name=op.f("ck_evidence_verified_by_another"),
        ),
        sa.CheckConstraint(
            "state <> 'verified' or verified_by is not null",
            name=op.f("ck_evidence_verified_by_somebody"),
        ),
        schema=_SCHEMA,
    )
    _index("evidence", "organisation_id")
    _index("evidence", "offering_id")


def _create_component() -> None:
    op.create_table(
        "component",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=True),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("substitutes", postgresql.ARRAY(sa.Text()), nullable=False),
        *_revised(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
        _organisation("component"),
        _offering("component"),
        sa.CheckConstraint("origin ~ '^[A-Z]{2}$'", name=op.f("ck_component_origin_is_a_code")),
        _revision("component"),
        schema=_SCHEMA,
    )
    _index("component", "organisation_id")
    _index("component", "offering_id")


def _create_pool() -> None:
    op.create_table(
        "pool",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *_revised(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool")),
        _organisation("pool"),
        sa.UniqueConstraint("code", name=op.f("uq_pool_code")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_pool_id_organisation_id")),
        sa.CheckConstraint(
            "code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'", name=op.f("ck_pool_code_is_a_code")
        ),
        sa.CheckConstraint("state in ('open', 'closed')", name=op.f("ck_pool_state_known")),
        _revision("pool"),
        schema=_SCHEMA,
    )
    _index("pool", "organisation_id")


def _create_pool_version() -> None:
    op.create_table(
        "pool_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("description", postgresql.JSONB(), nullable=True),
        sa.Column("rule", postgresql.JSONB(), nullable=False),
        sa.Column("tiers", postgresql.JSONB(), nullable=False),
        sa.Column("admission_days", sa.BigInteger(), nullable=True),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_version")),
        sa.UniqueConstraint("pool_id", "number", name=op.f("uq_pool_version_pool_id_number")),
        sa.ForeignKeyConstraint(
            ["pool_id", "organisation_id"],
            ["mm.pool.id", "mm.pool.organisation_id"],
            name=op.f("fk_pool_version_pool_id_organisation_id"),
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_pool_version_number_from_one")),
        sa.CheckConstraint(
            "jsonb_typeof(name) = 'object' and name ?| '{zh,en}'",
            name=op.f("ck_pool_version_name_in_a_language"),
        ),
        sa.CheckConstraint(
            "admission_days > 0", name=op.f("ck_pool_version_admission_days_from_one")
        ),
        schema=_SCHEMA,
    )
    _index("pool_version", "organisation_id")


def _create_admission() -> None:
    op.create_table(
        "admission",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        *_revised(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission")),
        sa.UniqueConstraint(
            "pool_id", "offering_id", name=op.f("uq_admission_pool_id_offering_id")
        ),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_admission_id_organisation_id")),
        _offering("admission"),
        sa.ForeignKeyConstraint(["pool_id"], ["mm.pool.id"], name=op.f("fk_admission_pool_id")),
        sa.CheckConstraint(_ADMISSION_STATES, name=op.f("ck_admission_state_known")),
        _revision("admission"),
        sa.CheckConstraint(
            "state in ('admitted', 'warned', 'suspended')"
            " or (tier is null and valid_until is null)",
            name=op.f("ck_admission_only_held_ones_have_a_tier"),
        ),
        schema=_SCHEMA,
    )
    _index("admission", "organisation_id")
    _index("admission", "offering_id")


def _create_decision() -> None:
    op.create_table(
        "admission_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("admission_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("pool_version", sa.BigInteger(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("offering_version_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("proof", postgresql.JSONB(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission_decision")),
        sa.UniqueConstraint(
            "admission_id", "number", name=op.f("uq_admission_decision_admission_id_number")
        ),
        sa.ForeignKeyConstraint(
            ["admission_id", "organisation_id"],
            ["mm.admission.id", "mm.admission.organisation_id"],
            name=op.f("fk_admission_decision_admission_id_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["pool_id", "pool_version"],
            ["mm.pool_version.pool_id", "mm.pool_version.number"],
            name=op.f("fk_admission_decision_pool_id_pool_version"),
        ),
        sa.ForeignKeyConstraint(
            ["offering_version_id", "offering_id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
            name=op.f("fk_admission_decision_offering_version_id_offering_id"),
        ),
        _organisation("admission_decision", "decided_by"),
        sa.CheckConstraint("number > 0", name=op.f("ck_admission_decision_number_from_one")),
        sa.CheckConstraint(_ADMISSION_STATES, name=op.f("ck_admission_decision_state_known")),
        sa.CheckConstraint(
            "answer in ('yes', 'no', 'unknown')", name=op.f("ck_admission_decision_answer_known")
        ),
        sa.CheckConstraint(
            "action <> 'admit_by_exception' or note is not null",
            name=op.f("ck_admission_decision_exception_has_a_reason"),
        ),
        schema=_SCHEMA,
    )
    _index("admission_decision", "organisation_id")


def _revised() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _created_at(),
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
    )


def _revision(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint("revision > 0", name=op.f(f"ck_{table}_revision_from_one"))


def _created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
    )


def _organisation(table: str, column: str = "organisation_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["mm.organisation.id"], name=op.f(f"fk_{table}_{column}")
    )


def _offering(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["offering_id", "organisation_id"],
        ["mm.offering.id", "mm.offering.organisation_id"],
        name=op.f(f"fk_{table}_offering_id_organisation_id"),
    )


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column], schema=_SCHEMA)
