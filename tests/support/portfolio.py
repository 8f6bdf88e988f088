"""The portfolio service behind real gRPC, fed by a real event log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo
from trademesh.exchange.v1 import (
    balance_pb2,
    exchange_service_pb2,
    exchange_service_pb2_grpc,
    fill_pb2,
    order_events_pb2,
)
from trademesh.market.v1 import instrument_pb2, market_service_pb2, market_service_pb2_grpc, ticker_pb2
from trademesh.portfolio.v1 import portfolio_service_pb2 as pb
from trademesh.portfolio.v1 import portfolio_service_pb2_grpc
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.persistence import Database
from services.chassis.rpc.status import details_of
from services.chassis.runtime import Binding
from services.portfolio.app import build
from tests.support.application import EventLog, event_log, running
from tests.support.rpc import Serve

ACCOUNT = "accounts/paper"
BTC = "venues/sim/instruments/btc-usdt"
PERPETUAL = "venues/sim/instruments/btc-usdt-perp"
INVERSE = "venues/sim/instruments/btc-usd-perp"
MIGRATIONS = "services.portfolio.storage.migrations"
NOON = datetime(2024, 8, 8, 12, tzinfo=UTC)
LINEAR_TERMS = contract_pb2.ContractTerms(
    kind=contract_pb2.INSTRUMENT_KIND_PERPETUAL, contract_size="0.001", settle_asset="usdt"
)
INVERSE_TERMS = contract_pb2.ContractTerms(
    kind=contract_pb2.INSTRUMENT_KIND_PERPETUAL, contract_size="100", settle_asset="btc", inverse=True
)


class Market(market_service_pb2_grpc.MarketServiceServicer):
    """Quotes what the test says; nothing else."""

    def __init__(self) -> None:
        self.quotes: dict[str, tuple[str, str]] = {}
        self.pairs: list[tuple[str, str]] = []

    async def ListInstruments(  # noqa: N802 - the contract's name
        self, request: Any, context: Any
    ) -> market_service_pb2.ListInstrumentsResponse:
        return market_service_pb2.ListInstrumentsResponse(
            instruments=[
                instrument_pb2.Instrument(
                    name=f"{request.parent}/instruments/{base}-{quote}", base_asset=base, quote_asset=quote
                )
                for base, quote in self.pairs
            ]
        )

    async def GetTicker(self, request: Any, context: Any) -> ticker_pb2.Ticker:  # noqa: N802 - the contract's name
        if request.name not in self.quotes:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no price")
        bid, ask = self.quotes[request.name]
        return ticker_pb2.Ticker(name=request.name, bid_price=bid, ask_price=ask)


class Exchange(exchange_service_pb2_grpc.ExchangeServiceServicer):
    """Says of balances (free and locked) and positions what the test says."""

    def __init__(self) -> None:
        self.balances: dict[str, tuple[str, str]] = {}
        self.positions: dict[str, str] = {}

    async def ListBalances(  # noqa: N802 - the contract's name
        self, request: Any, context: Any
    ) -> exchange_service_pb2.ListBalancesResponse:
        return exchange_service_pb2.ListBalancesResponse(
            balances=[
                balance_pb2.Balance(
                    account=request.parent, venue="venues/sim", asset=asset, free=free, locked=locked
                )
                for asset, (free, locked) in self.balances.items()
            ]
        )

    async def ListPositions(  # noqa: N802 - the contract's name
        self, request: Any, context: Any
    ) -> exchange_service_pb2.ListPositionsResponse:
        return exchange_service_pb2.ListPositionsResponse(
            positions=[
                balance_pb2.VenuePosition(account=request.parent, instrument=instrument, quantity=quantity)
                for instrument, quantity in self.positions.items()
            ]
        )


def at(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def transfer(
    amount: str,
    kind: balance_pb2.TransferKind = balance_pb2.TRANSFER_KIND_UNSPECIFIED,
    *,
    asset: str = "usdt",
    venue: str = "sim",
    instrument: str = "",
) -> Message:
    return order_events_pb2.TransferRecorded(
        transfer=balance_pb2.Transfer(
            account=ACCOUNT,
            venue=f"venues/{venue}",
            venue_transfer_id=str(uuid4()),
            asset=asset,
            amount=amount,
            exchange_time=at(NOON),
            kind=kind,
            instrument=instrument,
        )
    )


def filled(
    side: side_pb2.Side,
    quantity: str,
    price: str,
    fee: str,
    minutes: int = 1,
    *,
    instrument: str = BTC,
    fee_asset: str = "usdt",
    strategy: str = "",
    contract: contract_pb2.ContractTerms | None = None,
) -> Message:
    return order_events_pb2.FillRecorded(
        fill=fill_pb2.Fill(
            name=f"{ACCOUNT}/fills/{uuid4()}",
            order=f"{ACCOUNT}/orders/o1",
            instrument=instrument,
            side=side,
            price=price,
            quantity=quantity,
            fee=fee,
            fee_asset=fee_asset,
            base_asset="btc",
            quote_asset="usd" if contract is not None and contract.inverse else "usdt",
            exchange_time=at(NOON + timedelta(minutes=minutes)),
            strategy=strategy and f"strategies/{strategy}",
            contract=contract,
        )
    )


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The reason in the one ErrorInfo of an error."""
    status = details_of(error)
    assert status is not None
    info = ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.domain == "portfolio.trademesh"
    return str(info.reason)


@dataclass
class Stage:
    """The service with its neighbours."""

    stub: "portfolio_service_pb2_grpc.PortfolioServiceAsyncStub"
    market: Market
    exchange: EventLog
    database: Database
    exchange_says: Exchange

    async def happened(self, *events: Message) -> None:
        """Let the exchange log these, and wait until the books have them."""
        sequence = await self.exchange.happened(*events, correlation_id="c-1")
        request = pb.GetTrialBalanceRequest(name=f"{ACCOUNT}/trialBalance")
        async with asyncio.timeout(10):
            while await self._booked(request) < sequence:
                await asyncio.sleep(0.01)

    async def _booked(self, request: pb.GetTrialBalanceRequest) -> int:
        try:
            return (await self.stub.GetTrialBalance(request)).event_sequence
        except grpc.aio.AioRpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND  # noqa: PT017 - nothing is booked yet
            return 0


@asynccontextmanager
async def staged(serve: Serve, database_url: str, folder: Path) -> AsyncIterator[Stage]:
    """The service on a database, with an event log of the exchange and a market of the test's choice."""
    market = Market()
    says = Exchange()
    venues = Binding(says, exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server)
    prices = Binding(market, market_service_pb2_grpc.add_MarketServiceServicer_to_server)
    database = await Database.open(database_url, migrations=MIGRATIONS)
    async with (
        event_log(folder / "exchange.sqlite3") as exchange,
        serve([exchange.binding, venues]) as to_exchange,
        serve([prices]) as to_market,
        running(
            "portfolio",
            build,
            database=database,
            channels={"exchange": to_exchange, "market": to_market},
        ) as channel,
    ):
        yield Stage(
            portfolio_service_pb2_grpc.PortfolioServiceStub(channel), market, exchange, database, says
        )
    await database.close()
