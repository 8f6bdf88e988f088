"""The portfolio service behind real gRPC, fed by a real event log, on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path

import grpc
import pytest
from trademesh.portfolio.v1 import ledger_pb2
from trademesh.portfolio.v1 import portfolio_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.persistence import Database, assert_schema_current
from services.portfolio.storage.tables import METADATA
from tests.support.portfolio import BTC, MIGRATIONS, NOON, Stage, at, filled, staged, transfer
from tests.support.rpc import Serve


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(serve, database_url, tmp_path) as stage:
        yield stage


async def test_schema_is_what_the_code_speaks_of(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    await assert_schema_current(database, METADATA)
    await database.close()


async def test_a_round_trip_is_booked(stage: Stage) -> None:
    stage.market.quotes[f"{BTC}/ticker"] = ("61999", "62001")
    await stage.happened(
        transfer("100000"),
        filled(side_pb2.SIDE_BUY, "0.5", "60000", "30"),
        filled(side_pb2.SIDE_SELL, "0.2", "61000", "12.2"),
    )
    worth = await stage.stub.GetPortfolio(pb.GetPortfolioRequest(name="accounts/paper/portfolio"))
    held = {holding.asset: holding.quantity for holding in worth.holdings}
    assert held == {"btc": "0.3", "usdt": "82157.8"}
    assert worth.equity == "100757.8"
    assert (worth.realized_pnl, worth.unrealized_pnl, worth.fees) == ("200", "600", "42.2")
    assert worth.event_sequence == 3
    positions = await stage.stub.ListPositions(pb.ListPositionsRequest(parent="accounts/paper"))
    assert [(p.name, p.quantity, p.average_price) for p in positions.positions] == [
        ("accounts/paper/positions/sim-btc-usdt", "0.3", "60000")
    ]
    balance = await stage.stub.GetTrialBalance(pb.GetTrialBalanceRequest(name="accounts/paper/trialBalance"))
    assert balance.balanced
    assert {total.asset: total.amount for total in balance.totals} == {"btc": "0", "usdt": "0"}


async def test_sums_equal_the_entries(stage: Stage) -> None:
    await stage.happened(
        transfer("500"), *(filled(side_pb2.SIDE_BUY, "0.001", "60000", "0.06", m) for m in range(5))
    )
    listed: list[ledger_pb2.LedgerEntry] = []
    token = ""
    while True:
        page = await stage.stub.ListLedgerEntries(
            pb.ListLedgerEntriesRequest(parent="accounts/paper", page_size=7, page_token=token)
        )
        listed += page.ledger_entries
        token = page.next_page_token
        if not token:
            break
    assert len(listed) == 2 + 5 * 6
    assert len({entry.name for entry in listed}) == len(listed)
    sums: dict[tuple[str, str], Decimal] = {}
    for entry in listed:
        key = (entry.ledger_account, entry.asset)
        sums[key] = sums.get(key, Decimal(0)) + Decimal(entry.amount)
    balance = await stage.stub.GetTrialBalance(pb.GetTrialBalanceRequest(name="accounts/paper/trialBalance"))
    assert {(row.ledger_account, row.asset): Decimal(row.amount) for row in balance.rows} == sums
    assert {entry.correlation_id for entry in listed} == {"c-1"}


async def test_entries_of_a_time_range(stage: Stage) -> None:
    await stage.happened(
        transfer("500"), *(filled(side_pb2.SIDE_BUY, "0.001", "60000", "0", m) for m in (1, 2, 3))
    )
    page = await stage.stub.ListLedgerEntries(
        pb.ListLedgerEntriesRequest(
            parent="accounts/paper",
            start_time=at(NOON + timedelta(minutes=1)),
            end_time=at(NOON + timedelta(minutes=3)),
        )
    )
    assert {entry.exchange_time.ToDatetime(tzinfo=UTC).minute for entry in page.ledger_entries} == {1, 2}


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_pages_of_a_time_range_go_by_the_venues_clock(stage: Stage, oldest_first: bool) -> None:
    """Fills that come late, and several in one moment: each entry once, in order."""
    minutes = (5, 3, 3, 8, 1, 3, 9)
    await stage.happened(*(filled(side_pb2.SIDE_BUY, "0.001", "60000", "0.1", minute) for minute in minutes))
    request = pb.ListLedgerEntriesRequest(
        parent="accounts/paper",
        page_size=4,
        start_time=at(NOON + timedelta(minutes=3)),
        end_time=at(NOON + timedelta(minutes=9)),
        oldest_first=oldest_first,
    )
    found: list[tuple[int, int]] = []
    while True:
        page = await stage.stub.ListLedgerEntries(request)
        found += [
            (entry.exchange_time.ToDatetime(tzinfo=UTC).minute, int(entry.name.rpartition("/")[2]))
            for entry in page.ledger_entries
        ]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == sorted(found, reverse=not oldest_first)
    assert len(set(found)) == len(found) == 5 * 6


async def test_a_missing_price_is_listed(stage: Stage) -> None:
    await stage.happened(transfer("100000"), filled(side_pb2.SIDE_BUY, "0.5", "60000", "30"))
    worth = await stage.stub.GetPortfolio(pb.GetPortfolioRequest(name="accounts/paper/portfolio"))
    assert worth.equity == ""
    assert worth.missing_prices == ["btc"]
    positions = await stage.stub.ListPositions(pb.ListPositionsRequest(parent="accounts/paper"))
    assert positions.positions[0].mark_price == ""
    assert positions.positions[0].quantity == "0.5"


async def test_unknown_account(stage: Stage) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.GetPortfolio(pb.GetPortfolioRequest(name="accounts/nobody/portfolio"))
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_foreign_page_token(stage: Stage) -> None:
    await stage.happened(transfer("500"), filled(side_pb2.SIDE_BUY, "0.001", "60000", "0"))
    page = await stage.stub.ListLedgerEntries(
        pb.ListLedgerEntriesRequest(parent="accounts/paper", page_size=1)
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.ListPositions(
            pb.ListPositionsRequest(parent="accounts/paper", page_token=page.next_page_token)
        )
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
