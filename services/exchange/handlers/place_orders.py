"""Places several orders under one request_id, one after another."""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid5

from services.exchange.domain.errors import request_expired, request_in_progress, writer_fenced
from services.exchange.domain.order import OrderIntent
from services.exchange.handlers.place_order import PlaceOrder
from services.exchange.handlers.requests import Requests
from services.exchange.handlers.send_order import Outside
from services.exchange.ports import Method, OrderResult, RequestClaim
from services.kernel.errors import DomainError, request_id_reused

_EACH_S: Final = 10.0
"""One order has as long as a call of its own would have, whatever the orders before it took."""
_NOT_AN_ANSWER: Final = frozenset(
    {"WRITER_FENCED", "SERVER_DRAINING", "REQUEST_IN_PROGRESS", "STORAGE_UNAVAILABLE", "INTERNAL"}
)
"""Reasons that say nothing of the order. The call fails with them, and a repeat of it carries on."""


class PlaceOrders:
    """The use case of CreateOrders.

    Args:
        outside: what it stands on.
        requests: the mutations running in this process.
        placing: places each of them.
    """

    def __init__(self, outside: Outside, requests: Requests, placing: PlaceOrder) -> None:
        self._outside = outside
        self._requests = requests
        self._placing = placing

    async def handle(
        self, account: str, intents: Sequence[OrderIntent], request_id: str, remaining: float
    ) -> Sequence[OrderResult]:
        """Place orders and say what became of each, or what was answered first.

        Each order has a request_id of its own, a function of the whole's and of its place, so that a
        repeat after a crash finds those that were placed and goes on behind them.

        Args:
            account: id of the account.
            intents: what is asked for.
            request_id: the caller's id of the request.
            remaining: seconds until the caller's deadline.

        Raises:
            DomainError: the reasons of the contract; then a repeat carries on.
        """
        fingerprint = _fingerprint(intents)
        return await self._requests.run(
            account,
            request_id,
            fingerprint,
            lambda: self._once(account, intents, request_id, fingerprint),
            remaining,
        )

    async def _once(
        self, account: str, intents: Sequence[OrderIntent], request_id: str, fingerprint: str
    ) -> Sequence[OrderResult]:
        self._outside.desks.require_account(account)
        earlier = await self._claimed(account, intents, request_id, fingerprint)
        if earlier is not None:
            return earlier
        whole = UUID(request_id)
        results = [
            await self._place(intent, str(uuid5(whole, str(index)))) for index, intent in enumerate(intents)
        ]
        async with self._outside.store.writing(account) as transaction:
            await transaction.answer_batch(account, request_id, results)
            stored = await transaction.batch(account, request_id)
        if stored is None or stored.answer is None:
            raise request_in_progress(request_id)
        return stored.answer

    async def _claimed(
        self, account: str, intents: Sequence[OrderIntent], request_id: str, fingerprint: str
    ) -> Sequence[OrderResult] | None:
        """The first answer where there is one; None where the orders are to be placed, or the rest of them.

        Raises:
            DomainError: REQUEST_ID_REUSED, REQUEST_EXPIRED, WRITER_FENCED.
        """
        outside = self._outside
        async with outside.store.reading() as queries:
            known = await queries.request(account, request_id)
            stored = await queries.batch(account, request_id)
        if known is not None and known.fingerprint != fingerprint:
            raise request_id_reused(request_id)
        if stored is not None:
            return stored.answer
        if not outside.store.is_writer(account):
            raise writer_fenced(account)
        expiry = next((intent.expire_time for intent in intents), None)
        if expiry is not None and outside.clock.now() >= expiry:
            raise request_expired(expiry)
        claim = RequestClaim(Method.CREATE_ORDERS, fingerprint, outside.ids.new())
        async with outside.store.writing(account) as transaction:
            if not await transaction.claim_request(account, request_id, claim):
                # Another instance was faster by a moment, and is at work.
                raise request_in_progress(request_id)
        return None

    async def _place(self, intent: OrderIntent, request_id: str) -> OrderResult:
        try:
            return await self._placing.handle(intent, request_id, _EACH_S)
        except DomainError as error:
            if error.reason in _NOT_AN_ANSWER:
                raise
            return error


def _fingerprint(intents: Sequence[OrderIntent]) -> str:
    """Equal for two requests that mean the same orders in the same order."""
    parts = ["create_orders", *(intent.fingerprint() for intent in intents)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
