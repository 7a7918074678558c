"""Sessions apart from grants, one living grant for each person, and ids that never come back.

Stop the site before this one: older code would write a grant for each browser. Deliver what waits
to be revoked first (`flask revocations deliver`): those rows do not say whose token they hold.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

USER_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
BY_SESSION = ("browser", "seen_at", "ended_because", "flight")

NEWEST_FIRST = """
    SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY created_at DESC, id DESC) AS place
    FROM grants WHERE ended_at IS NULL
"""


def upgrade() -> None:
    """Give every grant a session of the same id, and each person the grant signed in last."""
    _tell_of_waiting_revocations()
    _number_people(autoincrement=True)
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", USER_ID, nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("end_reason", sa.String(32)),
        sa.Column("refused_at", sa.Double()),
        sa.Column("sign_in_record", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_ended_at", "sessions", ["ended_at"])
    op.execute(
        "INSERT INTO sessions (id, user_id, browser, created_at, seen_at, ended_at, end_reason,"
        " sign_in_record) SELECT id, user_id, browser, created_at, seen_at, ended_at,"
        " ended_because, flight FROM grants"
    )
    # Of a person's living grants, Twitter keeps the newest. The tokens of the others are dead.
    op.execute(
        "DELETE FROM grants WHERE ended_at IS NOT NULL OR id NOT IN"  # noqa: S608 - constants
        f" (SELECT id FROM ({NEWEST_FIRST}) AS living WHERE place = 1)"
    )
    for column in BY_SESSION:
        op.drop_column("grants", column)
    op.add_column(
        "grants", sa.Column("exchanged_at", sa.Double(), server_default="0", nullable=False)
    )
    op.add_column("grants", sa.Column("refreshed_at", MOMENT))
    op.add_column("grants", sa.Column("end_reason", sa.String(32)))
    living = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_grants_living",
        "grants",
        ["user_id"],
        unique=True,
        sqlite_where=living,
        postgresql_where=living,
    )
    op.create_table(
        "used_states",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("session_id", sa.String(32)),
        sa.Column("recorded_at", MOMENT),
        sa.PrimaryKeyConstraint("state_hash", name="pk_used_states"),
    )
    op.create_index("ix_used_states_used_at", "used_states", ["used_at"])
    op.execute(
        "INSERT INTO used_states SELECT state_hash, code_hash, claimed_at, outcome, grant_id,"
        " settled_at FROM claims"
    )
    op.drop_table("claims")
    op.create_table(
        "endings",
        sa.Column("twitter_id_hash", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("twitter_id_hash", name="pk_endings"),
    )
    op.add_column("revocations", sa.Column("twitter_id", sa.String(19)))
    op.add_column("revocations", sa.Column("waits_for", sa.String(32)))
    op.create_index("ix_revocations_twitter_id", "revocations", ["twitter_id"])
    op.execute("ALTER TABLE revocations RENAME COLUMN parked_at TO dead_letter_at")
    # The two tokens of one grant came in one transaction: the access token tells whose both are.
    op.execute(
        "UPDATE revocations SET waits_for = (SELECT min(access.id) FROM revocations AS access"
        " WHERE access.token_type_hint = 'access_token'"
        " AND access.created_at = revocations.created_at AND access.dead_letter_at IS NULL)"
        " WHERE token_type_hint = 'refresh_token' AND dead_letter_at IS NULL"
    )


def downgrade() -> None:
    """Sign in only the browser whose session has the grant's id; older code knows no other."""
    op.execute("ALTER TABLE revocations RENAME COLUMN dead_letter_at TO parked_at")
    op.drop_index("ix_revocations_twitter_id", "revocations")
    op.drop_column("revocations", "waits_for")
    op.drop_column("revocations", "twitter_id")
    op.drop_table("endings")
    op.create_table(
        "claims",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("grant_id", sa.String(32)),
        sa.Column("settled_at", MOMENT),
        sa.PrimaryKeyConstraint("state_hash", name="pk_claims"),
    )
    op.create_index("ix_claims_claimed_at", "claims", ["claimed_at"])
    op.execute(
        "INSERT INTO claims SELECT state_hash, code_hash, used_at, outcome, session_id, recorded_at"
        " FROM used_states"
    )
    op.drop_table("used_states")
    op.drop_index("uq_grants_living", "grants")
    for column in ("end_reason", "refreshed_at", "exchanged_at"):
        op.drop_column("grants", column)
    _give_grants_their_browsers()
    op.drop_table("sessions")
    _number_people(autoincrement=False)


def _give_grants_their_browsers() -> None:
    """Bring back what a grant said of its browser.

    Every session becomes a row of `grants`, ended and without tokens unless it is the grant's own.
    A living grant whose own session is over counts as unused since 1970: older code ends and
    revokes it when its cookie comes back, and the operator may do so before.
    """
    op.add_column("grants", sa.Column("browser", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "grants", sa.Column("seen_at", MOMENT, server_default="1970-01-01 00:00:00", nullable=False)
    )
    op.add_column("grants", sa.Column("ended_because", sa.String(32)))
    op.add_column("grants", sa.Column("flight", sa.JSON()))
    for new, old in (("browser", "browser"), ("seen_at", "seen_at"), ("flight", "sign_in_record")):
        op.execute(
            f"UPDATE grants SET {new} = (SELECT {old} FROM sessions WHERE sessions.id = grants.id)"  # noqa: S608
            " WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL)"
        )
    op.execute(
        "INSERT INTO grants (id, user_id, scopes, issued_at, expires_at, generation, browser,"
        " created_at, seen_at, ended_at, ended_because, flight) SELECT id, user_id, '', created_at,"
        " created_at, 0, browser, created_at, seen_at, coalesce(ended_at, CURRENT_TIMESTAMP),"
        " coalesce(end_reason, 'replaced'), sign_in_record FROM sessions"
        " WHERE id NOT IN (SELECT id FROM grants)"
    )
    with op.batch_alter_table("grants") as grants:
        grants.alter_column("browser", server_default=None)
        grants.alter_column("seen_at", server_default=None)


def _number_people(*, autoincrement: bool) -> None:
    """Make SQLite number people like PostgreSQL, which never hands out a number twice."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table(
            "users", recreate="always", table_kwargs={"sqlite_autoincrement": autoincrement}
        ):
            pass


def _tell_of_waiting_revocations() -> None:
    waiting = op.get_bind().execute(sa.text("SELECT count(*) FROM revocations")).scalar()
    if waiting:
        print(  # noqa: T201 - to the operator who upgrades
            f"{waiting} tokens wait to be revoked, and nothing says whose they are. Better deliver"
            " them before this upgrade: flask --app wsgi revocations deliver"
        )
