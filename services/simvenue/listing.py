"""What the simulated venue lists, and how it behaves where nothing was recorded."""

from decimal import Decimal

from services.simvenue.domain.instrument import Instrument, Perpetual
from services.simvenue.drivers.participants import Profile

INSTRUMENTS = (
    Instrument(
        symbol="btc-usdt",
        venue_symbol="BTCUSDT",
        base="btc",
        quote="usdt",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        max_quantity=Decimal(9000),
        min_notional=Decimal(5),
        maker_fee_rate=Decimal("0.0008"),
        taker_fee_rate=Decimal("0.001"),
    ),
    Instrument(
        symbol="eth-usdt",
        venue_symbol="ETHUSDT",
        base="eth",
        quote="usdt",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        max_quantity=Decimal(9000),
        min_notional=Decimal(5),
        maker_fee_rate=Decimal("0.0008"),
        taker_fee_rate=Decimal("0.001"),
    ),
)

PERPETUALS = (
    Instrument(
        symbol="btc-usdt-perp",
        venue_symbol="BTCUSDT",
        base="btc",
        quote="usdt",
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(1000),
        min_notional=Decimal(50),
        maker_fee_rate=Decimal("0.0002"),
        taker_fee_rate=Decimal("0.0005"),
        perpetual=Perpetual(
            margin_rate=Decimal("0.1"),
            funding_rate=Decimal("0.0001"),
            maintenance_rate=Decimal("0.05"),
            liquidation_fee_rate=Decimal("0.0125"),
        ),
    ),
    Instrument(
        symbol="eth-usdt-perp",
        venue_symbol="ETHUSDT",
        base="eth",
        quote="usdt",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(10_000),
        min_notional=Decimal(20),
        maker_fee_rate=Decimal("0.0002"),
        taker_fee_rate=Decimal("0.0005"),
        perpetual=Perpetual(
            margin_rate=Decimal("0.1"),
            funding_rate=Decimal("0.0001"),
            maintenance_rate=Decimal("0.05"),
            liquidation_fee_rate=Decimal("0.0125"),
        ),
    ),
)
"""Listed where ``TRADEMESH_SIMVENUE_PERPETUALS`` asks for them."""

PROFILES = {
    "btc-usdt": Profile(
        fair_value=Decimal(60000),
        volatility=1.0e-4,
        half_spread=5.0e-5,
        level_size=Decimal("0.5"),
        taker_size=Decimal("0.2"),
    ),
    "eth-usdt": Profile(
        fair_value=Decimal(2500),
        volatility=1.2e-4,
        half_spread=6.0e-5,
        level_size=Decimal(8),
        taker_size=Decimal(3),
    ),
    "btc-usdt-perp": Profile(
        fair_value=Decimal(60000),
        volatility=1.0e-4,
        half_spread=5.0e-5,
        level_size=Decimal(1),
        taker_size=Decimal("0.4"),
    ),
    "eth-usdt-perp": Profile(
        fair_value=Decimal(2500),
        volatility=1.2e-4,
        half_spread=6.0e-5,
        level_size=Decimal(16),
        taker_size=Decimal(6),
    ),
}
