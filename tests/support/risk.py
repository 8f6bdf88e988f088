"""Orders, accounts and questions for the tests of risk's rules."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState, Position
from services.risk.domain.checks import Check, run
from services.risk.domain.limits import Limits
from services.risk.domain.order import OrderTerms, Quote, Side
from services.risk.domain.question import Market, Question
from services.risk.domain.reservation import Reservation
from services.risk.domain.traded import ONE, Contract, Rules, Traded
from services.risk.domain.trading import TradingMode, TradingState

NOW = datetime(2024, 8, 8, tzinfo=UTC)
BTC = InstrumentName("sim", "btc-usdt")
ETH = InstrumentName("sim", "eth-usdt")
PERP = InstrumentName("sim", "btc-usdt-perp")
LINEAR = Contract(Decimal("0.01"), "usdt", inverse=False)
INVERSE = Contract(Decimal(100), "btc", inverse=True)
TRADED = {
    BTC: Traded(BTC, "btc", "usdt"),
    ETH: Traded(ETH, "eth", "usdt"),
    PERP: Traded(PERP, "btc", "usdt", LINEAR),
}
LIMITS = Limits(
    max_order_notional=Decimal(10_000),
    max_position_notional=Decimal(20_000),
    max_gross_notional=Decimal(25_000),
    price_collar=Decimal("0.05"),
    max_open_orders=3,
    version=1,
    update_time=NOW,
)
NO_LIMITS = replace(
    LIMITS, max_order_notional=None, max_position_notional=None, max_gross_notional=None, max_open_orders=0
)
RULES = Rules(
    base="btc",
    quote="usdt",
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(5),
)
QUOTES = {
    BTC: Quote(Decimal(59_990), Decimal(60_010)),
    ETH: Quote(Decimal(2_499), Decimal(2_501)),
    PERP: Quote(Decimal(59_990), Decimal(60_010)),
}
MARKET = Market(
    rules={BTC: RULES, ETH: replace(RULES, base="eth"), PERP: replace(RULES, lot=ONE, min_quantity=ONE)},
    quotes=QUOTES,
    rates={"usdt": ONE, "btc": Decimal(60_000), "eth": Decimal(2_500)},
)
RICH = AccountState({("sim", "usdt"): Decimal(1_000_000), ("sim", "btc"): Decimal(10)})


def order(
    side: Side = Side.BUY, quantity: str = "0.1", price: str | None = "60000", **more: Any
) -> OrderTerms:
    """An order; of bitcoin at a limit where the test says nothing else."""
    more.setdefault("instrument", BTC)
    return OrderTerms(
        account="paper",
        side=side,
        quantity=Decimal(quantity),
        limit_price=None if price is None else Decimal(price),
        **more,
    )


def question(
    asked: OrderTerms,
    state: AccountState = RICH,
    limits: Limits = LIMITS,
    mode: TradingMode = TradingMode.ACTIVE,
    **more: Any,
) -> Question:
    """A question about an order, with an account that can pay for it where the test says nothing else."""
    return Question(
        order_id="asked",
        order=asked,
        limits=limits,
        trading=TradingState(mode, "maintenance", NOW),
        state=state,
        fee_rate=Decimal("0.001"),
        **{"market": MARKET, **more},
    )


def last(asked: Question) -> Check:
    """The check that decided."""
    return run(asked)[-1]


def pending(
    order_id: str, side: Side = Side.BUY, quantity: str = "0.1", price: str = "60000", group: str = ""
) -> Reservation:
    """What a pending order of bitcoin sets aside."""
    buy = side is Side.BUY
    return Reservation(
        order_id,
        "paper",
        TRADED[BTC],
        side,
        Decimal(quantity),
        "usdt" if buy else "btc",
        Decimal(price) if buy else ONE,
        group=group,
    )


def holding(state: AccountState, *reservations: Reservation, **positions: str) -> AccountState:
    """The account with pending orders, and positions by base asset or ``perp``."""
    for reservation in reservations:
        state = state.reserve(reservation)
    names = {"btc": BTC, "eth": ETH, "perp": PERP}
    held = {
        names[key]: Position(TRADED[names[key]], Decimal(quantity)) for key, quantity in positions.items()
    }
    return replace(state, positions={**state.positions, **held})
