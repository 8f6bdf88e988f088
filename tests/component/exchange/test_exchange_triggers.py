"""Orders that are held here until the market comes to their price."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc, order_kinds_pb2, order_pb2, venue_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.timestamps import to_timestamp
from services.exchange.domain.assets import Contract
from services.exchange.domain.capabilities import Capabilities, KindSupport
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.terms import Kind, LimitTerms, MarketTerms
from services.exchange.ports import Step
from tests.support.exchange import (
    BTC,
    PAPER,
    PATIENT,
    RunningExchange,
    ShiftedClock,
    assembled_exchange,
    eventually,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
    stop_order,
)
from tests.support.exchange_prices import FakePrices
from tests.support.exchange_venue import FakeRisk, FakeVenue, Mishap
from tests.support.rpc import serving

_S = order_pb2
HELD = _S.ORDER_STATE_HELD


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"


def order(side: "side_pb2.Side", **kind: Any) -> pb.CreateOrderRequest:
    return pb.CreateOrderRequest(
        parent=PAPER,
        request_id=market_order().request_id,
        order=order_pb2.Order(instrument=BTC, side=side, quantity="1", **kind),
    )


def at(price: str) -> dict[str, str]:
    return {"price": price}


BUY, SELL = side_pb2.SIDE_BUY, side_pb2.SIDE_SELL
_LIMIT = {"price": "95"}
_CASES: list[tuple[str, pb.CreateOrderRequest, list[str], str]] = [
    ("stop to sell", order(SELL, stop_market={"trigger": at("90")}), ["95", "90.5"], "90"),
    ("stop to buy", order(BUY, stop_market={"trigger": at("110")}), ["105", "109.5"], "111"),
    ("stop limit", order(SELL, stop_limit={"trigger": at("90"), "limit": _LIMIT}), ["91"], "89"),
    ("touched to buy", order(BUY, market_if_touched={"trigger": at("90")}), ["110", "90.5"], "90"),
    ("touched to sell", order(SELL, market_if_touched={"trigger": at("110")}), ["50", "109.5"], "110"),
    ("limit if touched", order(BUY, limit_if_touched={"trigger": at("90"), "limit": _LIMIT}), ["91"], "90"),
    ("trailing to sell", order(SELL, trailing_stop={"absolute": "10"}), ["120", "112", "110.5"], "110"),
    ("trailing to buy", order(BUY, trailing_stop={"percent": "10"}), ["80", "87.5"], "88"),
    ("trailing in ticks", order(SELL, trailing_stop={"ticks": 20}), ["99"], "90"),
]


@pytest.mark.parametrize(("name", "request_", "quiet", "last"), _CASES, ids=[case[0] for case in _CASES])
async def test_a_trigger_goes_off_exactly_when_the_market_comes_to_it(
    sqlite: str, name: str, request_: pb.CreateOrderRequest, quiet: list[str], last: str
) -> None:
    prices, venue = FakePrices(), FakeVenue()
    async with running_exchange(sqlite, venue, prices=prices, timing=PATIENT) as exchange:
        held = await exchange.create(request_)
        assert (held.state, held.handling) == (HELD, _S.ORDER_HANDLING_EMULATED)
        assert (held.client_order_id, held.venue_order_id) == (f"tm-{held.name[-36:].replace('-', '')}", "")
        await eventually(lambda: _watched(prices))
        for price in quiet:
            prices.set(price)
        await prices.taken()
        assert (await exchange.order(held.name)).state == HELD
        assert held.client_order_id not in venue.orders

        prices.set(last)
        done = await exchange.settled(held.name, "OPEN" if "limit" in name else "FILLED")
        assert done.trigger.trigger_market_price == last
        assert done.trigger.HasField("trigger_time")
        at_venue = venue.orders[done.client_order_id].terms
        assert isinstance(at_venue, LimitTerms if "limit" in name else MarketTerms)
        assert venue.sendings.count(done.client_order_id) == 1
        steps = exchange.journal.of(done.client_order_id)
        assert steps.count(Step.HELD) == steps.count(Step.TRIGGERED) == 1
        assert exchange.risk.asked.count(done.name.rpartition("/")[2]) == 1


async def _watched(prices: FakePrices) -> bool:
    return prices.watchers > 0


async def test_what_the_watchers_see(database_url: str) -> None:
    """Each move of the ratchet that is kept is a version; the last one brings the trigger's time."""
    prices = FakePrices()
    async with running_exchange(database_url, prices=prices) as exchange:
        stream = exchange.stub.WatchOrders(pb.WatchOrdersRequest(parent=PAPER))
        held = await exchange.create(order(SELL, trailing_stop={"absolute": "10", "activation_price": "105"}))
        assert held.trigger == order_kinds_pb2.TriggerStatus()

        for price, trigger in (("105", "95"), ("107", "97")):
            prices.set(price)
            await eventually(partial(_moved_to, exchange, held.name, trigger))
        prices.set("96")
        done = await exchange.settled(held.name, "FILLED")
        assert (done.trigger.best_price, done.trigger.price) == ("107", "97")
        versions: list[int] = []
        while not versions or versions[-1] < done.version:
            frame = await stream.read()
            if frame.WhichOneof("event") == "order" and frame.order.name == held.name:
                versions.append(frame.order.version)
        assert versions == list(range(1, done.version + 1))
        stream.cancel()


