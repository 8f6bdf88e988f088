"""What is set aside: never below zero, never left over, the most of a group, in any order of reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.risk.domain.account import AccountState, needs_of
from services.risk.domain.order import Side
from services.risk.domain.reservation import Claim, Reservation
from services.risk.domain.traded import ZERO
from tests.support.risk import BTC, pending

amounts = st.decimals("0.001", "3", places=3)


@dataclass(frozen=True)
class Report:
    """Something the exchange said of an order."""

    order_id: str
    filled: Decimal
    ended: bool


@st.composite
def reservations(draw: Callable[..., object]) -> list[Reservation]:
    """Orders, some of them in groups."""
    made = []
    for number in range(draw(st.integers(1, 6))):  # type: ignore[call-overload]
        side = draw(st.sampled_from(Side))
        group = draw(st.sampled_from(["", "g", "h"]))
        price = draw(st.sampled_from(["100", "250.5"]))
        made.append(pending(f"o{number}", side, str(draw(amounts)), str(price), str(group)))  # type: ignore[arg-type]
    return made


@st.composite
def told(draw: Callable[..., object]) -> tuple[list[Reservation], list[Report]]:
    """Orders, and what the exchange says of them: fills that only grow, and perhaps an end."""
    orders: list[Reservation] = draw(reservations())  # type: ignore[assignment]
    reports = []
    for each in orders:
        shares: list[int] = draw(st.lists(st.integers(0, 10), max_size=3))  # type: ignore[assignment]
        parts = [each.quantity * share / 10 for share in sorted(shares)]
        reports += [Report(each.order_id, part, ended=False) for part in parts]
        if draw(st.booleans()):
            reports.append(Report(each.order_id, parts[-1] if parts else ZERO, ended=True))
    return orders, reports


def applied(orders: Sequence[Reservation], reports: Sequence[Report]) -> AccountState:
    state = AccountState()
    for order in orders:
        state = state.reserve(order)
    for report in reports:
        state = state.reported(report.order_id, report.filled, ended=report.ended)
        assert all(amount > 0 for amount in state.reserved.values())
        assert all(quantity > 0 for quantity in state.pending.values())
    return state


def sums(state: AccountState) -> object:
    return (
        {key: amount for key, amount in state.reserved.items() if amount},
        {key: amount for key, amount in state.pending.items() if amount},
        state.open_orders,
    )


@given(told())
def test_running_sums_are_the_sums_of_the_claims(story: tuple[list[Reservation], list[Report]]) -> None:
    state = applied(*story)
    needs = needs_of(state.claims.values())
    assert sums(state) == (
        {key: amount for key, amount in needs.reserved.items() if amount},
        {key: amount for key, amount in needs.pending.items() if amount},
        needs.open_orders,
    )
    again = AccountState.of({}, (), state.members())
    assert sums(again) == sums(state)


@given(told(), st.randoms())
def test_reports_in_any_order_and_twice_give_the_same(
    story: tuple[list[Reservation], list[Report]], random: Random
) -> None:
    orders, reports = story
    shuffled = [*reports, *random.choices(reports, k=len(reports))] if reports else []
    random.shuffle(shuffled)
    assert sums(applied(orders, shuffled)) == sums(applied(orders, reports))


@given(told())
def test_nothing_stays_when_all_orders_are_final(story: tuple[list[Reservation], list[Report]]) -> None:
    orders, reports = story
    ends = [Report(order.order_id, ZERO, ended=True) for order in orders]
    state = applied(orders, [*reports, *ends])
    assert (dict(state.reserved), dict(state.pending), dict(state.claims), dict(state.claim_of)) == (
        {},
        {},
        {},
        {},
    )
    assert state.open_orders == 0


@given(st.lists(amounts, min_size=1, max_size=5))
def test_a_group_sets_aside_what_its_neediest_member_needs(quantities: list[Decimal]) -> None:
    members = [pending(f"o{n}", Side.SELL, str(q), group="g") for n, q in enumerate(quantities)]
    state = applied(members, [])
    assert state.reserved["sim", "btc"] == max(quantities)
    assert state.pending[BTC, Side.SELL] == max(quantities)
    assert state.open_orders == len(quantities)


@given(amounts, amounts, st.integers(0, 10), st.integers(0, 10))
def test_what_one_member_fills_the_others_lose(one: Decimal, other: Decimal, first: int, second: int) -> None:
    legs = [pending("a", Side.SELL, str(one), group="g"), pending("b", Side.SELL, str(other), group="g")]
    fills = one * first / 10, other * second / 10
    state = applied(legs, [Report("a", fills[0], ended=False), Report("b", fills[1], ended=False)])
    left = max(ZERO, max(one, other) - sum(fills))
    assert state.reserved.get(("sim", "btc"), ZERO) == left
    ended = state.reported("a", fills[0], ended=True)
    assert ended.reserved.get(("sim", "btc"), ZERO) == max(ZERO, other - sum(fills))


def test_what_a_group_filled_before_a_member_joined_does_not_count_against_it() -> None:
    old = pending("a", Side.SELL, "1", group="g")
    state = applied([old], [Report("a", Decimal("0.4"), ended=False)])
    state = state.reserve(pending("b", Side.SELL, "0.6", group="g"))
    assert state.reserved["sim", "btc"] == Decimal("0.6")
    state = state.reported("a", Decimal("0.5"), ended=True)
    assert state.reserved["sim", "btc"] == Decimal("0.5")


def test_an_order_that_takes_the_place_of_a_single_one_shares_its_claim() -> None:
    """The group of a replacement is the id of the first order it goes back to."""
    state = applied([pending("a", Side.SELL, "1")], [Report("a", Decimal("0.3"), ended=False)])
    state = state.reserve(pending("b", Side.SELL, "0.9", group="a"))
    assert state.reserved["sim", "btc"] == Decimal("0.9")
    assert state.open_orders == 2
    state = state.reported("a", Decimal("0.4"), ended=True)
    assert state.reserved["sim", "btc"] == Decimal("0.8")
    assert AccountState.of({}, (), state.members()).reserved == state.reserved
    state = state.reported("b", Decimal("0.8"), ended=True)
    assert (dict(state.reserved), dict(state.claims)) == ({}, {})


def test_a_claim_of_nobody_is_over() -> None:
    assert Claim().over
