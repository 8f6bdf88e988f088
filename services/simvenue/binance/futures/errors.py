"""The futures' errors, where they are not those of spot.

Codes and texts are those of "Error codes" of the USD-M futures (developers.binance.com).
"""

from collections.abc import Mapping
from typing import Final

from services.kernel.errors import DomainError
from services.simvenue.binance.errors import BinanceError
from services.simvenue.binance.errors import of_domain as of_domain_at_spot

_OPEN_ORDERS: Final = 200

_REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "PRICE_OFF_TICK": (-4014, "Price not increased by tick size."),
    "QUANTITY_OFF_LOT": (-4023, "Qty not increased by step size."),
    "QUANTITY_TOO_SMALL": (-4004, "Quantity less than min quantity."),
    "QUANTITY_TOO_LARGE": (-4005, "Quantity greater than max quantity."),
    "INSUFFICIENT_BALANCE": (-2019, "Margin is insufficient."),
    "STOP_WOULD_TRIGGER": (-2021, "Order would immediately trigger."),
    "POST_ONLY_WOULD_TRADE": (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    "REDUCE_ONLY_REFUSED": (-2022, "ReduceOnly Order is rejected."),
    "DUPLICATE_CLIENT_ORDER_ID": (-4116, "ClientOrderId is duplicated."),
}


def of_domain(error: DomainError) -> BinanceError:
    """What Binance's futures would say where the venue says this."""
    if error.reason == "NOTIONAL_TOO_SMALL":
        least = error.metadata.get("minNotional", "")
        text = f"Order's notional must be no smaller than {least} (unless you choose reduce only)."
        return BinanceError(-4164, text)
    known = _REFUSALS.get(error.reason)
    return of_domain_at_spot(error) if known is None else BinanceError(*known)


def too_precise() -> BinanceError:
    """An amount has more decimals than the symbol's precision."""
    return BinanceError(-1111, "Precision is over the maximum defined for this asset.")


def check_open_orders(count: int) -> None:
    """Hold the number of an account's open orders of one symbol against MAX_NUM_ORDERS.

    Raises:
        BinanceError: -2025.
    """
    if count >= _OPEN_ORDERS:
        raise BinanceError(-2025, "Reach max open order limit.")
