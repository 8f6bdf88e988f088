"""Points of the equity curve, the rebuilt read models and the comparison with venues, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import balance_pb2
from trademesh.portfolio.v1 import correction_pb2, equity_pb2, tax_lot_pb2
from trademesh.portfolio.v1 import portfolio_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.persistence import Database
from services.kernel.names import AccountName, InstrumentName
from services.portfolio.bookings import book
from services.portfolio.domain.events import Event, Fill, Side, Transfer
from services.portfolio.domain.lots import LotMethod
from services.portfolio.domain.prices import Pair
from services.portfolio.domain.reconciliation import VenueSays
from services.portfolio.handlers import Queries
from services.portfolio.ports import PointQuery
from services.portfolio.rebuild import differences
from services.portfolio.sampler import EquitySampler
from services.portfolio.storage.books import SqlBooks
from services.portfolio.storage.equity import SqlEquityStore, SqlFlows
from services.portfolio.storage.writer import SqlBooksWriter
from services.portfolio.verify import both_models, verify
from tests.support.exchange import eventually
from tests.support.portfolio import (
    ACCOUNT,
    INVERSE,
    INVERSE_TERMS,
    LINEAR_TERMS,
    MIGRATIONS,
    PERPETUAL,
    Stage,
    filled,
    reason_of,
    staged,
    transfer,
)
from tests.support.rpc import Serve

NOON = datetime(2024, 8, 8, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BTC = InstrumentName("sim", "btc-usdt")


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class FakeMarket:
    """Prices of the test's choice."""

    def __init__(self) -> None:
        self.prices: dict[InstrumentName, Decimal] = {}
        self.broken = False
        self.asked = 0

    async def was_asked(self) -> bool:
        return self.asked > 0

    async def marks(self, instruments: Sequence[InstrumentName]) -> Mapping[InstrumentName, Decimal]:
        self.asked += 1
        if self.broken:
            raise ValueError("a price that is none")
        return {name: self.prices[name] for name in instruments if name in self.prices}

    async def pairs(self, venues: Collection[str]) -> Sequence[Pair]:
        return [Pair(BTC, "btc", "usdt")]


class SilentVenues:
    """Nothing is known of the venues."""

    async def said(self, account: AccountName) -> VenueSays:
        return VenueSays({}, {})


