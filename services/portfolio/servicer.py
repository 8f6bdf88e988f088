"""PortfolioService: convert, ask the handler, convert back."""

from datetime import datetime

import grpc
from trademesh.portfolio.v1 import (
    correction_pb2,
    ledger_pb2,
    portfolio_pb2,
    portfolio_service_pb2,
    portfolio_service_pb2_grpc,
    reconciliation_pb2,
    tax_lot_pb2,
)

from services.chassis.persistence.requests import Once
from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.chassis.rpc.timestamps import optional_datetime
from services.kernel.clock import Clock, IdSource
from services.kernel.names import AccountName, InstrumentName
from services.portfolio import convert
from services.portfolio.corrections import correct
from services.portfolio.handlers import Queries
from services.portfolio.ports import (
    BooksWriter,
    EntryQuery,
    EventPosition,
    GainQuery,
    LotQuery,
    Place,
    PointQuery,
)

Context = grpc.aio.ServicerContext[object, object]


class PortfolioServicer(portfolio_service_pb2_grpc.PortfolioServiceServicer):
    """Serves ``trademesh.portfolio.v1.PortfolioService``.

    Args:
        queries: answers from the books.
        events: how far the exchange's events have been booked.
        once: runs a mutation once for each request id.
        clock: the time.
        ids: names corrections.
    """

    def __init__(
        self,
        queries: Queries,
        events: EventPosition,
        once: Once[BooksWriter],
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._queries = queries
        self._events = events
        self._once = once
        self._clock = clock
        self._ids = ids

    async def GetPortfolio(
        self, request: portfolio_service_pb2.GetPortfolioRequest, context: Context
    ) -> portfolio_pb2.Portfolio:
        """Worth of an account."""
        account = _owner(request.name)
        # Taken before the books are read: the answer holds these events at least.
        sequence = self._events.position()
        worth = await self._queries.valuation(account, request.valuation_asset)
        return convert.portfolio_to_proto(
            account, worth, event_sequence=sequence, read_time=self._clock.now()
        )

    async def ListPositions(
        self, request: portfolio_service_pb2.ListPositionsRequest, context: Context
    ) -> portfolio_service_pb2.ListPositionsResponse:
        """Positions of an account."""
        after = after_page_token(request)
        limit = page_size(request)
        strategy = convert.strategy_from_proto(request.strategy)
        found = await self._queries.positions(
            _parent(request.parent),
            after=InstrumentName(*after) if after else None,
            limit=limit + 1,
            strategy=strategy,
        )
        page = found[:limit]
        answer = portfolio_service_pb2.ListPositionsResponse(
            positions=[convert.position_to_proto(marked, strategy) for marked in page]
        )
        if len(found) > limit:
            last = page[-1].position
            answer.next_page_token = next_page_token(request, [last.venue, last.instrument])
        return answer

    async def ListLedgerEntries(
        self, request: portfolio_service_pb2.ListLedgerEntriesRequest, context: Context
    ) -> portfolio_service_pb2.ListLedgerEntriesResponse:
        """Ledger entries of an account."""
        account = _parent(request.parent)
        after = after_page_token(request)
        limit = page_size(request)
        query = EntryQuery(
            account=account.account,
            beyond=_place(after),
            start_time=optional_datetime(request, "start_time"),
            end_time=optional_datetime(request, "end_time"),
            limit=limit + 1,
            strategy=convert.strategy_from_proto(request.strategy),
            oldest_first=request.oldest_first,
        )
        found = await self._queries.entries(query)
        page = found[:limit]
        answer = portfolio_service_pb2.ListLedgerEntriesResponse(
            ledger_entries=[convert.entry_to_proto(account, entry) for entry in page]
        )
        if len(found) > limit:
            last = page[-1]
            answer.next_page_token = next_page_token(request, _parts(last.exchange_time, last.number))
        return answer

    async def GetTrialBalance(
        self, request: portfolio_service_pb2.GetTrialBalanceRequest, context: Context
    ) -> ledger_pb2.TrialBalance:
        """The sum of every ledger account."""
        account = _owner(request.name)
        strategy = convert.strategy_from_proto(request.strategy)
        sequence = self._events.position()
        balance = await self._queries.trial_balance(account, strategy)
        return convert.trial_balance_to_proto(
            account, balance, event_sequence=sequence, read_time=self._clock.now(), strategy=strategy
        )

    async def CreateCorrection(
        self, request: portfolio_service_pb2.CreateCorrectionRequest, context: Context
    ) -> correction_pb2.Correction:
        """Put the books right."""
        account = _parent(request.parent)
        effect = convert.effect_from_proto(request.correction)

        async def work(books: BooksWriter) -> correction_pb2.Correction:
            booked = await correct(
                books, account, effect, reason=request.correction.reason, clock=self._clock, ids=self._ids
            )
            await books.flush()
            return convert.correction_to_proto(account, request.correction, booked)

        return await self._once(request, correction_pb2.Correction, work)

    async def ListTaxLots(
        self, request: portfolio_service_pb2.ListTaxLotsRequest, context: Context
    ) -> portfolio_service_pb2.ListTaxLotsResponse:
        """Tax lots of an account."""
        after = after_page_token(request)
        limit = page_size(request)
        found = await self._queries.lots(
            LotQuery(
                account=_parent(request.parent).account,
                instrument=convert.instrument_from_proto(request.instrument),
                live_only=not request.include_closed,
                after=int(after[0]) if after else 0,
                limit=limit + 1,
            )
        )
        page = found[:limit]
        answer = portfolio_service_pb2.ListTaxLotsResponse(
            tax_lots=[convert.lot_to_proto(lot) for lot in page]
        )
        if len(found) > limit:
            answer.next_page_token = next_page_token(request, [str(page[-1].number)])
        return answer

    async def ListRealizedGains(
        self, request: portfolio_service_pb2.ListRealizedGainsRequest, context: Context
    ) -> portfolio_service_pb2.ListRealizedGainsResponse:
        """What closings gained, lot by lot."""
        after = after_page_token(request)
        limit = page_size(request)
        found = await self._queries.gains(
            GainQuery(
                account=_parent(request.parent).account,
                instrument=convert.instrument_from_proto(request.instrument),
                start_time=optional_datetime(request, "start_time"),
                end_time=optional_datetime(request, "end_time"),
                after=_place(after),
                limit=limit + 1,
            )
        )
        page = found[:limit]
        answer = portfolio_service_pb2.ListRealizedGainsResponse(
            realized_gains=[convert.gain_to_proto(booked) for booked in page]
        )
        if len(found) > limit:
            last = page[-1]
            answer.next_page_token = next_page_token(request, _parts(last.gain.close_time, last.number))
        return answer

    async def GetAccountSettings(
        self, request: portfolio_service_pb2.GetAccountSettingsRequest, context: Context
    ) -> tax_lot_pb2.AccountSettings:
        """How the books of an account are kept."""
        account = _owner(request.name)
        return convert.account_settings_to_proto(account, await self._queries.lot_method(account))

    async def UpdateAccountSettings(
        self, request: portfolio_service_pb2.UpdateAccountSettingsRequest, context: Context
    ) -> tax_lot_pb2.AccountSettings:
        """Set how the books of an account are kept from now on."""
        account = _owner(request.account_settings.name)
        method = convert.lot_method_from_proto(request.account_settings)

        async def work(books: BooksWriter) -> tax_lot_pb2.AccountSettings:
            await books.set_lot_method(account.account, method)
            await books.flush()
            return convert.account_settings_to_proto(account, method)

        return await self._once(request, tax_lot_pb2.AccountSettings, work)

    async def ListEquityPoints(
        self, request: portfolio_service_pb2.ListEquityPointsRequest, context: Context
    ) -> portfolio_service_pb2.ListEquityPointsResponse:
        """The equity curve of an account."""
        account = _parent(request.parent)
        after = after_page_token(request)
        limit = page_size(request)
        found = await self._queries.equity_points(
            PointQuery(
                account=account.account,
                start_time=optional_datetime(request, "start_time"),
                end_time=optional_datetime(request, "end_time"),
                after=_place(after),
                limit=limit + 1,
            )
        )
        page = found[:limit]
        answer = portfolio_service_pb2.ListEquityPointsResponse(
            equity_points=[convert.equity_point_to_proto(account, point) for point in page]
        )
        if len(found) > limit:
            answer.next_page_token = next_page_token(request, _parts(page[-1].time, page[-1].number))
        return answer

    async def GetReconciliation(
        self, request: portfolio_service_pb2.GetReconciliationRequest, context: Context
    ) -> reconciliation_pb2.Reconciliation:
        """The ledger beside what the venues say."""
        account = _owner(request.name)
        found = await self._queries.reconciliation(account)
        return convert.reconciliation_to_proto(
            account, found, event_sequence=self._events.position(), read_time=self._clock.now()
        )


def _place(after: tuple[str, ...] | None) -> Place | None:
    """Where a page goes on, of the parts of its token."""
    return Place(datetime.fromisoformat(after[0]), int(after[1])) if after else None


def _parts(time: datetime, number: int) -> list[str]:
    """What a page token keeps of the last row."""
    return [time.isoformat(), str(number)]


def _parent(parent: str) -> AccountName:
    return AccountName.parse(parent, field="parent")


def _owner(singleton: str) -> AccountName:
    """The account of a singleton's name, as in ``accounts/paper/portfolio``."""
    return AccountName.parse(singleton.rpartition("/")[0])
