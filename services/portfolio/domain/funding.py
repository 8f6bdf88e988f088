"""How a funding payment is shared by the strategies that held the position.

A venue pays funding on the position of the account at one moment: so much for each contract, with the sign
of the position. So each strategy's share is its own contracts then, with their sign: one that was short while
the account was long gets money where the others pay.

Shares are rounded half-even to 18 places, or to 30 digits of the largest where that is coarser. What rounding
leaves goes to the strategy with the most contracts, so that the shares always sum to the payment, exactly.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from services.kernel.decimals import EXACT, MAX_DIGITS

ZERO = Decimal(0)
_PLACES = 18
_DIGITS = 30
_ROUNDING = Context(prec=400, rounding=ROUND_HALF_EVEN)


def split(amount: Decimal, contracts: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """The shares of a payment, by strategy. They sum to it, and none is zero.

    Args:
        amount: of the payment; not zero.
        contracts: what each strategy held, below zero where it was short; the empty strategy for what no
            strategy ordered. Where they sum to zero, nobody knows whose the payment is: no strategy's.
    """
    whole = ZERO
    for held in contracts.values():
        whole = EXACT.add(whole, held)
    if whole == ZERO:
        return {"": amount}
    shares = {name: _share(amount, held, whole) for name, held in contracts.items() if held != ZERO}
    step = Decimal((0, (1,), max(-_PLACES, max(share.adjusted() for share in shares.values()) - _DIGITS + 1)))
    shares = {name: share.quantize(step, context=_ROUNDING) for name, share in shares.items()}
    left = amount
    for share in shares.values():
        left = EXACT.subtract(left, share)
    most = max(shares, key=lambda name: (contracts[name].copy_abs(), name))
    shares[most] = EXACT.add(shares[most], left)
    if any(len(share.as_tuple().digits) > MAX_DIGITS for share in shares.values()):
        return {"": amount}  # no amount of money is that long
    return {name: share for name, share in shares.items() if share != ZERO}


def _share(amount: Decimal, held: Decimal, whole: Decimal) -> Decimal:
    return _ROUNDING.divide(_ROUNDING.multiply(amount, held), whole)
