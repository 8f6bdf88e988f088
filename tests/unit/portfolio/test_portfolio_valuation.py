"""A missing price is listed and never taken for zero."""

from decimal import Decimal

from services.portfolio.domain.position import Position
from services.portfolio.domain.valuation import Balances, Valuation, value

BTC = Position(
    "paper", "sim", "btc-usdt", "btc", "usdt", quantity=Decimal("0.5"), cost=Decimal(30000), fill_count=1
)
ETH = Position("paper", "sim", "eth-usdt", "eth", "usdt", realized_pnl=Decimal(12), fill_count=2)


def valued(prices: dict[str, Decimal]) -> Valuation:
    return value(
        "usdt",
        balances=Balances(
            holdings={"btc": Decimal("0.5"), "eth": Decimal(0), "usdt": Decimal(70000)},
            deposits={"usdt": Decimal(100000)},
            corrections={},
            funding={},
            fees={"usdt": Decimal(7)},
        ),
        positions=[BTC, ETH],
        prices=prices,
        marks={},
    )


def test_all_prices_known() -> None:
    worth = valued({"btc": Decimal(61000)})
    assert worth.equity == Decimal(100500)
    assert worth.unrealized_pnl == Decimal(500)
    assert worth.realized_pnl == Decimal(12)
    assert worth.net_deposits == Decimal(100000)
    assert worth.fees == Decimal(7)
    assert worth.missing_prices == []


def test_a_held_asset_without_a_price() -> None:
    worth = valued({})
    assert worth.equity is None
    assert worth.unrealized_pnl is None
    assert worth.missing_prices == ["btc"]
    assert [holding.value for holding in worth.holdings] == [None, None, Decimal(70000)]
