"""The error codes of each venue, as far as they are its definite word.

Sources: "Error codes for Binance" of the spot API and of USD-M futures (developers.binance.com), "Error
Codes" of Bybit's API v5 (bybit-exchange.github.io/docs/v5/error), and "Response and Reason Codes" of the
Crypto.com Exchange API v1. Codes that say "unknown", "timeout" or "internal error" are left out on
purpose: they prove nothing about the order.
"""

from collections.abc import Iterable
from typing import Final

from services.exchange.venues.ccxt_errors import Codes, Meaning, Ruling

_INSUFFICIENT: Final = "INSUFFICIENT_BALANCE"
_POST_ONLY: Final = "POST_ONLY_WOULD_TRADE"
_OFF_TICK: Final = "PRICE_OFF_TICK"
_OFF_LOT: Final = "QUANTITY_OFF_LOT"
_TOO_SMALL: Final = "QUANTITY_TOO_SMALL"
_TOO_LARGE: Final = "QUANTITY_TOO_LARGE"
_NOTIONAL: Final = "NOTIONAL_TOO_SMALL"
_RANGE: Final = "PRICE_OUT_OF_RANGE"
_SYMBOL: Final = "UNKNOWN_SYMBOL"
_INVALID: Final = "INVALID_REQUEST"
_CLOSED: Final = "MARKET_CLOSED"
_TOO_MANY_OPEN: Final = "TOO_MANY_OPEN_ORDERS"
_REDUCE: Final = "REDUCE_ONLY"
_NOT_ALLOWED: Final = "NOT_ALLOWED"
_FILL_OR_KILL: Final = "FILL_OR_KILL"
_REFUSED: Final = "REFUSED_BY_VENUE"


def _refused(reason: str, *codes: int) -> Codes:
    return {str(code): (Ruling(Meaning.REFUSED, reason),) for code in codes}


def _means(meaning: Meaning, codes: Iterable[int]) -> Codes:
    return {str(code): (Ruling(meaning),) for code in codes}


BINANCE: Final[Codes] = {
    "-2010": (
        Ruling(Meaning.DUPLICATE, words="duplicate order"),
        Ruling(Meaning.REFUSED, _INSUFFICIENT, "insufficient balance"),
        Ruling(Meaning.REFUSED, _POST_ONLY, "immediately match"),
        Ruling(Meaning.REFUSED, _CLOSED, "market is closed"),
        Ruling(Meaning.REFUSED, _REFUSED),
    ),
    "-1013": (
        Ruling(Meaning.REFUSED, _RANGE, "percent_price"),
        Ruling(Meaning.REFUSED, _OFF_TICK, "price_filter"),
        Ruling(Meaning.REFUSED, _OFF_LOT, "lot_size"),
        Ruling(Meaning.REFUSED, _NOTIONAL, "notional"),
        Ruling(Meaning.REFUSED, _TOO_MANY_OPEN, "max_num"),
        Ruling(Meaning.REFUSED, _OFF_LOT, "quantity"),
        Ruling(Meaning.REFUSED, _OFF_TICK, "price"),
        Ruling(Meaning.REFUSED, _INVALID),
    ),
    "-1111": (
        Ruling(Meaning.REFUSED, _OFF_TICK, "price"),
        Ruling(Meaning.REFUSED, _OFF_LOT, "quantity"),
        Ruling(Meaning.REFUSED, _OFF_LOT),
    ),
    # The matching engine did not get to it: it is closed, or there is none, or it is too old.
    "-2011": (Ruling(Meaning.NOT_OPEN),),
    "-2013": (Ruling(Meaning.ABSENT),),
    "-4116": (Ruling(Meaning.DUPLICATE),),
    **_refused(_SYMBOL, -1121),
    **_refused(_INVALID, *range(-1108, -1099), -1112, *range(-1120, -1113), -1128, -1130, -1131, -1145),
    **_refused(_INSUFFICIENT, -2018, -2019),
    **_refused(_REFUSED, -2020, -2021, -2025, -2027, -4118, -4131),
    **_refused(_REDUCE, -2022),
    **_refused(_TOO_SMALL, -4003, -4004),
    **_refused(_TOO_LARGE, -4005),
    **_refused(_RANGE, -4001, -4002, -4013, -4016, -4024),
    **_refused(_OFF_TICK, -4014),
    **_refused(_OFF_LOT, -4023),
    **_refused(_NOTIONAL, -4164),
    **_refused(_FILL_OR_KILL, -5021),
    **_refused(_POST_ONLY, -5022),
    # Turned away at the door: key, signature, clock, permission, overload before the engine.
    **_means(Meaning.NOT_SENT, (-1002, -1008, -1020, -1021, -1022, -2014, -2015)),
    **_means(Meaning.THROTTLED, (-1003, -1015, -1034)),
}
"""Spot and USD-M futures. -1000, -1001, -1006 and -1007 say that the outcome is not known."""

