"""The rules of each symbol, as ``exchangeInfo`` tells them and as orders are held against them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from services.kernel.decimals import EXACT, is_multiple
from services.simvenue.binance.errors import bad_symbol, filter_failure, rejected
from services.simvenue.binance.wire import ZERO, amount, asset
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.terms import SelfTrade

ORDER_TYPES: Final = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT")
SELF_TRADE_MODES: Final = tuple(mode.name for mode in SelfTrade)

_HIGHEST_PRICE: Final = Decimal(1_000_000)
_OPEN_ORDERS: Final = 200
_ICEBERG_PARTS: Final = 10
_ASSET_PRECISION: Final = 8


class Symbols:
    """All symbols, in Binance's spelling.

    Args:
        instruments: what the venue lists.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._instruments = {each.venue_symbol: each for each in instruments}
        self._names = {each.symbol: each.venue_symbol for each in self._instruments.values()}

    def find(self, symbol: str) -> Instrument:
        """The instrument of a symbol.

        Raises:
            BinanceError: -1121.
        """
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise bad_symbol()
        return instrument

    def has(self, symbol: str) -> bool:
        """Whether there is such a symbol."""
        return symbol in self._instruments

    def name(self, symbol: str) -> str:
        """Binance's spelling of an instrument's id: ``btc-usdt`` is ``BTCUSDT``."""
        return self._names[symbol]

    def lists(self, symbol: str) -> bool:
        """Whether an instrument's id is one of these: ``btc-usdt``."""
        return symbol in self._names

    def all(self) -> list[Instrument]:
        """All instruments, by symbol."""
        return [self._instruments[name] for name in sorted(self._instruments)]

    def currencies(self) -> list[str]:
        """Every currency that is traded, in the venue's spelling."""
        return sorted({each for item in self.all() for each in (item.base, item.quote)})


def symbol_json(instrument: Instrument) -> dict[str, Any]:
    """A symbol as ``exchangeInfo`` tells it."""
    return {
        "symbol": instrument.venue_symbol,
        "status": "TRADING",
        "baseAsset": asset(instrument.base),
        "baseAssetPrecision": _ASSET_PRECISION,
        "quoteAsset": asset(instrument.quote),
        "quotePrecision": _ASSET_PRECISION,
        "quoteAssetPrecision": _ASSET_PRECISION,
        "baseCommissionPrecision": _ASSET_PRECISION,
        "quoteCommissionPrecision": _commission_precision(instrument),
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(instrument),
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": SelfTrade.EXPIRE_TAKER.name,
        "allowedSelfTradePreventionModes": list(SELF_TRADE_MODES),
    }


def check_price(instrument: Instrument, price: Decimal) -> None:
    """Hold a price against PRICE_FILTER."""
    if not instrument.tick_size <= price <= _HIGHEST_PRICE or not is_multiple(price, instrument.tick_size):
        raise filter_failure("PRICE_FILTER")


def check_quantity(instrument: Instrument, quantity: Decimal, *, market: bool = False) -> None:
    """Hold a quantity against LOT_SIZE and, for a market order, MARKET_LOT_SIZE."""
    if quantity > instrument.max_quantity and market:
        raise filter_failure("MARKET_LOT_SIZE")
    inside = instrument.min_quantity <= quantity <= instrument.max_quantity
    if not inside or not is_multiple(quantity, instrument.lot_size):
        raise filter_failure("LOT_SIZE")


def check_notional(instrument: Instrument, price: Decimal, quantity: Decimal) -> None:
    """Hold price times quantity against NOTIONAL."""
    notional = EXACT.multiply(price, quantity)
    if not instrument.min_notional <= notional <= _most_notional(instrument):
        raise filter_failure("NOTIONAL")


def check_iceberg(instrument: Instrument, quantity: Decimal, shown: Decimal) -> None:
    """Hold the shown part of an iceberg order against LOT_SIZE and ICEBERG_PARTS."""
    if shown > quantity:
        raise rejected("IcebergQty exceeds QTY.")
    check_quantity(instrument, shown)
    whole, rest = EXACT.divmod(quantity, shown)
    if whole + (1 if rest else 0) > _ICEBERG_PARTS:
        raise filter_failure("ICEBERG_PARTS")


def check_open_orders(count: int) -> None:
    """Hold the number of an account's open orders of one symbol against MAX_NUM_ORDERS."""
    if count >= _OPEN_ORDERS:
        raise filter_failure("MAX_NUM_ORDERS")


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, lot = amount(instrument.tick_size), amount(instrument.lot_size)
    least, most = amount(instrument.min_quantity), amount(instrument.max_quantity)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": amount(_HIGHEST_PRICE),
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": lot},
        {"filterType": "ICEBERG_PARTS", "limit": _ICEBERG_PARTS},
        {"filterType": "MARKET_LOT_SIZE", "minQty": ZERO, "maxQty": most, "stepSize": ZERO},
        {
            "filterType": "NOTIONAL",
            "minNotional": amount(instrument.min_notional),
            "applyMinToMarket": True,
            "maxNotional": amount(_most_notional(instrument)),
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": _OPEN_ORDERS},
    ]


def _most_notional(instrument: Instrument) -> Decimal:
    return EXACT.multiply(_HIGHEST_PRICE, instrument.max_quantity)


def _commission_precision(instrument: Instrument) -> int:
    """Decimals of an exact fee: those of price, quantity and rate together."""
    smallest = EXACT.multiply(instrument.tick_size, instrument.lot_size)
    rates = (instrument.maker_fee_rate, instrument.taker_fee_rate)
    exponents = (EXACT.multiply(smallest, rate).as_tuple().exponent for rate in rates)
    return max(_ASSET_PRECISION, *(-exponent for exponent in exponents if isinstance(exponent, int)))
