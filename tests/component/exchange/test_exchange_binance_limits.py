"""The protection around ccxt's Binance, at a local venue that counts, refuses and bans as Binance does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from services.chassis.clock import SystemClock
from services.chassis.persistence import Database
from services.exchange.domain.assets import Side
from services.exchange.domain.budgets import Budget, CallKind
from services.exchange.ports import Accepted, NotSent, VenueThrottledError
from services.exchange.protection.guarded import GuardedVenue, Protection
from services.exchange.storage.rates import SqlRateLedger
from services.exchange.views import Contact
from services.simvenue.binance.limits import Allowance
from tests.support.exchange import MIGRATIONS
from tests.support.venue_lab import Trader
from tests.support.venue_lab_binance import BinanceLab, binance_lab

_ADDRESS = "127.0.0.1"
_WEIGHTS = {CallKind.FIND: 24, CallKind.OPEN_ORDERS: 80, CallKind.BALANCES: 20, CallKind.INSTRUMENTS: 20}
_BUDGETS = (
    Budget(name="weight", window_seconds=60, limit=600, reserve=300, weights=_WEIGHTS),
    Budget(
        name="orders", window_seconds=10, limit=20, reserve=5, default_weight=0, weights={CallKind.PLACE: 1}
    ),
)


@dataclass(frozen=True)
class Guarded:
    """Two instances' protection around one adapter, and what counts behind it."""

    lab: BinanceLab
    one: GuardedVenue
    other: GuardedVenue
    trader: Trader


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(binance_lab(tmp_path))
        lab.count_in_one_minute().allowance = Allowance(weight=600, orders_10s=20, ignored=1)
        url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
        database = await Database.open(url, migrations=MIGRATIONS)
        stack.push_async_callback(database.close)
        ledger = SqlRateLedger(database, SystemClock())
        other, one = (GuardedVenue(lab.venue, Protection(_BUDGETS), ledger, SystemClock()) for _ in range(2))
        await one.instruments()
        yield Guarded(lab, one, other, Trader(lab, await lab.account()))


async def test_the_venue_never_has_to_refuse(guarded: Guarded) -> None:
    placed, refused = [], 0
    for number in range(60):
        order = guarded.trader.limit(Side.BUY, "0.001", "10000")
        outcome = await (guarded.one, guarded.other)[number % 2].place(order, 5)
        if isinstance(outcome, Accepted):
            placed.append(order)
        else:
            assert isinstance(outcome, NotSent)
            assert outcome.reason == "VENUE_RATE_LIMITED"
            # Ours, not the venue's word.
            assert not outcome.told
            refused += 1
    assert placed
    assert refused
    assert guarded.one.condition().message != "the venue asked for a pause"
    # All of them can be taken back, and asked for.
    for order in placed:
        assert isinstance(await guarded.other.cancel(order, 5), Accepted)
    assert guarded.lab.limits.used(_ADDRESS) <= 600


async def test_what_the_venue_counts_of_others_is_counted_here(guarded: Guarded) -> None:
    before = next(each for each in guarded.one.condition().budgets if each.name == "weight").used
    # Somebody else at this address.
    guarded.lab.limits.charge(_ADDRESS, 300)
    order = guarded.trader.limit(Side.BUY, "0.001", "10000")
    assert isinstance(await guarded.one.place(order, 5), Accepted)
    # The answer told; the next call passes it on.
    await guarded.one.find(guarded.trader.account, order.client_order_id)
    after = next(each for each in guarded.one.condition().budgets if each.name == "weight").used
    assert after >= before + 300
    late = await guarded.other.place(guarded.trader.limit(Side.BUY, "0.001", "10000"), 5)
    assert isinstance(late, NotSent)
    assert late.reason == "VENUE_RATE_LIMITED"


async def test_a_429_is_kept_to_by_all_but_cancels(guarded: Guarded) -> None:
    guarded.lab.limits.allowance = Allowance(weight=600, orders_10s=1)
    order = guarded.trader.limit(Side.BUY, "0.001", "10000")
    assert isinstance(await guarded.one.place(order, 5), Accepted)
    # Fewer orders than we know of: the venue says so.
    outcome = await guarded.one.place(guarded.trader.limit(Side.BUY, "0.001", "10000"), 5)
    assert isinstance(outcome, NotSent)
    assert (outcome.reason, outcome.told) == ("VENUE_RATE_LIMITED", True)
    condition = guarded.one.condition()
    assert (condition.contact, condition.message) == (Contact.THROTTLED, "the venue asked for a pause")
    used = guarded.lab.limits.used(_ADDRESS)
    for guard in (guarded.one, guarded.other):
        late = await guard.place(guarded.trader.limit(Side.BUY, "0.001", "10000"), 5)
        assert isinstance(late, NotSent)
        with pytest.raises(VenueThrottledError):
            await guard.balances(guarded.trader.account)
    assert guarded.lab.limits.used(_ADDRESS) == used
    assert isinstance(await guarded.one.cancel(order, 5), Accepted)


async def test_where_the_weight_is_gone_nothing_leaves_and_no_ban_follows(guarded: Guarded) -> None:
    order = guarded.trader.limit(Side.BUY, "0.001", "10000")
    assert isinstance(await guarded.one.place(order, 5), Accepted)
    guarded.lab.limits.exhaust(_ADDRESS)
    outcome = await guarded.one.place(guarded.trader.limit(Side.BUY, "0.001", "10000"), 5)
    assert isinstance(outcome, NotSent)
    retry_time = guarded.one.condition().retry_time
    assert retry_time is not None
    assert retry_time - SystemClock().now() <= timedelta(seconds=60)
    used = guarded.lab.limits.used(_ADDRESS)
    # Not even a cancel: the venue would refuse it, and ban the address for asking.
    late = await guarded.one.cancel(order, 0.1)
    assert isinstance(late, NotSent)
    assert guarded.lab.limits.used(_ADDRESS) == used
