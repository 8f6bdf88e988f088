"""The equity curve: growth is what trading made, whatever money came and went."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.names import InstrumentName
from services.portfolio.domain.equity import STEP, Cause, EquityPoint, Linked, next_point
from services.portfolio.domain.prices import Pair, price_along, routes
from services.portfolio.domain.valuation import Balances, Valuation, value

NOON = datetime(2024, 8, 8, 12, tzinfo=UTC)


def worth(equity: Decimal | None, missing: tuple[str, ...] = ()) -> Valuation:
    """A valuation of which only equity and what is missing matter."""
    zero = Decimal(0)
    return Valuation(
        "usdt",
        (),
        equity,
        zero,
        zero,
        zero,
        zero,
        zero,
        zero,
        missing,
        {"usdt": Decimal(1), "btc": Decimal(100)},
    )


def point(
    last: EquityPoint | None, equity: str | Decimal | None, put_in: dict[str, Decimal], missing: str = ""
) -> EquityPoint:
    amount = None if equity is None else Decimal(equity)
    return next_point(
        last,
        worth(amount, (missing,) if missing else ()),
        put_in,
        time=NOON if last is None else last.time + timedelta(minutes=1),
        cause=Cause.INTERVAL,
    )


def linked(found: EquityPoint) -> Linked:
    assert found.linked is not None
    return found.linked


returns = st.decimals("-0.9", "2", places=3)
flows = st.decimals("-50", "500", places=2)


@given(st.lists(st.tuples(returns, flows), max_size=25))
def test_growth_is_the_product_of_returns_whatever_flows(history: list[tuple[Decimal, Decimal]]) -> None:
    put_in = Decimal(1000)
    equity = put_in
    last = point(None, equity, {"usdt": put_in})
    growth, peak, worst = Fraction(1), Fraction(1), Fraction(0)
    for earned, flow in history:
        if equity * (1 + earned) + flow <= 0:
            continue
        equity = equity * (1 + earned) + flow
        put_in += flow
        last = point(last, equity, {"usdt": put_in})
        growth *= 1 + Fraction(earned)
        peak = max(peak, growth)
        worst = max(worst, 1 - growth / peak)
        assert linked(last).net_flow == flow
    # Each step rounds by half of STEP, and later returns of at most 200 % enlarge it.
    tolerance = Fraction(STEP) * 3 ** len(history) * 2
    assert abs(Fraction(linked(last).growth) - growth) <= tolerance
    assert abs(Fraction(linked(last).max_drawdown) - worst) <= tolerance / peak + Fraction(STEP)


def test_a_deposit_in_another_asset_is_taken_out_at_its_price() -> None:
    first = point(None, "1000", {"usdt": Decimal(1000)})
    second = point(first, "1300", {"usdt": Decimal(1000), "btc": Decimal(2)})
    assert (linked(second).net_flow, linked(second).growth) == (Decimal(200), Decimal("1.1"))


def test_drawdown_is_measured_from_the_highest_growth() -> None:
    last: EquityPoint | None = None
    drawdowns = []
    for equity in ("100", "120", "90", "150", "135"):
        last = point(last, equity, {"usdt": Decimal(100)})
        drawdowns.append((linked(last).drawdown, linked(last).max_drawdown))
    quarter, tenth, zero = Decimal("0.25"), Decimal("0.1"), Decimal(0)
    assert drawdowns == [(zero, zero), (zero, zero), (quarter, quarter), (zero, quarter), (tenth, quarter)]


def test_a_missing_price_makes_an_incomplete_point_and_no_return() -> None:
    first = point(None, "100", {"usdt": Decimal(100)})
    gap = point(first, None, {"usdt": Decimal(100)}, missing="eth")
    assert (gap.linked, gap.missing_prices) == (None, ["eth"])
    after = point(first, "110", {"usdt": Decimal(100)})
    assert linked(after).growth == Decimal("1.1")


def test_a_flow_that_has_no_price_makes_an_incomplete_point() -> None:
    first = point(None, "100", {"usdt": Decimal(100)})
    found = point(first, "100", {"usdt": Decimal(100), "doge": Decimal(5)})
    assert (found.linked, found.missing_prices) == (None, ["doge"])


def test_who_lost_all_and_who_never_had_anything() -> None:
    first = point(None, "100", {"usdt": Decimal(100)})
    broke = point(first, "-20", {"usdt": Decimal(100)})
    assert (linked(broke).growth, linked(broke).drawdown) == (Decimal(0), Decimal(1))
    again = point(broke, "80", {"usdt": Decimal(200)})
    assert linked(again).growth == Decimal(0)
    empty = point(None, "0", {})
    funded = point(empty, "100", {"usdt": Decimal(100)})
    assert linked(funded).growth == Decimal(1)


def pair(base: str, quote: str) -> Pair:
    return Pair(InstrumentName("sim", f"{base}-{quote}"), base, quote)


def test_a_price_is_direct_turned_round_or_over_one_asset() -> None:
    pairs = [pair("btc", "usdt"), pair("eth", "btc"), pair("eur", "usdt")]
    marks = {
        p.instrument: price for p, price in zip(pairs, map(Decimal, ("60000", "0.05", "1.25")), strict=True)
    }

    def price(asset: str, into: str) -> Decimal | None:
        found = (price_along(route, marks) for route in routes(pairs, asset, into))
        return next((each for each in found if each is not None), None)

    assert price("btc", "usdt") == Decimal(60000)
    assert price("eth", "usdt") == Decimal(3000)
    assert price("usdt", "eur") == Decimal("0.8")
    assert price("btc", "eur") == Decimal(48000)
    assert price("eth", "eur") is None
    assert price("doge", "usdt") is None


@given(
    st.dictionaries(
        st.sampled_from(["btc", "eth", "usdt"]),
        st.tuples(*[st.decimals("-100", "100", places=4)] * 4),
        min_size=1,
    )
)
def test_the_parts_of_equity_add_up(amounts: dict[str, tuple[Decimal, Decimal, Decimal, Decimal]]) -> None:
    """Without positions: what is held is what came in, was put right and was funded, less fees."""
    worth = value(
        "usdt",
        balances=Balances(
            holdings={name: a + b + c - d for name, (a, b, c, d) in amounts.items()},
            deposits={name: each[0] for name, each in amounts.items()},
            corrections={name: each[1] for name, each in amounts.items()},
            funding={name: each[2] for name, each in amounts.items()},
            fees={name: each[3] for name, each in amounts.items()},
        ),
        positions=[],
        prices={"btc": Decimal("61234.5"), "eth": Decimal("3456.78")},
        marks={},
    )
    parts = (worth.net_deposits, worth.corrections, worth.funding, worth.fees)
    deposits, corrections, funding, fees = (part for part in parts if part is not None)
    assert worth.equity == deposits + corrections + funding - fees
