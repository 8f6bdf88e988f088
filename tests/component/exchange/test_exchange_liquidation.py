"""A liquidation reaches the exchange as an order and a fill of the venue's, and the books agree."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from trademesh.exchange.v1 import balance_pb2, order_events_pb2, order_pb2
from trademesh.portfolio.v1 import portfolio_service_pb2 as portfolio_pb
from trademesh.simvenue.v1 import simvenue_service_pb2 as venue_pb
from trademesh.type.v1 import side_pb2

from services.chassis.clock import SystemClock
from services.exchange.venues.simvenue import SimVenue
from tests.support.exchange import PATIENT, eventually, limit_order, market_order, running_exchange
from tests.support.portfolio import ACCOUNT, staged
from tests.support.rpc import Serve
from tests.support.simvenue import RunningVenue, running_venue, simvenue_settings, sqlite_url

D = Decimal
PERP = "btc-usdt-perp"
INSTRUMENT = f"venues/sim/instruments/{PERP}"
_S = order_pb2
MONEY = {"paper": {"usdt": D(10_000)}, "rich": {"usdt": D(1_000_000)}, "other": {"usdt": D(1_000_000)}}


async def others(venue: RunningVenue, who: str, side: Any, quantity: str, price: str) -> None:
    request = venue_pb.PlaceOrderRequest(
        account=who, client_order_id=uuid4().hex, symbol=PERP, side=side, quantity=quantity
    )
    request.limit.price = price
    await venue.stub.PlaceOrder(request)


async def wallet(venue: RunningVenue, account: str) -> Decimal:
    answer = await venue.stub.GetBalances(venue_pb.GetBalancesRequest(account=account))
    return sum((D(each.free) + D(each.locked) for each in answer.balances), D(0))


async def test_a_liquidation_is_adopted_and_booked(serve: Serve, tmp_path: Path, database_url: str) -> None:
    settings = simvenue_settings(
        perpetuals=True, liquidation=True, crowd=False, synthetic_warmup_seconds=0, accounts=MONEY
    )
    buy, sell = side_pb2.SIDE_BUY, side_pb2.SIDE_SELL
    async with (
        running_venue(sqlite_url(tmp_path), settings) as venue,
        running_exchange(
            f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3",
            adapter=SimVenue("sim", venue.channel, SystemClock()),
            timing=PATIENT,
        ) as exchange,
    ):
        await others(venue, "rich", sell, "1", "60000")
        entry = market_order("1")
        entry.order.instrument = INSTRUMENT
        assert (await exchange.create(entry)).state == _S.ORDER_STATE_FILLED
        below = limit_order("0.1", "40000")
        below.order.instrument = INSTRUMENT
        resting = await exchange.create(below)
        assert resting.state == _S.ORDER_STATE_OPEN

        await others(venue, "rich", buy, "5", "48000")
        await others(venue, "other", sell, "0.01", "48000")

        async def liquidated() -> Any:
            found = [
                each for each in await exchange.orders() if each.client_order_id.startswith("autoclose-")
            ]
            return found[0] if found and found[0].state == _S.ORDER_STATE_FILLED else None

        order = await eventually(liquidated)
        assert (order.side, order.quantity, order.filled_quantity) == (sell, "1", "1")
        assert order.reduce_only
        ended = await exchange.settled(resting.name, "EXPIRED")
        assert ended.reason == "LIQUIDATION"
        assert len(await exchange.fills()) == 2

        # 10000 - 30 (fee) - 12000 - 24 (fee): nothing is left for the fee of the liquidation; the fund pays.
        debt = D(2054)
        assert await wallet(venue, "paper") == 0
        assert await wallet(venue, "insurance-fund") == -debt

        async def moved() -> Any:
            told = [each for each in await exchange.events() if each.DESCRIPTOR.name == "TransferRecorded"]
            return told if len(told) == 2 else None

        deposit, payment = (each.transfer for each in await eventually(moved))
        assert (deposit.amount, D(payment.amount)) == ("10000", debt)
        assert payment.kind == balance_pb2.TRANSFER_KIND_CORRECTION
        facts = [
            each
            for each in await exchange.events()
            if isinstance(each, order_events_pb2.FillRecorded | order_events_pb2.TransferRecorded)
        ]
    (tmp_path / "books").mkdir()
    books = f"sqlite+aiosqlite:///{tmp_path}/portfolio.sqlite3"
    async with staged(serve, books, tmp_path / "books") as stage:
        await stage.happened(*facts)
        request = portfolio_pb.GetTrialBalanceRequest(name=f"{ACCOUNT}/trialBalance")
        balance = await stage.stub.GetTrialBalance(request)
        assert balance.balanced
        rows = {each.ledger_account: D(each.amount) for each in balance.rows if each.asset == "usdt"}
        assert rows["assets:sim:usdt"] == 0
        positions = await stage.stub.ListPositions(portfolio_pb.ListPositionsRequest(parent=ACCOUNT))
        assert [each for each in positions.positions if D(each.quantity)] == []
