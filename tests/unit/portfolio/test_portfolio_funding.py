"""The shares of a funding payment sum to it, exactly, and go by what each strategy held."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.decimals import MAX_DIGITS
from services.portfolio.domain.funding import split

amounts = st.decimals("-100000", "100000", places=8).filter(bool)
held = st.dictionaries(
    st.sampled_from(["", "sma", "grid", "maker", "carry"]), st.decimals("-5000", "5000", places=3)
)
STEP = Fraction(1, 10**18)


@given(amounts, held)
def test_shares_sum_to_the_payment(amount: Decimal, contracts: dict[str, Decimal]) -> None:
    shares = split(amount, contracts)
    assert sum(map(Fraction, shares.values())) == Fraction(amount)
    assert all(share != 0 and len(share.as_tuple().digits) <= MAX_DIGITS for share in shares.values())


@given(amounts, held)
def test_a_share_is_the_payment_for_its_contracts(amount: Decimal, contracts: dict[str, Decimal]) -> None:
    whole = sum(map(Fraction, contracts.values()))
    shares = split(amount, contracts)
    if whole == 0:
        assert shares == {"": amount}
        return
    for name, quantity in contracts.items():
        exact = Fraction(amount) * Fraction(quantity) / whole
        assert abs(Fraction(shares.get(name, Decimal(0))) - exact) <= STEP * len(contracts)


@pytest.mark.parametrize("contracts", [{}, {"sma": Decimal(3), "grid": Decimal(-3)}, {"sma": Decimal(0)}])
def test_where_nothing_was_held_it_is_no_strategys(contracts: dict[str, Decimal]) -> None:
    assert split(Decimal("-0.25"), contracts) == {"": Decimal("-0.25")}


def test_who_held_all_bears_all() -> None:
    assert split(Decimal("-0.25"), {"sma": Decimal(7), "grid": Decimal(0)}) == {"sma": Decimal("-0.25")}
