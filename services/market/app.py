"""Wires the market service."""

import asyncio

from trademesh.market.v1 import market_service_pb2_grpc

from services.chassis.runtime import Application, Background, Binding, Runtime
from services.market.board import Board, VenueBoard
from services.market.domain.live import Keeping
from services.market.feeds.ccxt_feed import CcxtFeed
from services.market.feeds.simvenue import SimvenueFeed
from services.market.handlers import MarketReads, MarketStreams, StreamLimits
from services.market.ingest import Ingest, IngestGroup
from services.market.metrics import MarketMetrics
from services.market.servicer import MarketServicer
from services.market.settings import MarketSettings


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment."""
    return assemble(runtime, MarketSettings(), MarketMetrics())


def assemble(runtime: Runtime, settings: MarketSettings, metrics: MarketMetrics) -> Application:
    """Wire the feeds, the board and what is read from it.

    SERVING once every first book of the simulated venue is in. Real venues join when they answer.
    """
    feed = SimvenueFeed(
        runtime.channel("simvenue"),
        runtime.clock,
        history_candles=settings.history_candles,
        silence=settings.feed_silence_seconds,
    )
    real = [
        CcxtFeed(
            each,
            runtime.clock,
            history_candles=settings.history_candles,
            silence=settings.feed_silence_seconds,
        )
        for each in settings.feeds
    ]

    def made(venue: str) -> VenueBoard:
        return VenueBoard(
            venue,
            runtime.clock,
            metrics,
            stale_after=settings.stale_after,
            keeping=Keeping(settings.kept_trades, settings.kept_candles),
        )

    venue, others = made(feed.venue), [made(each.venue) for each in real]
    board = Board([venue], others)
    follow = [Ingest(each, other, metrics) for each, other in zip(real, others, strict=True)]
    ingests = IngestGroup([Ingest(feed, venue, metrics), *follow])
    limits = StreamLimits(settings.stream_queue, settings.stream_heartbeat_seconds)
    servicer = MarketServicer(MarketReads(board), MarketStreams(board, metrics, limits), runtime.clock)

    async def prepare() -> None:
        ingests.start()
        await ingests.started(asyncio.create_task(board.ready()))

    return Application(
        servicers=[Binding(servicer, market_service_pb2_grpc.add_MarketServiceServicer_to_server)],
        background=[Background("feeds", ingests.run)],
        self_tests=[board.check_fresh],
        prepare=prepare,
        close=ingests.stop,
    )
