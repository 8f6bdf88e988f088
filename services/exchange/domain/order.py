"""An order, from the intent on."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.links import NO_LINKS, Links
from services.exchange.domain.states import FINAL, OrderState, require_legal
from services.exchange.domain.terms import Terms, expiry_of, limit_of, spelled
from services.exchange.domain.triggers import TriggerStatus, first_status, likely_price
from services.kernel.decimals import render
from services.kernel.names import AccountName, InstrumentName

_CLIENT_PREFIX: Final = "tm-"
_DISPLAY: Final = Context(prec=120, rounding=ROUND_HALF_EVEN)
_DISPLAY_STEP: Final = Decimal("1E-12")


class Handling(StrEnum):
    """Where an order is worked: at the venue, or held here until its trigger or its turn."""

    UNSPECIFIED = "UNSPECIFIED"
    NATIVE = "NATIVE"
    EMULATED = "EMULATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What a caller asks for.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument at the venue.
        side: buy or sell.
        quantity: how much, in base asset, or contracts; 0 where ``quote_quantity`` says it.
        terms: the order kind.
        strategy: id of the strategy it belongs to; empty for none.
        expire_time: from then on it is not taken any more, where it is new; None for never.
        quote_quantity: how much to spend or to receive, in quote asset; None where ``quantity`` says it.
        reduce_only: it may only make a position smaller.
    """

    account: str
    venue: str
    instrument: str
    side: Side
    quantity: Decimal
    terms: Terms
    strategy: str = ""
    expire_time: datetime | None = None
    quote_quantity: Decimal | None = None
    reduce_only: bool = False

    def fingerprint(self) -> str:
        """Equal for two intents that mean the same, however their amounts were spelled."""
        parts = (
            "create",
            self.account,
            self.venue,
            self.instrument,
            self.side,
            render(self.quantity),
            spelled(self.terms),
            self.strategy,
            self.expire_time.isoformat() if self.expire_time else "",
            # What an intent of an earlier release did not have leaves no trace where it is not set.
            *(() if self.quote_quantity is None else (f"quote {render(self.quote_quantity)}",)),
            *(("reduce_only",) if self.reduce_only else ()),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order of one account at one venue, after its ``version``-th change.

    Attributes:
        order_id: its id; everything else that names it is made from this.
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument at the venue.
        assets: what is traded for what.
        side: buy or sell.
        quantity: how much, in base asset, or contracts. With ``quote_quantity`` what is expected to be
            filled, until the venue has said what was.
        terms: the order kind.
        strategy: id of the strategy; empty for none.
        state: where it stands.
        filled_quantity: sum of the quantities of its fills, in base asset.
        filled_notional: sum of price times quantity of its fills, in quote asset.
        reason: why it was denied, rejected or expired; empty otherwise.
        reason_message: the reason for a person.
        client_order_id: our id of it at the venue.
        venue_order_id: the venue's id of it; empty until known.
        version: number of its changes, the first is 1.
        correlation_id: finds its steps in the logs.
        create_time: when its intent was committed.
        update_time: when it last changed.
        submit_time: when it was first allowed to leave for the venue; None: it never left.
        quote_quantity: how much to spend or to receive, in quote asset; None where ``quantity`` says it.
        reduce_only: it may only make a position smaller.
        handling: where it is worked.
        trigger: how its trigger stands; None where the kind has none.
        links: other orders it has to do with.
        unprotected: part of this entry is filled, and no protecting order of its list is at work.
        contract: what one unit stands for; None for spot.
        base_fees: sum of the fees of its fills that were taken in base asset.
    """

    order_id: UUID
    account: str
    venue: str
    instrument: str
    assets: Assets
    side: Side
    quantity: Decimal
    terms: Terms
    strategy: str
    state: OrderState
    filled_quantity: Decimal
    filled_notional: Decimal
    reason: str
    reason_message: str
    client_order_id: str
    venue_order_id: str
    version: int
    correlation_id: str
    create_time: datetime
    update_time: datetime
    submit_time: datetime | None
    quote_quantity: Decimal | None = None
    reduce_only: bool = False
    handling: Handling = Handling.UNSPECIFIED
    trigger: TriggerStatus | None = None
    links: Links = NO_LINKS
    unprotected: bool = False
    contract: Contract | None = None
    base_fees: Decimal = Decimal(0)

    @classmethod
    def intended(
        cls,
        intent: OrderIntent,
        assets: Assets,
        order_id: UUID,
        correlation_id: str,
        now: datetime,
        *,
        handling: Handling = Handling.NATIVE,
        contract: Contract | None = None,
        trigger: TriggerStatus | None = None,
    ) -> Self:
        """The first version of an order: PENDING, nothing has left.

        Its trigger stands as it does before it is looked at, unless ``trigger`` says how.
        """
        return cls(
            order_id=order_id,
            account=intent.account,
            venue=intent.venue,
            instrument=intent.instrument,
            assets=assets,
            side=intent.side,
            quantity=intent.quantity,
            terms=intent.terms,
            strategy=intent.strategy,
            state=OrderState.PENDING,
            filled_quantity=Decimal(0),
            filled_notional=Decimal(0),
            reason="",
            reason_message="",
            client_order_id=client_order_id(order_id),
            venue_order_id="",
            version=1,
            correlation_id=correlation_id,
            create_time=now,
            update_time=now,
            submit_time=None,
            quote_quantity=intent.quote_quantity,
            reduce_only=intent.reduce_only,
            handling=handling,
            contract=contract,
            trigger=trigger or first_status(intent.terms),
        )

    @property
    def name(self) -> str:
        """Resource name."""
        # As OrderName renders it; this is asked for many times an order.
        return f"accounts/{self.account}/orders/{self.order_id}"

    @property
    def account_name(self) -> str:
        """Resource name of the account."""
        return str(AccountName(self.account))

    @property
    def instrument_name(self) -> str:
        """Resource name of the instrument."""
        return str(InstrumentName(self.venue, self.instrument))

    @property
    def final(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.state in FINAL

    @property
    def never_left(self) -> bool:
        """Whether it surely was never on its way to the venue."""
        return self.submit_time is None

    @property
    def limit_price(self) -> Decimal | None:
        """The worst price to accept, also of what it becomes; None for a market order."""
        limit = limit_of(self.terms)
        return None if limit is None else limit.price

    @property
    def trigger_price(self) -> Decimal | None:
        """The price that sets it off, as far as anybody can say; None where there is none."""
        return likely_price(self.side, self.terms, self.trigger)

    @property
    def end_time(self) -> datetime | None:
        """When it runs out of time; None for never."""
        return expiry_of(self.terms, self.create_time)

    def average_price(self) -> Decimal | None:
        """Notional by quantity of its fills, rounded half-even to 12 places; for display only."""
        if self.filled_quantity == 0:
            return None
        quotient = _DISPLAY.divide(self.filled_notional, self.filled_quantity)
        return quotient.quantize(_DISPLAY_STEP, context=_DISPLAY)

    def moved(self, state: OrderState, now: datetime, **changes: Any) -> Self:
        """The next version, in another state.

        Args:
            state: the new state.
            now: when.
            changes: other attributes that change with it.

        Raises:
            IllegalTransitionError: the table has no such step.
        """
        require_legal(self.state, state)
        return replace(self, state=state, version=self.version + 1, update_time=now, **changes)


def client_order_id(order_id: UUID) -> str:
    """Our id of an order at the venue: a pure function of the order's id.

    35 letters, digits and hyphens, which every venue we know of takes. Since it never changes, the
    venue itself refuses a second sending of the same order.
    """
    return _CLIENT_PREFIX + order_id.hex


def order_id_of(client_id: str) -> UUID | None:
    """The order id that a client order id was made of; None where it is not one of ours."""
    if not client_id.startswith(_CLIENT_PREFIX):
        return None
    try:
        order_id = UUID(hex=client_id.removeprefix(_CLIENT_PREFIX))
    except ValueError:
        return None
    return order_id if client_order_id(order_id) == client_id else None