BYBIT: Final[Codes] = {
    **_refused(_INVALID, 10001, 110032, 170105, 170115, 170116, 170117, 170130, 170202),
    **_refused(_SYMBOL, 10029, 170121),
    **_refused(
        _INSUFFICIENT,
        *(110004, 110006, 110007, 110012, 110014, 110044, 110045, 110051, 110052, 110053),
        *(170033, 170131),
    ),
    **_refused(_RANGE, 110003, 170132, 170133, 170192, 170193, 170194),
    **_refused(_REDUCE, 110017, 110023),
    **_refused(_TOO_MANY_OPEN, 110009, 110020),
    **_refused(_NOTIONAL, 110094, 170140),
    **_refused(_OFF_TICK, 170134),
    **_refused(_TOO_LARGE, 170124, 170135),
    **_refused(_TOO_SMALL, 170136),
    **_refused(_OFF_LOT, 170137, 170148),
    **_refused(_POST_ONLY, 170218),
    **_refused(_CLOSED, 110066, 170151, 170157),
    **_refused(_NOT_ALLOWED, 10024, 10027, 170201),
    **_means(Meaning.DUPLICATE, (110030, 110072, 170141)),
    **_means(Meaning.NOT_OPEN, (110001, 110008, 110010, 170139, 170142, 170143, 170190, 170213)),
    **_means(Meaning.NOT_SENT, (10002, 10003, 10004, 10005, 10007, 10008, 10009, 10010, 10020, 10028)),
    **_means(Meaning.THROTTLED, (10006, 10018, 10429, 170005)),
}
"""10000, 10016, 170001, 170007, 170032, 170146, 170147 and 170149 prove nothing."""

CRYPTOCOM: Final[Codes] = {
    **_refused(_INVALID, 213, 30004, 30005, 30009, 30010, 40001, 40002, 40003, 40004, 40005, 40006),
    **_refused(_INSUFFICIENT, 306, 20002),
    **_refused(_TOO_LARGE, 314, 30024),
    **_refused(_RANGE, 315, 30013, 30014),
    **_refused(_TOO_SMALL, 415, 30023),
    **_refused(_OFF_TICK, 30016),
    **_refused(_NOTIONAL, 30017),
    **_refused(_SYMBOL, 30003),
    **_refused(_CLOSED, 30006),
    **_refused(_POST_ONLY, 43005),
    **_refused(_FILL_OR_KILL, 43003),
    **_means(Meaning.DUPLICATE, (204,)),
    **_means(Meaning.NOT_OPEN, (40401, 212)),
    **_means(Meaning.NOT_SENT, (10002, 10003, 10005, 10007, 40101, 40102, 40103, 40104, 9010001)),
    **_means(Meaning.THROTTLED, (10006, 42901)),
}
"""10001 (system error), 40801 (request timeout) and 50001 (internal error) prove nothing."""
