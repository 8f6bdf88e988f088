"""StrategyService on the wire: convert, handle, convert."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio
from google.protobuf.empty_pb2 import Empty
from trademesh.strategy.v1 import strategy_pb2, strategy_service_pb2, strategy_service_pb2_grpc
from trademesh.type.v1 import stream_pb2

from services.chassis.persistence.requests import Once
from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.chassis.rpc.timestamps import to_timestamp
from services.kernel.clock import Clock
from services.kernel.names import StrategyName
from services.strategy import convert
from services.strategy.domain.strategy import StrategyState
from services.strategy.handlers import Beat, Drained, Frame, SignalStreams, StrategyCommands, StrategyReads
from services.strategy.ports import Session

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class StrategyServicer(strategy_service_pb2_grpc.StrategyServiceServicer):
    """Serves ``trademesh.strategy.v1.StrategyService``.

    Args:
        commands: the mutations.
        reads: the reads.
        streams: WatchSignals.
        once: runs a mutation once for each request id.
        clock: our time, for heartbeats.
    """

    def __init__(
        self,
        commands: StrategyCommands,
        reads: StrategyReads,
        streams: SignalStreams,
        once: Once[Session],
        clock: Clock,
    ) -> None:
        self._commands = commands
        self._reads = reads
        self._streams = streams
        self._once = once
        self._clock = clock

    async def ListStrategies(
        self, request: strategy_service_pb2.ListStrategiesRequest, context: Context
    ) -> strategy_service_pb2.ListStrategiesResponse:
        """A page of strategies."""
        after = after_page_token(request)
        page, more = await self._reads.strategies(page_size(request), after[0] if after else None)
        return strategy_service_pb2.ListStrategiesResponse(
            strategies=[convert.strategy_to_proto(each) for each in page],
            next_page_token=next_page_token(request, [page[-1].name.strategy]) if more else "",
        )

    async def GetStrategy(
        self, request: strategy_service_pb2.GetStrategyRequest, context: Context
    ) -> strategy_pb2.Strategy:
        """One strategy."""
        return convert.strategy_to_proto(await self._reads.strategy(StrategyName.parse(request.name)))

    async def CreateStrategy(
        self, request: strategy_service_pb2.CreateStrategyRequest, context: Context
    ) -> strategy_pb2.Strategy:
        """A new strategy, disabled."""
        name = StrategyName(request.strategy_id)
        definition = convert.definition_from_proto(request.strategy)

        async def work(session: Session) -> strategy_pb2.Strategy:
            return convert.strategy_to_proto(await self._commands.create(session, name, definition))

        return await self._once(request, strategy_pb2.Strategy, work)

    async def UpdateStrategy(
        self, request: strategy_service_pb2.UpdateStrategyRequest, context: Context
    ) -> strategy_pb2.Strategy:
        """The named fields of a disabled strategy."""
        name = StrategyName.parse(request.strategy.name, field="strategy.name")
        redefine = convert.redefinition_of(request)

        async def work(session: Session) -> strategy_pb2.Strategy:
            changed = await self._commands.update(session, name, request.strategy.etag, redefine)
            return convert.strategy_to_proto(changed)

        return await self._once(request, strategy_pb2.Strategy, work)

    async def DeleteStrategy(
        self, request: strategy_service_pb2.DeleteStrategyRequest, context: Context
    ) -> Empty:
        """Removes a disabled strategy."""
        name = StrategyName.parse(request.name)

        async def work(session: Session) -> Empty:
            await self._commands.delete(session, name, request.etag)
            return Empty()

        return await self._once(request, Empty, work)

    async def EnableStrategy(
        self, request: strategy_service_pb2.EnableStrategyRequest, context: Context
    ) -> strategy_pb2.Strategy:
        """Starts a strategy."""
        work = self._set_state(request.name, StrategyState.ENABLED)
        return await self._once(request, strategy_pb2.Strategy, work)

    async def DisableStrategy(
        self, request: strategy_service_pb2.DisableStrategyRequest, context: Context
    ) -> strategy_pb2.Strategy:
        """Stops a strategy."""
        work = self._set_state(request.name, StrategyState.DISABLED)
        return await self._once(request, strategy_pb2.Strategy, work)

    async def ListSignals(
        self, request: strategy_service_pb2.ListSignalsRequest, context: Context
    ) -> strategy_service_pb2.ListSignalsResponse:
        """A page of a strategy's signals, newest first."""
        name = StrategyName.parse(request.parent, field="parent")
        after = after_page_token(request)
        page, more = await self._reads.signals(name, page_size(request), int(after[0]) if after else None)
        return strategy_service_pb2.ListSignalsResponse(
            signals=[convert.signal_to_proto(each) for each in page],
            next_page_token=next_page_token(request, [str(page[-1].sequence)]) if more else "",
        )

    async def WatchSignals(
        self, request: strategy_service_pb2.WatchSignalsRequest, context: Context
    ) -> AsyncIterator[strategy_service_pb2.WatchSignalsResponse]:
        """A strategy's signals after a sequence, then each new one."""
        name = StrategyName.parse(request.parent, field="parent")
        async with aclosing(self._streams.watch(name, request.after_sequence)) as frames:
            async for frame in frames:
                yield self._frame(frame)

    def drain(self) -> None:
        """End the open streams with SERVER_DRAINING; called when the service stops taking traffic."""
        self._streams.drain()

    def _set_state(
        self, text: str, state: StrategyState
    ) -> Callable[[Session], Awaitable[strategy_pb2.Strategy]]:
        name = StrategyName.parse(text)

        async def work(session: Session) -> strategy_pb2.Strategy:
            return convert.strategy_to_proto(await self._commands.set_state(session, name, state))

        return work

    def _frame(self, frame: Frame) -> strategy_service_pb2.WatchSignalsResponse:
        response = strategy_service_pb2.WatchSignalsResponse
        match frame:
            case Beat():
                beat = stream_pb2.Heartbeat(send_time=to_timestamp(self._clock.now()))
                return response(heartbeat=beat)
            case Drained():
                text = "this instance is going down; open the stream again"
                return response(end=stream_pb2.StreamEnd(reason="SERVER_DRAINING", message=text))
            case signal:
                return response(signal=convert.signal_to_proto(signal))
