"""Money that moved at a venue behind ccxt other than by a trade, from its lists and journals."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from services.exchange.domain.fills import TransferKind
from services.exchange.venues.ccxt_convert import Raw, number
from services.kernel.decimals import EXACT

_OF_TRADES: Final = frozenset({"COMMISSION", "REALIZED_PNL", "TRADE"})
"""Entries of a contract account's journal that fills tell already."""
_KINDS: Final[Mapping[str, TransferKind]] = {
    # Binance: incomeType of "Get Income History".
    "FUNDING_FEE": TransferKind.FUNDING,
    "INSURANCE_CLEAR": TransferKind.CORRECTION,
    # Bybit: type of "Get Transaction Log".
    "SETTLEMENT": TransferKind.FUNDING,
}
"""Why money moved, by the venues' words; what is not here is a deposit or withdrawal by its sign."""


class Moved(NamedTuple):
    """A transfer.

    Attributes:
        transfer_id: unique in the account.
        code: ccxt's code of the asset.
        amount: above zero came in, below zero left.
        time_ms: milliseconds since the epoch.
        kind: why, where the venue's word for it is known.
        symbol: the venue's own symbol of a funding payment; empty otherwise.
    """

    transfer_id: str
    code: str
    amount: Decimal
    time_ms: Any
    kind: TransferKind = TransferKind.UNSPECIFIED
    symbol: str = ""


def moved_in_or_out(kind: str, told: Raw, sign: int) -> Moved:
    """An entry of a list of deposits (sign 1) or withdrawals (sign -1), whose fee left, too."""
    amount, fee = number(told["amount"]), told.get("fee") or {}
    if sign < 0 and fee.get("cost") and fee.get("currency") == told["currency"]:
        amount = EXACT.add(amount, number(fee["cost"]))
    return Moved(f"{kind}:{told['id']}", told["currency"], amount * sign, told["timestamp"])


def not_of_trades(entries: Sequence[Raw], key: str) -> Sequence[Raw]:
    """Entries of a journal that no fill tells; ``key`` is where the venue says why."""
    return [each for each in entries if each["info"].get(key) not in _OF_TRADES]


def journal_entry(told: Raw, kind: Any) -> Moved:
    """An entry of a journal; ``kind`` is the venue's word for why."""
    amount = number(told["amount"])
    signed = amount.copy_negate() if told["direction"] == "out" else amount
    why = _KINDS.get(str(kind), TransferKind.UNSPECIFIED)
    return Moved(
        f"{str(kind).lower()}:{told['id']}:{told['currency']}",
        told["currency"],
        signed,
        told["timestamp"],
        why,
        str(told["info"].get("symbol") or "") if why is TransferKind.FUNDING else "",
    )
