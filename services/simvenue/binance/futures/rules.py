"""The rules of each perpetual, as ``exchangeInfo`` tells them and as orders are held against them."""

from decimal import Decimal
from typing import Any, Final

from services.kernel.decimals import EXACT, render
from services.simvenue.binance.errors import BinanceError
from services.simvenue.binance.futures.errors import too_precise
from services.simvenue.binance.wire import asset
from services.simvenue.domain.instrument import Instrument, Perpetual
from services.simvenue.domain.terms import SelfTrade

ORDER_TYPES: Final = ("LIMIT", "MARKET")
CONDITIONAL_TYPES: Final = (
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
)
TIMES_IN_FORCE: Final = ("GTC", "IOC", "FOK", "GTX")
SELF_TRADE_MODES: Final = tuple(mode.name for mode in SelfTrade)

_HIGHEST_PRICE: Final = Decimal(1_000_000)
_OPEN_ORDERS: Final = 200
_ASSET_PRECISION: Final = 8
_NO_DELIVERY: Final = 4_133_404_800_000
"""The time of delivery that Binance gives its perpetuals."""


def terms_of(instrument: Instrument) -> Perpetual:
    """What makes an instrument a perpetual; only those are listed here."""
    assert instrument.perpetual is not None  # noqa: S101 - the door lists nothing else
    return instrument.perpetual


def leverage_of(instrument: Instrument) -> int:
    """How much notional one unit of margin carries, rounded down."""
    return int(EXACT.divide_int(Decimal(1), terms_of(instrument).margin_rate))


def price_precision(instrument: Instrument) -> int:
    """Decimals that a price may have: one more than its tick, as Binance has it."""
    return _decimals(instrument.tick_size) + 1


def quantity_precision(instrument: Instrument) -> int:
    """Decimals that a quantity may have."""
    return _decimals(instrument.lot_size)


def check_precision(value: Decimal, precision: int) -> None:
    """Refuse an amount with more decimals than there may be.

    Raises:
        BinanceError: -1111.
    """
    if _decimals(value) > precision:
        raise too_precise()


def check_price(instrument: Instrument, price: Decimal) -> None:
    """Hold a price against the ends of PRICE_FILTER; its step is the venue's to check.

    Raises:
        BinanceError: -1111, -4002, -4013.
    """
    check_precision(price, price_precision(instrument))
    if price > _HIGHEST_PRICE:
        raise BinanceError(-4002, "Price greater than max price.")
    if price < instrument.tick_size:
        raise BinanceError(-4013, "Price less than min price.")


def symbol_json(instrument: Instrument) -> dict[str, Any]:
    """A symbol as ``exchangeInfo`` tells it."""
    terms = terms_of(instrument)
    hundred = Decimal(100)
    return {
        "symbol": instrument.venue_symbol,
        "pair": instrument.venue_symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _NO_DELIVERY,
        "onboardDate": 0,
        "status": "TRADING",
        "maintMarginPercent": render(EXACT.multiply(terms.maintenance_rate, hundred)),
        "requiredMarginPercent": render(EXACT.multiply(terms.margin_rate, hundred)),
        "baseAsset": asset(instrument.base),
        "quoteAsset": asset(instrument.quote),
        "marginAsset": asset(instrument.quote),
        "pricePrecision": price_precision(instrument),
        "quantityPrecision": quantity_precision(instrument),
        "baseAssetPrecision": _ASSET_PRECISION,
        "quotePrecision": _ASSET_PRECISION,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "liquidationFee": render(terms.liquidation_fee_rate),
        "filters": _filters(instrument),
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": list(TIMES_IN_FORCE),
    }


def bracket_json(instrument: Instrument) -> dict[str, Any]:
    """The one bracket of leverage that a symbol has."""
    return {
        "symbol": instrument.venue_symbol,
        "notionalCoef": 1,
        "brackets": [
            {
                "bracket": 1,
                "initialLeverage": leverage_of(instrument),
                "notionalCap": render(_most_notional(instrument)),
                "notionalFloor": 0,
                "maintMarginRatio": render(terms_of(instrument).maintenance_rate),
                "cum": 0,
            }
        ],
    }


def most_notional(instrument: Instrument) -> str:
    """The largest notional of a position, as it is told; nobody checks it."""
    return render(_most_notional(instrument))


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, lot = render(instrument.tick_size), render(instrument.lot_size)
    sizes = {
        "minQty": render(instrument.min_quantity),
        "maxQty": render(instrument.max_quantity),
        "stepSize": lot,
    }
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": render(_HIGHEST_PRICE),
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", **sizes},
        {"filterType": "MARKET_LOT_SIZE", **sizes},
        {"filterType": "MAX_NUM_ORDERS", "limit": _OPEN_ORDERS},
        {"filterType": "MIN_NOTIONAL", "notional": render(instrument.min_notional)},
    ]


def _most_notional(instrument: Instrument) -> Decimal:
    return EXACT.multiply(_HIGHEST_PRICE, instrument.max_quantity)


def _decimals(value: Decimal) -> int:
    return len(render(value).partition(".")[2])
