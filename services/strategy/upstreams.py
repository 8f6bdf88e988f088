"""The market service, behind the port that the runners use."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime, timedelta

import grpc.aio
from trademesh.market.v1 import candle_pb2, market_service_pb2, market_service_pb2_grpc

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.decimals import parse
from services.kernel.names import InstrumentName
from services.strategy.domain.signal import ClosedCandle
from services.strategy.ports import MarketLostError

_DEADLINE_S = 2.0
_MOST = 1000


class MarketCandles:
    """Closed candles over gRPC; see :class:`services.strategy.ports.Candles`.

    Args:
        channel: to the market service.
        silence: seconds without any frame after which a stream counts as dead; the market sends a
            heartbeat at least every ten.
    """

    def __init__(self, channel: grpc.aio.Channel, *, silence: float = 30.0) -> None:
        self._stub: market_service_pb2_grpc.MarketServiceAsyncStub = (
            market_service_pb2_grpc.MarketServiceStub(channel)
        )
        self._silence = silence

    async def exchange_time(self, instrument: InstrumentName) -> datetime:
        """The venue's clock at the last change of the ticker, which the market vouches for.

        Raises:
            MarketLostError: the market is away, or its data is old.
        """
        request = market_service_pb2.GetTickerRequest(name=f"{instrument}/ticker")
        try:
            ticker = await self._stub.GetTicker(request, timeout=_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            raise _lost(error) from error
        return to_datetime(ticker.exchange_time)

    async def closed(
        self, instrument: InstrumentName, interval: str, count: int, until: datetime | None
    ) -> Sequence[ClosedCandle]:
        """The latest closed candles, oldest first.

        Raises:
            MarketLostError: the market is away.
        """
        # One more, since the last one may still be open.
        request = market_service_pb2.ListCandlesRequest(
            parent=str(instrument), interval=interval, page_size=min(count + 1, _MOST)
        )
        if until is not None:
            request.end_time.CopyFrom(to_timestamp(until + timedelta(microseconds=1)))
        try:
            answer = await self._stub.ListCandles(request, timeout=_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            raise _lost(error) from error
        return [_candle(each) for each in answer.candles if each.closed][-count:]

    async def watch(
        self, instrument: InstrumentName, interval: str, after: datetime
    ) -> AsyncGenerator[ClosedCandle, None]:
        """Every closed candle that opens after a moment.

        Raises:
            MarketLostError: the stream broke, ended or went silent.
        """
        request = market_service_pb2.WatchMarketRequest(
            instrument=str(instrument),
            kinds=[market_service_pb2.MARKET_EVENT_KIND_CANDLE],
            candle_interval=interval,
            candles_after=to_timestamp(after),
        )
        # A stream has no deadline; silence ends it instead.
        call = self._stub.WatchMarket(request)
        frames = aiter(call)
        try:
            while True:
                frame = await self._next(frames)
                if frame.HasField("end"):
                    raise MarketLostError(f"the market ended the stream: {frame.end.reason}")
                if frame.HasField("candle") and frame.candle.closed:
                    yield _candle(frame.candle)
        finally:
            call.cancel()

    async def _next(
        self, frames: AsyncIterator[market_service_pb2.WatchMarketResponse]
    ) -> market_service_pb2.WatchMarketResponse:
        try:
            async with asyncio.timeout(self._silence):
                return await anext(frames)
        except grpc.aio.AioRpcError as error:
            raise _lost(error) from error
        except TimeoutError as error:
            raise MarketLostError(f"no frame from the market for {self._silence:g} s") from error
        except StopAsyncIteration as error:
            raise MarketLostError("the stream of the market broke off") from error


def _candle(message: candle_pb2.Candle) -> ClosedCandle:
    return ClosedCandle(
        to_datetime(message.open_time), to_datetime(message.close_time), parse(message.close_price)
    )


def _lost(error: grpc.aio.AioRpcError) -> MarketLostError:
    return MarketLostError(f"{error.code().name}: {error.details()}")
