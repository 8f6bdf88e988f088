"""PortfolioService: convert, ask the handler, convert back."""

import grpc
from trademesh.portfolio.v1 import (
    ledger_pb2,
    portfolio_pb2,
    portfolio_service_pb2,
    portfolio_service_pb2_grpc,
)

from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.chassis.rpc.timestamps import optional_datetime
from services.kernel.clock import Clock
from services.kernel.names import AccountName, InstrumentName
from services.portfolio import convert
from services.portfolio.handlers import Queries
from services.portfolio.ports import EntryQuery, EventPosition

Context = grpc.aio.ServicerContext[object, object]


class PortfolioServicer(portfolio_service_pb2_grpc.PortfolioServiceServicer):
    """Serves ``trademesh.portfolio.v1.PortfolioService``.

    Args:
        queries: answers from the books.
        events: how far the exchange's events have been booked.
        clock: the time.
    """

    def __init__(self, queries: Queries, events: EventPosition, clock: Clock) -> None:
        self._queries = queries
        self._events = events
        self._clock = clock

    async def GetPortfolio(
        self, request: portfolio_service_pb2.GetPortfolioRequest, context: Context
    ) -> portfolio_pb2.Portfolio:
        """Worth of an account."""
        account = _owner(request.name)
        # Taken before the books are read: the answer holds these events at least.
        sequence = self._events.position()
        worth = await self._queries.valuation(account)
        return convert.portfolio_to_proto(
            account, worth, event_sequence=sequence, read_time=self._clock.now()
        )

    async def ListPositions(
        self, request: portfolio_service_pb2.ListPositionsRequest, context: Context
    ) -> portfolio_service_pb2.ListPositionsResponse:
        """Positions of an account."""
        after = after_page_token(request)
        limit = page_size(request)
        found = await self._queries.positions(
            AccountName.parse(request.parent, field="parent"),
            after=InstrumentName(*after) if after else None,
            limit=limit + 1,
        )
        page = found[:limit]
        answer = portfolio_service_pb2.ListPositionsResponse(
            positions=[convert.position_to_proto(marked) for marked in page]
        )
        if len(found) > limit:
            last = page[-1].position
            answer.next_page_token = next_page_token(request, [last.venue, last.instrument])
        return answer

    async def ListLedgerEntries(
        self, request: portfolio_service_pb2.ListLedgerEntriesRequest, context: Context
    ) -> portfolio_service_pb2.ListLedgerEntriesResponse:
        """Ledger entries of an account."""
        account = AccountName.parse(request.parent, field="parent")
        after = after_page_token(request)
        limit = page_size(request)
        found = await self._queries.entries(
            EntryQuery(
                account=account.account,
                before=int(after[0]) if after else None,
                start_time=optional_datetime(request, "start_time"),
                end_time=optional_datetime(request, "end_time"),
                limit=limit + 1,
            )
        )
        page = found[:limit]
        answer = portfolio_service_pb2.ListLedgerEntriesResponse(
            ledger_entries=[convert.entry_to_proto(account, entry) for entry in page]
        )
        if len(found) > limit:
            answer.next_page_token = next_page_token(request, [str(page[-1].number)])
        return answer

    async def GetTrialBalance(
        self, request: portfolio_service_pb2.GetTrialBalanceRequest, context: Context
    ) -> ledger_pb2.TrialBalance:
        """The sum of every ledger account."""
        account = _owner(request.name)
        sequence = self._events.position()
        balance = await self._queries.trial_balance(account)
        return convert.trial_balance_to_proto(
            account, balance, event_sequence=sequence, read_time=self._clock.now()
        )


def _owner(singleton: str) -> AccountName:
    """The account of a singleton's name, as in ``accounts/paper/portfolio``."""
    return AccountName.parse(singleton.rpartition("/")[0])
