"""Order kinds, triggers, links between orders, contracts, kinds of transfers."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal, UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _terms_and_triggers()
    _links()
    for table in ("trade_order", "fill"):
        _add(
            table,
            sa.Column("contract_size", ExactDecimal()),
            sa.Column("settle_asset", sa.Text),
            sa.Column("inverse", _boolean(), nullable=False, server_default=sa.false()),
        )
    _add(
        "transfer",
        sa.Column("kind", sa.Text, nullable=False, server_default="UNSPECIFIED"),
        sa.Column("instrument", sa.Text, nullable=False, server_default=""),
    )


def _terms_and_triggers() -> None:
    _add(
        "trade_order",
        sa.Column("expire_time", UtcDateTime()),
        sa.Column("display_quantity", ExactDecimal()),
        sa.Column("trigger_price", ExactDecimal()),
        sa.Column("trigger_source", sa.Text),
        sa.Column("offset_kind", sa.Text),
        sa.Column("offset_amount", ExactDecimal()),
        sa.Column("activation_price", ExactDecimal()),
        sa.Column("quote_quantity", ExactDecimal()),
        sa.Column("reduce_only", _boolean(), nullable=False, server_default=sa.false()),
        # Every order of before was one that its venue worked.
        sa.Column("handling", sa.Text, nullable=False, server_default="NATIVE"),
        sa.Column("status_price", ExactDecimal()),
        sa.Column("best_price", ExactDecimal()),
        sa.Column("activate_time", UtcDateTime()),
        sa.Column("trigger_time", UtcDateTime()),
        sa.Column("trigger_market_price", ExactDecimal()),
    )


def _links() -> None:
    _add(
        "trade_order",
        sa.Column("order_list", sa.Text),
        sa.Column("contingency", sa.Text, nullable=False, server_default="NONE"),
        sa.Column("parent_order", sa.Text),
        sa.Column("linked_order", sa.Text),
        sa.Column("replaces", sa.Text),
        sa.Column("replaced_by", sa.Text),
        sa.Column("unprotected", _boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_trade_order_order_list", "trade_order", ["order_list"])
    op.create_index("ix_trade_order_parent_order", "trade_order", ["parent_order"])


def _add(table: str, *columns: "sa.Column[object]") -> None:
    for column in columns:
        op.add_column(table, column)


def _boolean() -> sa.Boolean:
    return sa.Boolean(create_constraint=False)
