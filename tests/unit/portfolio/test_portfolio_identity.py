"""I4: whatever happened, equity is what came in, and what trading, funding and fees made of it. Exactly."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.decimals import EXACT
from services.kernel.names import AccountName, InstrumentName
from services.portfolio.domain.events import Contract, Correction, Event, Fill, Side, Transfer, TransferKind
from services.portfolio.domain.lots import LotMethod
from services.portfolio.domain.prices import Pair
from services.portfolio.domain.reconciliation import VenueSays
from services.portfolio.handlers import Queries, by_asset
from services.portfolio.ports import BooksReader, JournalLine, LedgerSum
from services.portfolio.rebuild import ReadModels, rebuild

NOON = datetime(2024, 8, 8, 12, tzinfo=UTC)
ASSETS = ("usdt", "btc", "bnb")
SPOT = ("btc-usdt", "btc", "usdt", None)
CROSS = ("bnb-btc", "bnb", "btc", None)
LINEAR = ("btc-usdt-perp", "btc", "usdt", Contract(Decimal("0.001"), "usdt", inverse=False))
INVERSE = ("btc-usd-perp", "btc", "usd", Contract(Decimal(100), "btc", inverse=True))
MARKS = {
    InstrumentName("sim", "btc-usdt"): Decimal("61234.5"),
    InstrumentName("sim", "bnb-btc"): Decimal("0.0095"),
    InstrumentName("sim", "btc-usdt-perp"): Decimal("61240.25"),
    InstrumentName("sim", "btc-usd-perp"): Decimal("61199.5"),
}


def filled(
    what: tuple[str, str, str, Contract | None],
    side: Side,
    quantity: Decimal,
    price: Decimal,
    fee: tuple[Decimal, str],
    strategy: str,
) -> Fill:
    name, base, quote, contract = what
    amount, fee_asset = fee
    return Fill(
        "fill",
        "paper",
        "sim",
        name,
        base,
        quote,
        side,
        price,
        quantity,
        amount,
        fee_asset,
        NOON,
        strategy,
        contract,
    )


def moved(asset: str, amount: Decimal, kind: TransferKind) -> Transfer:
    shared = kind is TransferKind.FUNDING
    return Transfer("transfer", "paper", "sim", asset, amount, NOON, kind, "btc-usdt-perp", shared)


def corrected(asset: str, amount: Decimal) -> Correction:
    return Correction("correction", "paper", "sim", asset, amount, NOON, "a test")


amounts = st.decimals("-5000", "5000", places=6)
events = st.one_of(
    st.builds(
        filled,
        st.sampled_from([SPOT, CROSS, LINEAR, INVERSE]),
        st.sampled_from(Side),
        st.decimals("1", "300", places=0),
        st.decimals("0.001", "99999", places=3),
        st.tuples(st.decimals("-1", "3", places=8), st.sampled_from(ASSETS)),
        st.sampled_from(["", "sma", "grid"]),
    ),
    st.builds(moved, st.sampled_from(ASSETS), amounts, st.sampled_from(TransferKind)),
    st.builds(corrected, st.sampled_from(ASSETS), amounts),
)


class FixedMarket:
    """Prices that stand still."""

    async def marks(self, instruments: Sequence[InstrumentName]) -> Mapping[InstrumentName, Decimal]:
        return {name: MARKS[name] for name in instruments}

    async def pairs(self, venues: Collection[str]) -> Sequence[Pair]:
        return [
            Pair(InstrumentName("sim", "btc-usdt"), "btc", "usdt"),
            Pair(InstrumentName("sim", "bnb-btc"), "bnb", "btc"),
        ]


class NoVenues:
    """Nothing is known of the venues."""

    async def said(self, account: AccountName) -> VenueSays:
        return VenueSays({}, {})


class NoBooks:
    """What is valued is given."""

    def read(self) -> AbstractAsyncContextManager[BooksReader]:
        raise AssertionError


async def journal(history: list[Event]) -> AsyncIterator[JournalLine]:
    for number, event in enumerate(history):
        named = event
        if isinstance(event, Fill):
            named = _numbered(event, number)
        yield JournalLine(str(number), named, LotMethod.FIFO)


def _numbered(fill: Fill, number: int) -> Fill:
    return Fill(
        **{
            name: getattr(fill, name)
            for name in Fill.__dataclass_fields__
            if name not in {"name", "exchange_time"}
        },
        name=f"fill-{number}",
        exchange_time=NOON + timedelta(seconds=number),
    )


def sums_of(models: ReadModels) -> list[LedgerSum]:
    """The sums of the account over all strategies."""
    totals: dict[tuple[str, str], Decimal] = {}
    for (_, _, ledger_account, asset), amount in models.sums.items():
        key = (ledger_account, asset)
        totals[key] = EXACT.add(totals.get(key, Decimal(0)), amount)
    return [LedgerSum(*key, amount) for key, amount in sorted(totals.items())]


@settings(max_examples=60)
@given(st.lists(events, max_size=25))
def test_equity_is_the_sum_of_its_parts(history: list[Event]) -> None:
    models = asyncio.run(rebuild(journal(history)))
    sums = sums_of(models)
    assert set(by_asset(sums, "").values()) <= {Decimal(0)}
    positions = [position for (_, strategy, *_), position in models.positions.items() if strategy == "*"]
    queries = Queries(NoBooks(), FixedMarket(), NoVenues(), "usdt")
    worth = asyncio.run(queries.value("usdt", sums, positions))
    parts = (worth.net_deposits, worth.corrections, worth.realized_pnl, worth.unrealized_pnl, worth.funding)
    total = Decimal(0)
    for part in parts:
        assert part is not None
        total = EXACT.add(total, part)
    assert worth.fees is not None
    assert not worth.missing_prices
    assert worth.equity == EXACT.subtract(total, worth.fees)


@settings(max_examples=60)
@given(st.lists(events, max_size=25))
def test_open_lots_sum_to_every_spot_position(history: list[Event]) -> None:
    models = asyncio.run(rebuild(journal(history)))
    for (_, strategy, *_), position in models.positions.items():
        if strategy != "*" or position.contract is not None:
            continue
        lots = [lot for lot in models.lots.values() if lot.instrument == position.instrument]
        assert sum(lot.signed for lot in lots) == position.quantity
