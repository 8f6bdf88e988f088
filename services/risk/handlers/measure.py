"""Use cases: exposure, value at risk, stress, and what-if."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import AccountName
from services.risk.domain.account import AccountState
from services.risk.domain.equity import Worth, worth_of
from services.risk.domain.metrics import Stakes, Tail, losses, stakes, stress, tail
from services.risk.domain.order import OrderTerms
from services.risk.domain.question import Market
from services.risk.domain.traded import ONE, Traded
from services.risk.handlers.facts import require_facts
from services.risk.ports import History, MarketData, RiskStore

STEPS: Mapping[str, timedelta] = {
    "1s": timedelta(seconds=1),
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
}
_LEAST = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Parameters:
    """How losses are looked at.

    Attributes:
        confidence: share of the cases that the loss should not exceed.
        interval: length of a step, as the market names it.
        horizon: steps over which a loss is counted.
        window: steps of history.
    """

    confidence: Decimal = Decimal("0.95")
    interval: str = "1h"
    horizon: int = 1
    window: int = 500


@dataclass(frozen=True, slots=True)
class Measured:
    """What an account has at stake.

    Attributes:
        found: values of its positions.
        worth: what it is worth.
        tail: losses by history; None where they are not known.
        missing: what has no price, or not enough history.
        parameters: how losses were looked at.
    """

    found: Stakes
    worth: Worth
    tail: Tail | None
    missing: tuple[str, ...]
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Stressed:
    """What a scenario would do.

    Attributes:
        scenario: its name.
        shocks: relative changes by asset.
        profit: what the positions would gain; None where a price is missing.
        equity: what the account would be worth then; likewise.
        missing: what has no price.
    """

    scenario: str
    shocks: Mapping[str, Decimal]
    profit: Decimal | None
    equity: Decimal | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures accounts.

    Attributes:
        store: what risk knows.
        market: prices.
        history: past prices.
    """

    store: RiskStore
    market: MarketData
    history: History

    async def measure(self, account: AccountName, parameters: Parameters) -> Measured:
        """What an account has at stake now.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND; INVALID_REQUEST where the confidence is no share.
        """
        _require_share(parameters.confidence)
        state = await self._state(account)
        return await self._measured(state, await self._look(state), parameters)

    async def preview(
        self, account: AccountName, orders: Sequence[OrderTerms], parameters: Parameters
    ) -> tuple[Measured, Measured]:
        """What an account has at stake, and what it would have if orders were filled at the market.

        Raises:
            DomainError: as :meth:`measure`; INSTRUMENT_NOT_FOUND; UPSTREAM_UNAVAILABLE where an order's
                instrument has no price.
        """
        _require_share(parameters.confidence)
        before = await self._state(account)
        after, seen = before, await self._look(before)
        for order in orders:
            market = await self.market.look({order.instrument}, before.assets() | before.money())
            market.require(order.instrument)
            after = _filled(after, order, market)
            seen = Market(
                {**seen.rules, **market.rules},
                {**seen.quotes, **market.quotes},
                {**seen.rates, **market.rates},
            )
        return (
            await self._measured(before, seen, parameters),
            await self._measured(after, seen, parameters),
        )

    async def stress(
        self, account: AccountName, scenarios: Mapping[str, Mapping[str, Decimal]]
    ) -> Sequence[Stressed]:
        """What scenarios would do to an account.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND; INVALID_REQUEST where a price would fall below zero.
        """
        for shocks in scenarios.values():
            if any(change < -ONE for change in shocks.values()):
                raise _invalid(
                    "shocks.price_change", "must not be below -1: a price does not fall below zero"
                )
        state = await self._state(account)
        market = await self._look(state)
        found, worth = stakes(state, market), worth_of(state, market.quotes, market.rates)
        bases = {name: position.traded.base for name, position in state.positions.items()}
        missing = tuple(sorted({*found.missing, *worth.missing}))
        results = []
        for name, shocks in scenarios.items():
            profit = None if found.missing else stress(found, bases, shocks)
            equity = None if profit is None or worth.missing else EXACT.add(worth.amount, profit)
            results.append(Stressed(name, shocks, profit, equity, missing))
        return results

    async def _state(self, account: AccountName) -> AccountState:
        async with self.store.read() as reader:
            facts, _ = await require_facts(reader, account.account)
        return facts.state

    async def _look(self, state: AccountState) -> Market:
        return await self.market.look(state.instruments(), state.assets() | state.money())

    async def _measured(self, state: AccountState, market: Market, parameters: Parameters) -> Measured:
        found, worth = stakes(state, market), worth_of(state, market.quotes, market.rates)
        names = sorted(found.values, key=str)
        count = parameters.window + 1
        history = await asyncio.gather(
            *(self.history.closes(name, parameters.interval, count) for name in names)
        )
        closes = dict(zip(names, history, strict=True))
        short = [str(name) for name in names if len(closes[name]) <= parameters.horizon]
        missing = tuple(sorted({*found.missing, *worth.missing, *short}))
        if found.missing or short:
            return Measured(found, worth, None, missing, parameters)
        cases = losses(
            found.values,
            closes,
            step=STEPS[parameters.interval],
            horizon=parameters.horizon,
            window=parameters.window,
        )
        nothing = Tail(Decimal(0), Decimal(0), 0) if not names else None
        return Measured(found, worth, tail(cases, parameters.confidence) or nothing, missing, parameters)


def _filled(state: AccountState, order: OrderTerms, market: Market) -> AccountState:
    """The account as if an order had been filled at the market, without a fee."""
    rules, quote = market.rules.get(order.instrument), market.quotes.get(order.instrument)
    if rules is None or quote is None:
        raise DomainError(
            "UPSTREAM_UNAVAILABLE",
            f"the market has no fresh price of {order.instrument}",
            kind=ErrorKind.UNAVAILABLE,
        )
    traded = Traded(order.instrument, rules.base, rules.quote, order.contract)
    change = EXACT.multiply(order.quantity, Decimal(order.side.value))
    after = state.traded(traded, change, quote.mark)
    if order.contract is None:
        cost = EXACT.multiply(change, quote.mark)
        after = after.held(traded.venue, traded.base, change)
        after = after.held(traded.venue, traded.quote, EXACT.minus(cost))
    return after


def _require_share(confidence: Decimal) -> None:
    if not _LEAST <= confidence < ONE:
        raise _invalid("parameters.confidence", "must be at least 0.5 and below 1")


def _invalid(field: str, text: str) -> DomainError:
    return DomainError(
        "INVALID_REQUEST", f"{field} {text}", kind=ErrorKind.INVALID, violations=[Violation(field, text)]
    )