async def _moved_to(exchange: RunningExchange, name: str, price: str) -> bool:
    return (await exchange.order(name)).trigger.price == price


async def test_a_restart_keeps_what_the_ratchet_won_and_makes_up_for_missed_prices(
    new_database_url: Any,
) -> None:
    url = new_database_url()
    prices, venue, risk = FakePrices(), FakeVenue(), FakeRisk()
    async with running_exchange(url, venue, risk, prices=prices) as exchange:
        trailing = await exchange.create(order(SELL, trailing_stop={"absolute": "10"}))
        stop = await exchange.create(stop_order(trigger="80"))
        prices.set("150")

        async def kept() -> bool:
            return (await exchange.order(trailing.name)).trigger.best_price == "150"

        await eventually(kept)
    prices.set("145")
    async with running_exchange(url, venue, risk, prices=prices, timing=PATIENT) as exchange:
        again = await exchange.order(trailing.name)
        assert (again.state, again.trigger.price) == (HELD, "140")
    prices.set("139")
    async with running_exchange(url, venue, risk, prices=prices, timing=PATIENT) as exchange:
        done = await exchange.settled(trailing.name, "FILLED")
        assert (done.trigger.trigger_market_price, done.trigger.price) == ("139", "140")
        assert (await exchange.order(stop.name)).state == HELD
        assert [event.order.version for event in await _changes(exchange, done.name)] == list(
            range(1, done.version + 1)
        )
    assert len(venue.sendings) == 1


async def test_going_down_keeps_what_the_ratchet_won(sqlite: str) -> None:
    prices, venue = FakePrices(), FakeVenue()
    rarely = replace(PATIENT, ratchet=60)
    async with (
        assembled_exchange(sqlite, venue, prices=prices, timing=rarely) as assembled,
        serving(assembled.application.servicers) as channel,
    ):
        stub: Any = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
        held = await stub.CreateOrder(order(SELL, trailing_stop={"absolute": "10"}), timeout=5)
        await eventually(lambda: _watched(prices))
        prices.set("150")
        await prices.taken()
        assert assembled.application.close is not None
        await assembled.application.close()
    prices.set("145")
    async with running_exchange(sqlite, venue, prices=prices, timing=PATIENT) as exchange:
        assert (await exchange.order(held.name)).trigger.price == "140"


async def _changes(exchange: RunningExchange, name: str) -> list[Any]:
    events = await exchange.events()
    return [each for each in events if each.DESCRIPTOR.name == "OrderChanged" and each.order.name == name]


