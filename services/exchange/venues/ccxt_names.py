"""Our ids of instruments and assets, and ccxt's unified symbols of them.

ccxt writes spot as ``BTC/USDT`` and a perpetual as ``BTC/USDT:USDT``, where the part behind the colon is
the asset that is settled in (ccxt manual, "Contract naming conventions"). We write ``btc-usdt`` and
``btc-usdt-perp``; which of the two assets a perpetual settles in is part of its contract, not its id.
"""

import re
from typing import Final

from services.exchange.domain.assets import Assets

_PERPETUAL: Final = "-perp"
_ID: Final = re.compile(r"([a-z0-9]+)-([a-z0-9]+)(-perp)?")
_SYMBOL: Final = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+)(?::([A-Z0-9]+))?")


def symbols_of(instrument: str) -> tuple[str, ...]:
    """The unified symbols that an instrument id may stand for, the likelier first.

    Raises:
        ValueError: it is no id of a spot pair or a perpetual.
    """
    match = _ID.fullmatch(instrument)
    if match is None:
        raise ValueError(f"not the id of a spot pair or a perpetual: {instrument!r}")
    base, quote = match[1].upper(), match[2].upper()
    if match[3] is None:
        return (f"{base}/{quote}",)
    return (f"{base}/{quote}:{quote}", f"{base}/{quote}:{base}")


def instrument_of(symbol: str) -> str:
    """Our id of a unified symbol.

    Raises:
        ValueError: it is neither spot nor a perpetual (a dated contract or an option has more parts).
    """
    match = _SYMBOL.fullmatch(symbol)
    if match is None:
        raise ValueError(f"neither spot nor a perpetual: {symbol!r}")
    base, quote, settle = match.groups()
    return f"{base}-{quote}{_PERPETUAL if settle else ''}".lower()


def assets_of(symbol: str) -> Assets:
    """What a unified symbol trades for what.

    Raises:
        ValueError: it is neither spot nor a perpetual.
    """
    base, quote = instrument_of(symbol).removesuffix(_PERPETUAL).split("-")
    return Assets(base, quote)
