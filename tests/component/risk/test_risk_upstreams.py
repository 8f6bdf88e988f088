"""What risk asks of the market: shared for a moment, left out where it is silent, rates by a pair."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import grpc
import pytest
from trademesh.market.v1 import instrument_pb2, market_service_pb2, market_service_pb2_grpc, ticker_pb2

from services.chassis.runtime import Binding
from services.kernel.errors import DomainError
from services.risk.answers import SharedAnswers
from services.risk.upstreams import MarketService
from tests.support.risk import BTC, ETH
from tests.support.rpc import Serve

PAIRS = {"btc-usdt": ("btc", "usdt"), "btc-usdt-perp": ("btc", "usdt"), "eth-btc": ("eth", "btc")}
BIDS = {"btc-usdt": "59990", "btc-usdt-perp": "1", "eth-btc": "0.04"}


class Market(market_service_pb2_grpc.MarketServiceServicer):
    """Knows three instruments, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.silent: set[str] = set()

    async def ListInstruments(self, request: Any, context: Any) -> market_service_pb2.ListInstrumentsResponse:  # noqa: N802 - the contract's name
        return market_service_pb2.ListInstrumentsResponse(instruments=[_instrument(name) for name in PAIRS])

    async def GetInstrument(self, request: Any, context: Any) -> instrument_pb2.Instrument:  # noqa: N802 - the contract's name
        name = request.name.rpartition("/")[2]
        if name not in PAIRS:
            await context.abort(grpc.StatusCode.NOT_FOUND, "none")
        return _instrument(name)

    async def GetTicker(self, request: Any, context: Any) -> ticker_pb2.Ticker:  # noqa: N802 - the contract's name
        self.asked += 1
        name = request.name.split("/")[3]
        if name in self.silent:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "stale")
        return ticker_pb2.Ticker(name=request.name, bid_price=BIDS[name], ask_price=BIDS[name])


def _instrument(name: str) -> instrument_pb2.Instrument:
    base, quote = PAIRS[name]
    return instrument_pb2.Instrument(
        name=f"venues/sim/instruments/{name}", base_asset=base, quote_asset=quote
    )


@pytest.fixture
async def market(serve: Serve) -> AsyncIterator[tuple[Market, grpc.aio.Channel]]:
    stand_in = Market()
    binding = Binding(stand_in, market_service_pb2_grpc.add_MarketServiceServicer_to_server)
    async with serve([binding]) as channel:
        yield stand_in, channel


async def test_checks_at_once_share_one_price(market: tuple[Market, grpc.aio.Channel]) -> None:
    stand_in, channel = market
    service = MarketService(channel, "usdt", 60.0)
    seen = await asyncio.gather(*(service.look({BTC}, set()) for _ in range(20)))
    assert {each.quotes[BTC].mark for each in seen} == {Decimal(59_990)}
    assert stand_in.asked == 1


async def test_an_old_price_is_not_used(market: tuple[Market, grpc.aio.Channel]) -> None:
    stand_in, channel = market
    service = MarketService(channel, "usdt", 0.0)
    assert BTC in (await service.look({BTC}, set())).quotes
    stand_in.silent = {"btc-usdt"}
    assert BTC not in (await service.look({BTC}, set())).quotes


async def test_rates_are_those_of_the_spot_pair_and_missing_where_there_is_none(
    market: tuple[Market, grpc.aio.Channel],
) -> None:
    _, channel = market
    service = MarketService(channel, "usdt", 60.0)
    cross = BTC.__class__("sim", "eth-btc")
    found = await service.look({cross}, {("sim", "doge"), ("sim", "usdt")})
    assert found.rates == {"usdt": 1, "btc": 59_990}


async def test_what_does_not_exist_is_told_from_what_is_silent(
    market: tuple[Market, grpc.aio.Channel],
) -> None:
    stand_in, channel = market
    stand_in.silent = {"btc-usdt"}
    found = await MarketService(channel, "usdt", 60.0).look({BTC, ETH}, set())
    assert (set(found.rules), set(found.quotes)) == ({BTC}, set())
    found.require(BTC)
    with pytest.raises(DomainError) as refused:
        found.require(ETH)
    assert refused.value.reason == "INSTRUMENT_NOT_FOUND"


async def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    asked, free = [], asyncio.Event()

    async def ask(key: str) -> str:
        asked.append(key)
        await free.wait()
        return key * 2

    answers = SharedAnswers(ask, 60.0)
    impatient, patient = asyncio.create_task(answers.get("a")), asyncio.create_task(answers.get("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    free.set()
    assert await patient == "aa"
    assert await answers.get("a") == "aa"
    assert asked == ["a"]
