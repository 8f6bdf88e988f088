"""Perpetuals, funding, strategies, lots and corrections through the service's own door, on both databases."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import balance_pb2
from trademesh.portfolio.v1 import correction_pb2, ledger_pb2, tax_lot_pb2
from trademesh.portfolio.v1 import portfolio_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.portfolio.rebuild import differences
from services.portfolio.verify import both_models
from tests.support.portfolio import (
    ACCOUNT,
    BTC,
    INVERSE,
    INVERSE_TERMS,
    LINEAR_TERMS,
    PERPETUAL,
    Stage,
    filled,
    reason_of,
    staged,
    transfer,
)
from tests.support.rpc import Serve

BUY, SELL = side_pb2.SIDE_BUY, side_pb2.SIDE_SELL


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(serve, database_url, tmp_path) as stage:
        yield stage


async def portfolio(stage: Stage, asset: str = "") -> Any:
    return await stage.stub.GetPortfolio(
        pb.GetPortfolioRequest(name=f"{ACCOUNT}/portfolio", valuation_asset=asset)
    )


async def trial_balance(stage: Stage, strategy: str = "") -> dict[str, str]:
    """The ledger accounts that are not empty; the books must balance."""
    found = await stage.stub.GetTrialBalance(
        pb.GetTrialBalanceRequest(name=f"{ACCOUNT}/trialBalance", strategy=strategy)
    )
    assert found.balanced
    assert {total.amount for total in found.totals} <= {"0"}
    return {row.ledger_account: row.amount for row in found.rows if row.amount != "0"}


def identity(worth: Any) -> Decimal:
    """What the parts of equity add up to."""
    plus = (worth.net_deposits, worth.corrections, worth.realized_pnl, worth.unrealized_pnl, worth.funding)
    return sum(map(Decimal, plus), Decimal(0)) - Decimal(worth.fees)


async def test_a_linear_perpetual_books_profit_fee_and_funding_only(stage: Stage) -> None:
    stage.market.quotes[f"{PERPETUAL}/ticker"] = ("61999", "62001")
    await stage.happened(
        transfer("1000"),
        filled(BUY, "50", "60000", "1.5", instrument=PERPETUAL, contract=LINEAR_TERMS),
        filled(SELL, "20", "61000", "0.6", instrument=PERPETUAL, contract=LINEAR_TERMS),
        transfer("-0.25", balance_pb2.TRANSFER_KIND_FUNDING, instrument=PERPETUAL),
    )
    assert await trial_balance(stage) == {
        "assets:sim:usdt": "1017.65",
        "equity:deposits:usdt": "-1000",
        "expenses:fees:usdt": "2.1",
        "income:funding:sim:btc-usdt-perp:usdt": "0.25",
        "income:pnl:sim:btc-usdt-perp:usdt": "-20",
        "memo:market:sim:btc-usdt-perp": "-30",
        "memo:position:sim:btc-usdt-perp": "30",
    }
    worth = await portfolio(stage)
    # 30 contracts of 0.001 BTC, bought at 60000, at 62000: 60 of profit that nobody has paid yet.
    assert (worth.equity, worth.unrealized_pnl, worth.funding) == ("1077.65", "60", "-0.25")
    assert identity(worth) == Decimal(worth.equity)
    assert [holding.asset for holding in worth.holdings] == ["usdt"]
    (position,) = (await stage.stub.ListPositions(pb.ListPositionsRequest(parent=ACCOUNT))).positions
    assert (position.quantity, position.average_price, position.settle_asset) == ("30", "60000", "usdt")
    assert position.contract == LINEAR_TERMS
    assert not (await stage.stub.ListTaxLots(pb.ListTaxLotsRequest(parent=ACCOUNT))).tax_lots


async def test_an_inverse_perpetual_is_settled_in_its_base_asset(stage: Stage) -> None:
    stage.market.quotes[f"{INVERSE}/ticker"] = ("40000", "40000")
    stage.market.quotes[f"{BTC}/ticker"] = ("40100", "40100")
    stage.market.pairs = [("btc", "usdt")]
    await stage.happened(
        transfer("1", asset="btc"),
        filled(SELL, "10", "50000", "0.00001", instrument=INVERSE, fee_asset="btc", contract=INVERSE_TERMS),
        filled(BUY, "4", "40000", "0.00001", instrument=INVERSE, fee_asset="btc", contract=INVERSE_TERMS),
    )
    # 4 * 100 * (1/40000 - 1/50000) realised, 6 * 100 * (1/40000 - 1/50000) not yet.
    (position,) = (await stage.stub.ListPositions(pb.ListPositionsRequest(parent=ACCOUNT))).positions
    assert (position.realized_pnl, position.unrealized_pnl) == ("0.002", "0.003")
    assert (position.quantity, position.average_price) == ("-6", "50000")
    worth = await portfolio(stage)
    assert Decimal(worth.equity) == (1 + Decimal("0.005") - Decimal("0.00002")) * Decimal(40100)
    assert identity(worth) == Decimal(worth.equity)
    in_btc = await portfolio(stage, "btc")
    assert (in_btc.valuation_asset, in_btc.equity) == ("btc", "1.00498")


async def test_a_perpetual_that_booked_no_money_yet_is_valued(stage: Stage) -> None:
    stage.market.quotes[f"{INVERSE}/ticker"] = ("62500", "62500")
    stage.market.quotes[f"{BTC}/ticker"] = ("62500", "62500")
    stage.market.pairs = [("btc", "usdt")]
    await stage.happened(filled(BUY, "10", "50000", "0", instrument=INVERSE, contract=INVERSE_TERMS))
    worth = await portfolio(stage)
    assert (worth.equity, worth.unrealized_pnl, list(worth.missing_prices)) == ("250", "250", [])


async def test_a_perpetual_without_a_price_is_listed(stage: Stage) -> None:
    await stage.happened(
        transfer("1000"), filled(BUY, "50", "60000", "1.5", instrument=PERPETUAL, contract=LINEAR_TERMS)
    )
    worth = await portfolio(stage)
    assert (worth.equity, worth.unrealized_pnl, list(worth.missing_prices)) == ("", "", [PERPETUAL])


async def test_a_fee_in_a_third_asset_is_valued_over_one_asset_between(stage: Stage) -> None:
    stage.market.pairs = [("bnb", "btc"), ("btc", "usdt")]
    stage.market.quotes[f"{BTC}/ticker"] = ("60000", "60000")
    stage.market.quotes["venues/sim/instruments/bnb-btc/ticker"] = ("0.01", "0.01")
    await stage.happened(
        transfer("100000"), transfer("1", asset="bnb"), filled(BUY, "1", "60000", "0.1", fee_asset="bnb")
    )
    worth = await portfolio(stage)
    assert {holding.asset: (holding.quantity, holding.price) for holding in worth.holdings} == {
        "bnb": ("0.9", "600"),
        "btc": ("1", "60000"),
        "usdt": ("40000", "1"),
    }
    assert (worth.fees, worth.equity) == ("60", "100540")
    assert identity(worth) == Decimal(worth.equity)
    in_btc = await portfolio(stage, "btc")
    assert [holding.price for holding in in_btc.holdings] == ["0.01", "1", "0.0000166666666666666667"]


async def test_strategies_have_books_of_their_own(stage: Stage) -> None:
    stage.market.quotes[f"{BTC}/ticker"] = ("61000", "61000")
    await stage.happened(
        transfer("100000"),
        filled(BUY, "0.5", "60000", "30", strategy="sma"),
        filled(SELL, "0.2", "62000", "12.4", strategy="grid"),
        filled(BUY, "0.1", "60500", "6.05"),
    )
    found = {
        name: (
            await stage.stub.ListPositions(pb.ListPositionsRequest(parent=ACCOUNT, strategy=name))
        ).positions
        for name in ("", "manual", "strategies/sma", "strategies/grid", "strategies/none")
    }
    assert not found.pop("strategies/none")
    (whole,) = found.pop("")
    parts = [position for positions in found.values() for position in positions]
    assert {part.strategy: part.quantity for part in parts} == {
        "manual": "0.1",
        "strategies/sma": "0.5",
        "strategies/grid": "-0.2",
    }
    assert sum(Decimal(part.quantity) for part in parts) == Decimal(whole.quantity)
    assert sum(Decimal(part.realized_pnl) + Decimal(part.unrealized_pnl) for part in parts) == Decimal(
        whole.realized_pnl
    ) + Decimal(whole.unrealized_pnl)
    assert (await trial_balance(stage, "strategies/sma"))["expenses:fees:usdt"] == "30"
    entries = await stage.stub.ListLedgerEntries(
        pb.ListLedgerEntriesRequest(parent=ACCOUNT, strategy="strategies/grid", oldest_first=True)
    )
    assert {entry.strategy for entry in entries.ledger_entries} == {"strategies/grid"}
    numbers = [int(entry.name.rpartition("/")[2]) for entry in entries.ledger_entries]
    assert numbers == sorted(numbers)
    assert len(numbers) == 6


async def test_funding_is_shared_by_what_the_strategies_held(stage: Stage) -> None:
    """A fill after the payment counts for nothing, though it was booked before it."""

    def traded(side: side_pb2.Side, quantity: str, strategy: str, minutes: int) -> Any:
        return filled(
            side,
            quantity,
            "60000",
            "0",
            minutes,
            strategy=strategy,
            instrument=PERPETUAL,
            contract=LINEAR_TERMS,
        )

    await stage.happened(
        transfer("1000"),
        traded(BUY, "50", "sma", -3),
        traded(BUY, "20", "", -2),
        traded(SELL, "10", "grid", -1),
        traded(BUY, "500", "sma", 1),
        transfer("-0.7", balance_pb2.TRANSFER_KIND_FUNDING, instrument=PERPETUAL),
    )
    account = "income:funding:sim:btc-usdt-perp:usdt"
    parts = {name: (await trial_balance(stage, name))[account] for name in ("strategies/sma", "manual")}
    assert parts == {"strategies/sma": "0.583333333333333334", "manual": "0.233333333333333333"}
    # Short while the account was long: it is paid where the others pay.
    assert (await trial_balance(stage, "strategies/grid"))[account] == "-0.116666666666666667"
    assert (await trial_balance(stage))[account] == "0.7"
    entries = await stage.stub.ListLedgerEntries(pb.ListLedgerEntriesRequest(parent=ACCOUNT, page_size=6))
    (transaction_id,) = {entry.transaction_id for entry in entries.ledger_entries}
    await stage.stub.CreateCorrection(correction(transaction_id))
    for name in ("", "strategies/sma", "strategies/grid", "manual"):
        assert account not in await trial_balance(stage, name)
    live, rebuilt = await both_models(stage.database)
    assert differences(live, rebuilt) == []


async def set_method(stage: Stage, method: Any, request_id: str = "") -> Any:
    return await stage.stub.UpdateAccountSettings(
        pb.UpdateAccountSettingsRequest(
            request_id=request_id or str(uuid4()),
            account_settings=tax_lot_pb2.AccountSettings(
                name=f"{ACCOUNT}/accountSettings", lot_method=method
            ),
        )
    )


async def test_lots_and_a_change_of_method_that_does_not_reach_back(stage: Stage) -> None:
    await stage.happened(
        transfer("1000"),
        filled(BUY, "1", "100", "0", minutes=1),
        filled(BUY, "1", "120", "0", minutes=2),
        filled(BUY, "1", "9", "0", minutes=3),
        filled(SELL, "0.5", "130", "0", minutes=4),
    )
    await set_method(stage, tax_lot_pb2.LOT_METHOD_HIFO)
    await stage.happened(filled(SELL, "1.25", "130", "0", minutes=64))
    lots = (await stage.stub.ListTaxLots(pb.ListTaxLotsRequest(parent=ACCOUNT))).tax_lots
    assert [(lot.price, lot.quantity, lot.remaining_quantity) for lot in lots] == [
        ("100", "1", "0.25"),
        ("9", "1", "1"),
    ]
    every = await stage.stub.ListTaxLots(
        pb.ListTaxLotsRequest(parent=ACCOUNT, include_closed=True, instrument=BTC)
    )
    assert len(every.tax_lots) == 3
    gains: list[Any] = []
    token = ""
    while True:
        page = await stage.stub.ListRealizedGains(
            pb.ListRealizedGainsRequest(parent=ACCOUNT, page_size=2, page_token=token)
        )
        gains += page.realized_gains
        token = page.next_page_token
        if not token:
            break
    fifo, hifo = tax_lot_pb2.LOT_METHOD_FIFO, tax_lot_pb2.LOT_METHOD_HIFO
    assert [(g.lot_method, g.open_price, g.quantity, g.gain_amount) for g in gains] == [
        (fifo, "100", "0.5", "15"),
        (hifo, "120", "1", "10"),
        (hifo, "100", "0.25", "7.5"),
    ]
    assert [g.holding_duration.ToTimedelta().total_seconds() / 60 for g in gains] == [3, 62, 63]
    assert all(g.open_fill != g.close_fill and g.tax_lot.startswith(f"{ACCOUNT}/taxLots/") for g in gains)
    settings = await stage.stub.GetAccountSettings(
        pb.GetAccountSettingsRequest(name=f"{ACCOUNT}/accountSettings")
    )
    assert settings.lot_method == hifo


async def test_gains_of_a_time_range_go_by_the_time_of_closing(stage: Stage) -> None:
    await stage.happened(
        transfer("1000"),
        filled(BUY, "9", "100", "0", minutes=1),
        *(filled(SELL, "1", "130", "0", minutes=minutes) for minutes in (7, 4, 9, 5, 3)),
    )
    every = (await stage.stub.ListRealizedGains(pb.ListRealizedGainsRequest(parent=ACCOUNT))).realized_gains
    request = pb.ListRealizedGainsRequest(
        parent=ACCOUNT, page_size=2, start_time=every[1].close_time, end_time=every[2].close_time
    )
    found: list[Any] = []
    while True:
        page = await stage.stub.ListRealizedGains(request)
        found += [gain.name for gain in page.realized_gains]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == [every[place].name for place in (1, 3, 0)]


async def test_lots_of_many_pages_are_closed_in_order(stage: Stage) -> None:
    """More open lots than one read of the storage takes."""
    await set_method(stage, tax_lot_pb2.LOT_METHOD_LIFO)
    await stage.happened(
        transfer("100000"),
        *(filled(BUY, "1", str(100 + minute), "0", minute) for minute in range(105)),
        filled(SELL, "103.5", "500", "0", 500),
    )
    lots = (await stage.stub.ListTaxLots(pb.ListTaxLotsRequest(parent=ACCOUNT))).tax_lots
    assert [(lot.price, lot.remaining_quantity) for lot in lots] == [("100", "1"), ("101", "0.5")]


def correction(effect: str | correction_pb2.Adjustment, request_id: str = "") -> pb.CreateCorrectionRequest:
    asked = correction_pb2.Correction(reason="a deposit that the venue did not tell")
    if isinstance(effect, str):
        asked.reversed_transaction_id = effect
    else:
        asked.adjustment.CopyFrom(effect)
    return pb.CreateCorrectionRequest(parent=ACCOUNT, request_id=request_id or str(uuid4()), correction=asked)


ADJUSTMENT = correction_pb2.Adjustment(venue="venues/sim", asset="usdt", amount="12.5")


async def test_a_correction_is_booked_once_and_taken_back_once(stage: Stage) -> None:
    await stage.happened(transfer("1000"))
    asked = correction(ADJUSTMENT)
    made = await stage.stub.CreateCorrection(asked)
    assert await stage.stub.CreateCorrection(asked) == made
    assert [(entry.ledger_account, entry.amount) for entry in made.ledger_entries] == [
        ("assets:sim:usdt", "12.5"),
        ("equity:corrections:usdt", "-12.5"),
    ]
    assert {entry.reason for entry in made.ledger_entries} == {asked.correction.reason}
    assert {entry.kind for entry in made.ledger_entries} == {ledger_pb2.LEDGER_TRANSACTION_KIND_CORRECTION}
    worth = await portfolio(stage)
    assert (worth.equity, worth.corrections, worth.net_deposits) == ("1012.5", "12.5", "1000")
    assert identity(worth) == Decimal(worth.equity)

    transaction = made.ledger_entries[0].transaction_id
    back = await stage.stub.CreateCorrection(correction(transaction))
    assert [entry.amount for entry in back.ledger_entries] == ["-12.5", "12.5"]
    assert (await trial_balance(stage)).keys() == {"assets:sim:usdt", "equity:deposits:usdt"}
    assert await refusal(stage, correction(transaction)) == "TRANSACTION_REVERSED"
    # What was booked stays: three transactions of two lines.
    entries = await stage.stub.ListLedgerEntries(pb.ListLedgerEntriesRequest(parent=ACCOUNT))
    assert len(entries.ledger_entries) == 6


async def test_what_cannot_be_taken_back(stage: Stage) -> None:
    await stage.happened(transfer("1000"), filled(BUY, "0.01", "60000", "0"))
    newest = await stage.stub.ListLedgerEntries(pb.ListLedgerEntriesRequest(parent=ACCOUNT, page_size=1))
    fill = newest.ledger_entries[0].transaction_id
    assert await refusal(stage, correction(fill)) == "TRANSACTION_NOT_REVERSIBLE"
    assert await refusal(stage, correction("none")) == "TRANSACTION_NOT_FOUND"
    zero = correction_pb2.Adjustment(venue="venues/sim", asset="usdt", amount="0.00")
    assert await refusal(stage, correction(zero)) == "INVALID_REQUEST"
    reused = str(uuid4())
    await stage.stub.CreateCorrection(correction(ADJUSTMENT, reused))
    other = correction_pb2.Adjustment(venue="venues/sim", asset="usdt", amount="13")
    assert await refusal(stage, correction(other, reused)) == "REQUEST_ID_REUSED"


async def test_a_correction_opens_no_books(stage: Stage) -> None:
    assert await refusal(stage, correction(ADJUSTMENT)) == "ACCOUNT_NOT_FOUND"


async def refusal(stage: Stage, request: pb.CreateCorrectionRequest) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.CreateCorrection(request)
    return reason_of(refused.value)
