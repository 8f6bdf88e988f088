"""How many orders a second the simulated venue's matching engine takes, alone and with its accounts.

One thread, in this process, no disk and no wire. The load is seeded: orders that rest at exponential
distances from a middle price, cancels of orders drawn at random, and orders that take.
"""

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from random import Random
from statistics import median
from time import perf_counter, thread_time
from typing import Self

from services.kernel.errors import DomainError
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.book import OrderBook
from services.simvenue.domain.orders import LimitTerms, MarketTerms, NewOrder
from services.simvenue.domain.terms import Side
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.listing import INSTRUMENTS

_MIDDLE = 6_000_000
_OWNERS = 5
_SIDES = (Side.BUY, Side.SELL)


@dataclass(frozen=True, slots=True)
class Rest:
    """A limit order."""

    order_id: int
    owner: int
    side: Side
    lots: int
    price: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """A cancel of an order, which may be gone already."""

    order_id: int
    owner: int


@dataclass(frozen=True, slots=True)
class Take:
    """A market order."""

    order_id: int
    owner: int
    side: Side
    lots: int


def load(orders: int, seed: int) -> list[Rest | Cancel | Take]:
    """45 % orders that rest, 40 % cancels, 15 % orders that take."""
    random, live, made = Random(seed), list[Rest](), list[Rest | Cancel | Take]()
    for order_id in range(1, orders + 1):
        chance, side, owner = random.random(), random.choice(_SIDES), random.randint(1, _OWNERS)
        if chance < 0.45 or not live:
            distance = 1 + int(random.expovariate(1 / 20))
            price = _MIDDLE - distance if side is Side.BUY else _MIDDLE + distance
            live.append(Rest(order_id, owner, side, random.randint(100, 1000), price))
            made.append(live[-1])
        elif chance < 0.85:
            place = random.randrange(len(live))
            live[place], live[-1] = live[-1], live[place]
            gone = live.pop()
            made.append(Cancel(gone.order_id, gone.owner))
        else:
            made.append(Take(order_id, owner, side, random.randint(100, 1500)))
    return made


@dataclass(frozen=True, slots=True)
class EngineRow:
    """Orders, cancels included, a second: median and range of the rounds, and trades in one of them.

    ``cpu_rate`` is the median for a second of processor time, which is what a core of its own gives.
    """

    title: str
    rate: float
    cpu_rate: float
    lowest: float
    highest: float
    orders: int
    trades: int

    @classmethod
    def of(cls, title: str, orders: int, rounds: int, run: Callable[[], int]) -> Self:
        """Run the rounds. The collector rests meanwhile, as it does in the service's start-up objects."""
        rates, cpu_rates, trades = list[float](), list[float](), 0
        for _ in range(rounds):
            gc.collect()
            gc.disable()
            began, used = perf_counter(), thread_time()
            trades = run()
            rates.append(orders / (perf_counter() - began))
            cpu_rates.append(orders / (thread_time() - used))
            gc.enable()
        return cls(title, median(rates), median(cpu_rates), min(rates), max(rates), orders, trades)


def measure_engine(rounds: int, orders: int = 200_000, seed: int = 1) -> list[EngineRow]:
    """The engine alone, and the venue with accounts, balances, fees and facts on a tenth of the load."""
    acts = load(orders, seed)
    few = acts[: orders // 10]
    return [
        EngineRow.of("matching engine alone", len(acts), rounds, lambda: _book(acts)),
        EngineRow.of("with accounts and exact money", len(few), rounds, lambda: _venue(few)),
    ]


def _book(acts: list[Rest | Cancel | Take]) -> int:
    book, trades = OrderBook(count(1)), 0
    for act in acts:
        match act:
            case Rest():
                outcome = book.submit(act.order_id, act.owner, act.side, act.lots, act.price, rest=True)
                trades += len(outcome.matches)
            case Cancel():
                book.cancel(act.order_id)
            case Take():
                outcome = book.submit(act.order_id, act.owner, act.side, act.lots, None, rest=False)
                trades += len(outcome.matches)
    return trades


def _venue(acts: list[Rest | Cancel | Take]) -> int:
    instrument = INSTRUMENTS[0]
    venue = Venue(INSTRUMENTS, Ids(count(1), count(1), count(1)))
    names = [str(number) for number in range(_OWNERS + 1)]
    for name in names:
        venue.open_account(AccountState(name))
        for currency in (instrument.base, instrument.quote):
            venue.deposit(name, currency, Decimal(10**12), 1)
    venue.take_facts()
    trades = 0
    for act in acts:
        name, key = names[act.owner], str(act.order_id)
        try:
            if isinstance(act, Cancel):
                venue.cancel(name, key, 2)
            else:
                price = instrument.price(act.price) if isinstance(act, Rest) else None
                terms = MarketTerms() if price is None else LimitTerms(price)
                quantity = instrument.quantity(act.lots)
                venue.place(name, NewOrder(key, instrument.symbol, act.side, quantity, terms), 2)
        except DomainError:
            continue  # gone already, or too small a rest
        finally:
            venue.take_facts()
            trades += sum(1 for _ in _trades(venue))
    return trades


def _trades(venue: Venue) -> Iterator[object]:
    return (event for _, event in venue.take_public() if hasattr(event, "trade_id"))