class Curve:
    """Books, a sampler of a minute and a market."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.market = FakeMarket()
        self.database = database
        self.books = SqlBooks(database, LotMethod.FIFO)
        self.flows = SqlFlows(database)
        queries = Queries(self.books, self.market, SilentVenues(), "usdt")
        self.sampler = EquitySampler(
            self.books, queries, SqlEquityStore(database), self.flows, self.clock, MINUTE
        )

    async def happened(self, event: Event) -> None:
        async with self.database.write() as connection:
            writer = SqlBooksWriter(connection, self.clock, LotMethod.FIFO)
            await book(event, transaction_id=str(uuid4()), books=writer)
            await writer.flush()

    async def points(self) -> list[tuple[str, str, str]]:
        """Cause, equity and growth of each point."""
        async with self.books.read() as reader:
            found = await reader.points(PointQuery("paper", None, None, None, 100))
        return [
            (each.cause.value, str(each.linked.equity), str(each.linked.growth))
            if each.linked is not None
            else (each.cause.value, "missing", ",".join(each.missing_prices))
            for each in found
        ]


@pytest.fixture
async def curve(database_url: str) -> AsyncIterator[Curve]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    yield Curve(database)
    await database.close()


def deposit(amount: str) -> Transfer:
    return Transfer(str(uuid4()), "paper", "sim", "usdt", Decimal(amount), NOON)


def bought(quantity: str, price: str) -> Fill:
    return Fill(
        name=f"{ACCOUNT}/fills/{uuid4()}",
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        base_asset="btc",
        quote_asset="usdt",
        side=Side.BUY,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(0),
        fee_asset="usdt",
        exchange_time=NOON,
    )


async def test_a_point_at_each_flow_and_at_each_interval(curve: Curve) -> None:
    assert await curve.sampler.sample() == MINUTE
    await curve.happened(deposit("1000"))
    assert await curve.sampler.sample() == MINUTE
    await curve.happened(bought("0.01", "50000"))
    curve.market.prices[BTC] = Decimal(60000)
    curve.clock.time += MINUTE / 2
    assert await curve.sampler.sample() == MINUTE / 2
    await curve.happened(deposit("1100"))
    await curve.sampler.sample()
    curve.clock.time += MINUTE
    curve.market.prices[BTC] = Decimal(38000)
    await curve.sampler.sample()
    await curve.sampler.sample()
    assert await curve.points() == [
        ("flow", "1000", "1"),
        # 1000 became 1100, then 1100 came in.
        ("flow", "2200", "1.1"),
        ("interval", "1980", "0.99"),
    ]


async def test_a_point_without_a_price_stands_in_the_curve(curve: Curve) -> None:
    await curve.happened(deposit("1000"))
    await curve.sampler.sample()
    await curve.happened(bought("0.01", "50000"))
    for price in (None, Decimal(55000)):
        curve.clock.time += MINUTE
        if price is not None:
            curve.market.prices[BTC] = price
        await curve.sampler.sample()
    assert await curve.points() == [
        ("flow", "1000", "1"),
        ("interval", "missing", "btc"),
        ("interval", "1050", "1.05"),
    ]


async def test_two_instances_make_one_point(curve: Curve) -> None:
    await curve.happened(deposit("1000"))
    store = SqlEquityStore(curve.database)
    await curve.sampler.sample()
    async with curve.books.read() as reader:
        point = await reader.last_point("paper")
    assert point is not None
    assert not await store.add("paper", point, after=0)
    assert await store.add("paper", point, after=point.number)
    assert len(await curve.points()) == 2


async def test_the_sampler_outlives_what_it_cannot_value(curve: Curve) -> None:
    await curve.happened(deposit("1000"))
    await curve.happened(bought("0.01", "50000"))
    curve.market.broken = True
    running = asyncio.create_task(curve.sampler.run())
    await eventually(curve.market.was_asked)
    assert await curve.points() == []
    curve.market.broken = False
    curve.market.prices[BTC] = Decimal(50000)
    await curve.happened(deposit("5"))
    assert await eventually(curve.points) == [("flow", "1005", "1")]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_flow_wakes_the_sampler(curve: Curve) -> None:
    seen = curve.flows.seen()
    await curve.happened(bought("0.01", "50000"))
    assert curve.flows.seen() == seen
    await curve.happened(deposit("5"))
    await curve.flows.wait(seen, 60)
    assert curve.flows.seen() != seen


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(serve, database_url, tmp_path) as stage:
        yield stage


async def busy(stage: Stage) -> None:
    """A bit of everything: I5 is worth as much as what it is tried on."""
    buy, sell = side_pb2.SIDE_BUY, side_pb2.SIDE_SELL
    await stage.happened(
        transfer("100000"),
        transfer("1", asset="btc"),
        *(filled(buy if m % 3 else sell, f"0.{m + 1}", f"{60000 + 7 * m}", "0.5", m) for m in range(9)),
        filled(buy, "0.3", "59000", "0.0001", 9, fee_asset="bnb", strategy="sma"),
        filled(sell, "2.5", "59500", "-0.2", 10, strategy="grid"),
        filled(buy, "7", "60100", "0.1", 11, instrument=PERPETUAL, contract=LINEAR_TERMS, strategy="sma"),
        filled(sell, "9", "60300", "0.1", 12, instrument=PERPETUAL, contract=LINEAR_TERMS),
        filled(buy, "3", "60700", "0", 13, instrument=INVERSE, contract=INVERSE_TERMS, fee_asset="btc"),
        filled(sell, "1", "61300", "0", 14, instrument=INVERSE, contract=INVERSE_TERMS, fee_asset="btc"),
        transfer("-0.03", balance_pb2.TRANSFER_KIND_FUNDING, instrument=PERPETUAL),
        transfer("-5", balance_pb2.TRANSFER_KIND_INTERNAL),
        transfer("5", balance_pb2.TRANSFER_KIND_INTERNAL, venue="other"),
        transfer("0.7", balance_pb2.TRANSFER_KIND_CORRECTION),
    )
    await stage.stub.UpdateAccountSettings(
        pb.UpdateAccountSettingsRequest(
            request_id=str(uuid4()),
            account_settings=tax_lot_pb2.AccountSettings(
                name=f"{ACCOUNT}/accountSettings", lot_method=tax_lot_pb2.LOT_METHOD_HIFO
            ),
        )
    )
    adjustment = correction_pb2.Adjustment(venue="venues/sim", asset="usdt", amount="-3")
    made = await stage.stub.CreateCorrection(correct(correction_pb2.Correction(adjustment=adjustment)))
    reversed_id = made.ledger_entries[0].transaction_id
    await stage.stub.CreateCorrection(correct(correction_pb2.Correction(reversed_transaction_id=reversed_id)))
    await stage.happened(
        filled(buy, "1.1", "58000", "0", 20), filled(sell, "3", "62000", "0", 21), transfer("-50")
    )


def correct(correction: correction_pb2.Correction) -> pb.CreateCorrectionRequest:
    correction.reason = "a test"
    return pb.CreateCorrectionRequest(parent=ACCOUNT, request_id=str(uuid4()), correction=correction)


async def test_read_models_made_anew_are_the_live_ones(stage: Stage) -> None:
    await busy(stage)
    live, rebuilt = await both_models(stage.database)
    assert not differences(live, rebuilt)
    assert len(live.entries) > 80
    assert len(live.gains) > 5
    assert len({method for method, *_ in live.gains.values()}) == 2
    assert len(live.positions) > 5


async def test_the_proof_finds_a_row_that_was_changed(curve: Curve) -> None:
    await curve.happened(deposit("1000"))
    fill = bought("0.01", "50000")
    await curve.happened(fill)
    async with curve.database.write() as connection:
        writer = SqlBooksWriter(connection, curve.clock, LotMethod.FIFO)
        held = await writer.position(fill)
        assert held is not None
        await writer.put_position(held.apply(fill))
        await writer.flush()
    live, rebuilt = await both_models(curve.database)
    (found,) = differences(live, rebuilt)
    assert found.startswith("positions ('paper', '*', 'sim', 'btc-usdt')")


async def test_the_command_proves_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite3"
    database = await Database.open(url, migrations=MIGRATIONS)
    await Curve(database).happened(deposit("1000"))
    await database.close()
    assert await verify(url) == 0
    assert "2 ledger entries, 0 differences" in capsys.readouterr().out


async def test_the_curve_is_listed(stage: Stage) -> None:
    await stage.happened(transfer("100000"))
    request = pb.ListEquityPointsRequest(parent=ACCOUNT)

    async def points() -> Sequence[equity_pb2.EquityPoint]:
        return (await stage.stub.ListEquityPoints(request)).equity_points

    (first,) = await eventually(points)
    assert (first.equity, first.net_flow_amount, first.growth_index) == ("100000", "100000", "1")
    assert (first.cause, first.incomplete) == (equity_pb2.EQUITY_POINT_CAUSE_FLOW, False)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.ListEquityPoints(pb.ListEquityPointsRequest(parent="accounts/nobody"))
    assert reason_of(refused.value) == "ACCOUNT_NOT_FOUND"


async def test_the_books_beside_what_the_venues_say(stage: Stage) -> None:
    await stage.happened(
        transfer("1000"),
        filled(side_pb2.SIDE_BUY, "5", "60000", "1", instrument=PERPETUAL, contract=LINEAR_TERMS),
    )
    request = pb.GetReconciliationRequest(name=f"{ACCOUNT}/reconciliation")
    stage.exchange_says.balances = {"usdt": ("900", "99"), "eth": ("0.5", "0")}
    stage.exchange_says.positions = {PERPETUAL: "4"}
    found = await stage.stub.GetReconciliation(request)
    assert not found.matching
    assert [
        (row.asset, row.ledger_quantity, row.venue_quantity, row.difference_quantity)
        for row in found.balances
    ] == [("eth", "0", "0.5", "-0.5"), ("usdt", "999", "999", "0")]
    assert [
        (row.instrument, row.ledger_quantity, row.venue_quantity, row.difference_quantity)
        for row in found.positions
    ] == [(PERPETUAL, "5", "4", "1")]
    stage.exchange_says.balances = {"usdt": ("999", "0")}
    stage.exchange_says.positions = {PERPETUAL: "5"}
    assert (await stage.stub.GetReconciliation(request)).matching
