"""Tokens of facts, versions of limits, holdings by venue, contracts, groups of orders, days of equity."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal, UtcDateTime

revision = "0002"
down_revision = "0001"

ZERO = Decimal(0)
_AMOUNTS = ("max_order_notional", "max_position_notional", "max_gross_notional", "price_collar")


def upgrade() -> None:
    tables = _create_tables()
    op.add_column("trading_states", sa.Column("changed_by", sa.Text, nullable=False, server_default=""))
    _extend_decisions()
    op.bulk_insert(tables["limit_versions"], list(_limits()))
    op.bulk_insert(tables["account_holdings"], list(_holdings()))
    op.bulk_insert(tables["account_positions"], list(_positions()))
    op.bulk_insert(tables["order_reservations"], list(_reservations()))
    for name in ("limits", "holdings", "positions", "reservations"):
        op.drop_table(name)


def _create_tables() -> dict[str, sa.Table]:
    made = [
        op.create_table(
            "heads",
            sa.Column("account", sa.Text, primary_key=True),
            sa.Column("token", sa.Text, nullable=False),
        ),
        op.create_table(
            "limit_versions",
            sa.Column("account", sa.Text, primary_key=True),
            sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("document", sa.JSON, nullable=False),
            sa.Column("update_time", UtcDateTime(), nullable=False),
        ),
        op.create_table(
            "trading_changes",
            sa.Column("change_id", sa.Text, primary_key=True),
            sa.Column("account", sa.Text, nullable=False, index=True),
            sa.Column("from_mode", sa.Text, nullable=False),
            sa.Column("to_mode", sa.Text, nullable=False),
            sa.Column("reason", sa.Text, nullable=False),
            sa.Column("changed_by", sa.Text, nullable=False),
            sa.Column("change_time", UtcDateTime(), nullable=False),
            sa.Column("correlation_id", sa.Text, nullable=False),
        ),
        op.create_table(
            "account_holdings",
            sa.Column("account", sa.Text, primary_key=True),
            sa.Column("venue", sa.Text, primary_key=True),
            sa.Column("asset", sa.Text, primary_key=True),
            sa.Column("quantity", ExactDecimal(), nullable=False),
        ),
        op.create_table(
            "account_positions",
            sa.Column("account", sa.Text, primary_key=True),
            sa.Column("instrument", sa.Text, primary_key=True),
            sa.Column("base_asset", sa.Text, nullable=False),
            sa.Column("quote_asset", sa.Text, nullable=False),
            sa.Column("contract", sa.Text, nullable=False),
            sa.Column("quantity", ExactDecimal(), nullable=False),
            sa.Column("cost", ExactDecimal(), nullable=False),
        ),
        op.create_table(
            "order_reservations",
            sa.Column("order_id", sa.Text, primary_key=True),
            sa.Column("account", sa.Text, nullable=False, index=True),
            sa.Column("claim", sa.Text, nullable=False),
            sa.Column("instrument", sa.Text, nullable=False),
            sa.Column("base_asset", sa.Text, nullable=False),
            sa.Column("quote_asset", sa.Text, nullable=False),
            sa.Column("contract", sa.Text, nullable=False),
            sa.Column("side", sa.Text, nullable=False),
            sa.Column("quantity", ExactDecimal(), nullable=False),
            sa.Column("asset", sa.Text, nullable=False),
            sa.Column("per_unit", ExactDecimal(), nullable=False),
            sa.Column("joined_at", ExactDecimal(), nullable=False),
            sa.Column("filled", ExactDecimal(), nullable=False),
            sa.Column("ended", sa.Boolean, nullable=False),
            sa.Column("stop", sa.Boolean, nullable=False),
        ),
        op.create_table(
            "equity_days",
            sa.Column("account", sa.Text, primary_key=True),
            sa.Column("day", sa.Text, nullable=False),
            sa.Column("start", ExactDecimal(), nullable=True),
            sa.Column("peak", ExactDecimal(), nullable=True),
            sa.Column("flows", sa.JSON, nullable=False),
        ),
    ]
    return {table.name: table for table in made}


def _extend_decisions() -> None:
    op.add_column("decisions", sa.Column("trigger_price", ExactDecimal(), nullable=True))
    op.add_column(
        "decisions", sa.Column("reduce_only", sa.Boolean, nullable=False, server_default=sa.false())
    )
    for name in ("order_group", "strategy", "contract", "base_asset", "quote_asset"):
        op.add_column("decisions", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("decisions", sa.Column("inputs", sa.JSON(none_as_null=True), nullable=True))
    op.drop_index("ix_decisions_account", table_name="decisions")
    op.create_index("ix_decisions_account_decide_time", "decisions", ["account", "decide_time"])


def _rows(table: str, **columns: Any) -> list[Any]:
    source = sa.table(table, *(sa.column(name, kind) for name, kind in columns.items()))
    return list(op.get_bind().execute(sa.select(source)).mappings())


def _limits() -> Iterator[dict[str, Any]]:
    amounts = {name: sa.Text() for name in _AMOUNTS}
    rows = _rows(
        "limits",
        account=sa.Text(),
        version=sa.BigInteger(),
        update_time=UtcDateTime(),
        max_open_orders=sa.Integer(),
        **amounts,
    )
    for row in rows:
        yield {
            "account": row["account"],
            "version": row["version"],
            "document": {name: row[name] for name in ("max_open_orders", *_AMOUNTS)},
            "update_time": row["update_time"],
        }


def _holdings() -> Iterator[dict[str, Any]]:
    # Until now an account traded at one venue; where it has positions, they say which.
    positions = _rows("positions", account=sa.Text(), instrument=sa.Text())
    venues = {row["account"]: row["instrument"].split("/")[1] for row in positions}
    for row in _rows("holdings", account=sa.Text(), asset=sa.Text(), quantity=ExactDecimal()):
        yield {**row, "venue": venues.get(row["account"], "sim")}


def _positions() -> Iterator[dict[str, Any]]:
    for row in _rows("positions", account=sa.Text(), instrument=sa.Text(), quantity=ExactDecimal()):
        yield {**row, **_spot(row["instrument"]), "cost": ZERO}


def _reservations() -> Iterator[dict[str, Any]]:
    rows = _rows(
        "reservations",
        order_id=sa.Text(),
        account=sa.Text(),
        instrument=sa.Text(),
        side=sa.Text(),
        remaining=ExactDecimal(),
        asset=sa.Text(),
        per_unit=ExactDecimal(),
    )
    for row in rows:
        filled = _filled(row["order_id"], row["remaining"])
        yield {
            **{
                name: row[name] for name in ("order_id", "account", "instrument", "side", "asset", "per_unit")
            },
            **_spot(row["instrument"]),
            "claim": row["order_id"],
            "quantity": row["remaining"] + filled,
            "joined_at": ZERO,
            "filled": filled,
            "ended": False,
            "stop": False,
        }


def _filled(order_id: str, remaining: Decimal) -> Decimal:
    """How much of an order is filled: what it was approved for, less what remained."""
    source = sa.table("decisions", sa.column("order_id", sa.Text()), sa.column("quantity", ExactDecimal()))
    found = op.get_bind().execute(sa.select(source.c.quantity).where(source.c.order_id == order_id)).scalar()
    return ZERO if found is None else found - remaining


def _spot(instrument: str) -> dict[str, str]:
    """The assets of an instrument: until now all were spot, and named base-quote."""
    base, _, quote = instrument.rpartition("/")[2].rpartition("-")
    return {"base_asset": base, "quote_asset": quote, "contract": ""}