async def test_a_held_order_is_cancelled_here_and_at_once(sqlite: str) -> None:
    prices, venue = FakePrices(), FakeVenue()
    async with running_exchange(sqlite, venue, prices=prices) as exchange:
        held = await exchange.create(stop_order())
        venue.vanish()
        gone = await exchange.cancel(held.name)
        assert gone.state == _S.ORDER_STATE_CANCELLED
        assert (await exchange.cancel(held.name)).state == _S.ORDER_STATE_CANCELLED
        prices.set("50")
        assert exchange.journal.of(held.client_order_id)[-1] is Step.CANCELLED
        await eventually(lambda: _nobody_watches(prices))
        assert (await exchange.order(held.name)).version == gone.version
    assert venue.sendings == []


async def _nobody_watches(prices: FakePrices) -> bool:
    return prices.watchers == 0


async def test_prices_that_stop_leave_orders_as_they_are(sqlite: str) -> None:
    prices = FakePrices()
    async with running_exchange(sqlite, prices=prices) as exchange:
        held = await exchange.create(stop_order())
        await eventually(lambda: _watched(prices))
        prices.vanish()
        await eventually(lambda: _nobody_watches(prices))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(stop_order())
        assert reason_of(caught.value) == "PRICE_MISSING"
        prices.set("85")
        assert (await exchange.order(held.name)).state == HELD
        prices.reachable = True
        await exchange.settled(held.name, "FILLED")


async def test_a_triggered_order_leaves_once_the_venue_can_be_reached(sqlite: str) -> None:
    prices, venue = FakePrices(), FakeVenue()
    venue.mishaps.extend([Mishap.NOT_SENT, Mishap.NOT_SENT])
    async with running_exchange(sqlite, venue, prices=prices) as exchange:
        held = await exchange.create(stop_order())
        prices.set("90")
        done = await exchange.settled(held.name, "FILLED")
        # The market's way back changes nothing any more.
        assert done.trigger.trigger_market_price == "90"
        assert Step.LEFT_LATE in exchange.journal.of(held.client_order_id)
        assert len(venue.orders) == 1


async def test_a_triggered_order_whose_sending_is_lost_is_sent_again_when_the_venue_says_so(
    sqlite: str,
) -> None:
    prices, venue = FakePrices(), FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LOST)
    async with running_exchange(sqlite, venue, prices=prices) as exchange:
        held = await exchange.create(stop_order())
        prices.set("90")
        await exchange.settled(held.name, "FILLED")
    assert len(venue.sendings) == 2
    assert len(venue.orders) == 1


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (order(SELL, stop_market={"trigger": at("100")}), "TRIGGER_AT_ONCE"),
        (order(BUY, stop_market={"trigger": at("99.5")}), "TRIGGER_AT_ONCE"),
        (order(BUY, market_if_touched={"trigger": at("100.5")}), "TRIGGER_AT_ONCE"),
        (order(SELL, stop_market={"trigger": at("90.1")}), "PRICE_OFF_TICK"),
        (order(SELL, trailing_stop={"percent": "100"}), "INVALID_REQUEST"),
        (order(BUY, limit={"price": "100", "display_quantity": "0.5"}), "KIND_NOT_SUPPORTED"),
        (order(SELL, market={}, reduce_only=True), "REDUCE_ONLY"),
        (order(BUY, limit={"price": "100"}, reduce_only=True), "REDUCE_ONLY"),
    ],
)
async def test_refused_before_an_order_exists(
    sqlite: str, request_: pb.CreateOrderRequest, reason: str
) -> None:
    async with running_exchange(sqlite) as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(request_)
        assert reason_of(caught.value) == reason
        assert await exchange.orders() == []
        assert exchange.risk.asked == []


async def test_reduce_only_takes_what_is_held(sqlite: str) -> None:
    async with running_exchange(sqlite, FakeVenue(btc="1")) as exchange:
        sold = await exchange.create(order(SELL, market={}, reduce_only=True))
        assert (sold.state, sold.reduce_only) == (_S.ORDER_STATE_FILLED, True)


