"""All that the checks of one order look at."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState
from services.risk.domain.equity import Day, Worth, worth_of
from services.risk.domain.limits import Limits
from services.risk.domain.locks import Lock
from services.risk.domain.order import OrderTerms, Quote, Side, highest_price, lowest_price
from services.risk.domain.reservation import Reservation, reserve
from services.risk.domain.traded import ZERO, Rules, Traded
from services.risk.domain.trading import TradingState


@dataclass(frozen=True, slots=True)
class Market:
    """What the market says around an order.

    Attributes:
        rules: of instruments that the market service answered for.
        quotes: best prices now, of each instrument where the market has them.
        rates: what one unit of an asset is worth in the valuation asset, of each asset where that is
            known; the valuation asset itself is always there, at one.
        absent: instruments that the market service says do not exist.
    """

    rules: Mapping[InstrumentName, Rules]
    quotes: Mapping[InstrumentName, Quote]
    rates: Mapping[str, Decimal]
    absent: Collection[InstrumentName] = ()

    def require(self, instrument: InstrumentName) -> None:
        """Refuse an instrument that does not exist; one that the market is silent on is no such one.

        Raises:
            DomainError: INSTRUMENT_NOT_FOUND.
        """
        if instrument in self.absent:
            raise instrument.not_found(f"the market has no {instrument}")


@dataclass(frozen=True, slots=True)
class Recent:
    """What the account did shortly before.

    Attributes:
        orders: orders that passed within the rate's window.
        duplicate: id of an equal order within the duplicates' window; empty where there is none.
    """

    orders: int = 0
    duplicate: str = ""


@dataclass(frozen=True)
class Question:
    """All that the checks look at.

    Attributes:
        order_id: of the order; empty where it is only asked about.
        order: the order.
        limits: of its account.
        trading: what counts for its account.
        locks: of its account that have not expired.
        state: of its account, without the order.
        market: what the market says.
        recent: what the account did shortly before.
        day: how the day began, after it was brought up to date; None where no limit needs it.
        fee_rate: highest fee rate of a venue.
    """

    order_id: str
    order: OrderTerms
    limits: Limits
    trading: TradingState
    state: AccountState
    market: Market
    fee_rate: Decimal
    locks: Collection[Lock] = ()
    recent: Recent = field(default_factory=Recent)
    day: Day | None = None

    @cached_property
    def rules(self) -> Rules:
        """Rules of the order's instrument; there after INSTRUMENT_STATUS has passed."""
        return self.market.rules[self.order.instrument]

    @cached_property
    def quote(self) -> Quote:
        """Best prices of the order's instrument; there after PRICE_MISSING has passed."""
        return self.market.quotes[self.order.instrument]

    @cached_property
    def traded(self) -> Traded:
        """What the order trades."""
        return Traded(self.order.instrument, self.rules.base, self.rules.quote, self.order.contract)

    @cached_property
    def price(self) -> Decimal:
        """The price that the order counts at."""
        contract = self.order.contract
        bound = lowest_price if contract is not None and contract.inverse else highest_price
        return bound(self.order, self.quote, self.limits.price_collar)

    @cached_property
    def reservation(self) -> Reservation:
        """What the order would set aside."""
        return reserve(
            self.order_id,
            self.order,
            self.traded,
            price=self.price,
            fee_rate=self.fee_rate,
            margin=self.limits.initial_margin,
        )

    @cached_property
    def after(self) -> AccountState:
        """The account with the order."""
        return self.state.reserve(self.reservation)

    @cached_property
    def reduces(self) -> bool:
        """Whether the order, with all pending orders of its side, only makes a position smaller."""
        return self.pending <= self.state.reducible(self.traded, self.order.side)

    @cached_property
    def pending(self) -> Decimal:
        """What pending orders of the order's side may do to the position, with the order.

        Of spot that is what they set aside of the base asset, whatever they are traded against.
        """
        if self.order.contract is None and self.order.side is Side.SELL:
            return self.after.reserved.get((self.traded.venue, self.traded.base), ZERO)
        return self.after.pending.get((self.order.instrument, self.order.side), ZERO)

    @cached_property
    def worth(self) -> Worth:
        """What the account is worth now, and what is missing to know it."""
        return worth_of(self.state, self.market.quotes, self.market.rates)

    def notional(self, traded: Traded, quantity: Decimal, price: Decimal) -> Decimal | None:
        """What a quantity is worth in the valuation asset; None where no rate says so."""
        rate = self.market.rates.get(traded.money)
        return None if rate is None else EXACT.multiply(traded.worth(quantity, price), rate)