async def test_reduce_only_of_a_perpetual_is_held_to_the_position(sqlite: str) -> None:
    contract = Contract(Decimal(1), "usdt")
    position = VenuePosition(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        quantity=Decimal(-1),
        contract=contract,
        receive_time=datetime(2026, 1, 1, tzinfo=UTC),
    )
    reducing = Capabilities([KindSupport(kind=Kind.MARKET, reduce_only=True)])
    venue = FakeVenue(capabilities=reducing, contract=contract, held=[position])
    async with running_exchange(sqlite, venue) as exchange:
        bought = await exchange.create(order(BUY, market={}, reduce_only=True))
        assert (bought.state, bought.contract.settle_asset) == (_S.ORDER_STATE_FILLED, "usdt")
        for wrong in (order(SELL, market={}, reduce_only=True), order(BUY, market={}, reduce_only=True)):
            wrong.order.quantity = "1.5"
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await exchange.create(wrong)
            assert reason_of(caught.value) == "REDUCE_ONLY"


async def test_quote_quantity_is_the_venue_s_to_divide(sqlite: str) -> None:
    async with running_exchange(sqlite) as exchange:
        request = market_order()
        request.order.quantity, request.order.quote_quantity = "", "250"
        done = await exchange.create(request)
        done = await exchange.settled(done.name, "FILLED")
        assert (done.quantity, done.quote_quantity, done.filled_notional) == ("2.5", "250", "250")
        again = await exchange.create(request)
        assert again.name == done.name


async def test_time_in_force_that_the_venue_lacks_is_kept_here(database_url: str) -> None:
    venue, clock = FakeVenue(), ShiftedClock()
    async with running_exchange(database_url, venue, clock=clock) as exchange:
        soon = to_timestamp(clock.now() + timedelta(hours=1))
        resting, waiting, day = limit_order("2"), stop_order(), limit_order("2")
        resting.order.limit.time_in_force = side_pb2.TIME_IN_FORCE_GTD
        resting.order.limit.expire_time.CopyFrom(soon)
        waiting.order.stop_market.time_in_force = side_pb2.TIME_IN_FORCE_GTD
        waiting.order.stop_market.expire_time.CopyFrom(soon)
        day.order.limit.time_in_force = side_pb2.TIME_IN_FORCE_DAY
        orders = [await exchange.create(each) for each in (resting, waiting, day)]
        assert [each.state for each in orders] == [_S.ORDER_STATE_OPEN, HELD, _S.ORDER_STATE_OPEN]
        assert venue.orders[orders[0].client_order_id].terms == LimitTerms(Decimal(100))
        venue.trade(orders[0].client_order_id, "0.5")
        await exchange.settled(orders[0].name, "PARTIALLY_FILLED")
        clock.ahead = timedelta(days=1)
        for each in orders:
            ended = await exchange.settled(each.name, "EXPIRED")
            assert ended.reason == "TIME_IN_FORCE"
        assert (await exchange.order(orders[0].name)).filled_quantity == "0.5"
        resting.request_id = market_order().request_id
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(resting)
        assert reason_of(caught.value) == "INVALID_REQUEST"


async def test_a_venue_shows_what_it_can_do(sqlite: str) -> None:
    async with running_exchange(sqlite) as exchange:
        venue = await exchange.stub.GetVenue(pb.GetVenueRequest(name="venues/sim"))
        table = {each.kind: each for each in venue.capabilities}
        assert set(table) == {
            field.name for field in order_pb2.Order.DESCRIPTOR.oneofs_by_name["kind"].fields
        }
        assert table["limit"].support == venue_pb2.SUPPORT_NATIVE
        assert table["trailing_stop"].support == venue_pb2.SUPPORT_EMULATED
        assert side_pb2.TIME_IN_FORCE_DAY in table["limit"].times_in_force
        assert table["market"].quote_quantity
        assert not table["limit"].display_quantity


async def test_fifty_prices_at_once_send_one_order(sqlite: str) -> None:
    prices, venue = FakePrices(), FakeVenue()
    async with running_exchange(sqlite, venue, prices=prices, timing=PATIENT) as exchange:
        held = [await exchange.create(stop_order(trigger=f"{90 - n}")) for n in range(3)]
        await eventually(lambda: _watched(prices))
        for _ in range(50):
            prices.set("80")
        for each in held:
            with suppress(grpc.aio.AioRpcError):
                await exchange.cancel(each.name)
        for each in held:
            await exchange.settled(each.name, "FILLED", "CANCELLED")
    assert len(venue.sendings) == len(set(venue.sendings))
