"""The stream of an account's events: complete from any cursor, in order, and honest where it cannot be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.order import Order
from services.exchange.domain.terms import MarketTerms
from services.exchange.ports import Venue, VenueHistoryLostError, VenueUnreachableError
from tests.support.venue_lab import WITHIN, Feature, Listening, Trader, VenueLab

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(autouse=True)
def _streams(lab: VenueLab) -> None:
    if Feature.STREAMS not in lab.features:
        pytest.skip("the local venue has no stream")


@asynccontextmanager
async def listening(venue: Venue, account: str, cursor: str = "") -> AsyncIterator[Listening]:
    heard = Listening()
    task = asyncio.create_task(heard.read(venue.events(account, cursor)))
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def has(heard: Listening, order: Order, status: VenueStatus) -> bool:
    return status in heard.statuses(order)


async def test_an_accepted_order_is_told(trader: Trader) -> None:
    async with listening(trader.venue, trader.account) as heard:
        order = trader.limit(Side.BUY, "1", "40000")
        await trader.accepted(order)
        await heard.until(lambda _: has(heard, order, VenueStatus.OPEN))


async def test_a_fill_is_told_with_its_order(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    async with listening(trader.venue, trader.account) as heard:
        await lab.hit(Side.SELL, "0.4", "50000")
        fills = await heard.until(lambda _: heard.fills())
    assert [(fill.client_order_id, fill.quantity) for fill in fills] == [
        (order.client_order_id, Decimal("0.4"))
    ]


async def test_a_cancel_is_told(trader: Trader) -> None:
    async with listening(trader.venue, trader.account) as heard:
        order = trader.limit(Side.BUY, "1", "40000")
        await trader.accepted(order)
        await heard.until(lambda _: has(heard, order, VenueStatus.OPEN))
        await trader.venue.cancel(order, WITHIN)
        await heard.until(lambda _: has(heard, order, VenueStatus.CANCELLED))
        assert heard.statuses(order)[-1] is VenueStatus.CANCELLED


async def test_an_expiry_is_told(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.1", "50000")
    async with listening(trader.venue, trader.account) as heard:
        order = trader.order(Side.BUY, "1", MarketTerms())
        await trader.accepted(order)
        await heard.until(lambda _: has(heard, order, VenueStatus.EXPIRED) and heard.fills())


async def test_streamed_fills_are_the_listed_ones(lab: VenueLab, trader: Trader) -> None:
    async with listening(trader.venue, trader.account) as heard:
        await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
        for quantity in ("0.1", "0.2", "0.3"):
            await lab.hit(Side.SELL, quantity, "50000")
        await heard.until(lambda _: len(heard.fills()) >= 3)
    listed, _ = await trader.fills()
    told = {fill.venue_trade_id: fill for fill in heard.fills()}
    assert list(told.values()) == listed


async def test_the_empty_cursor_tells_what_was_before(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    await lab.hit(Side.SELL, "1", "50000")
    await trader.until(order, VenueStatus.FILLED)
    async with listening(trader.venue, trader.account) as heard:
        (fill,) = await heard.until(lambda _: heard.fills())
    assert fill.client_order_id == order.client_order_id


async def test_a_cursor_resumes_without_a_gap_or_a_repeat(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    async with listening(trader.venue, trader.account) as before:
        await lab.hit(Side.SELL, "0.1", "50000")
        await before.until(lambda _: before.fills())
    await lab.hit(Side.SELL, "0.2", "50000")
    async with listening(trader.venue, trader.account, before.seen[-1].cursor) as after:
        await after.until(lambda _: after.fills())
        await lab.hit(Side.SELL, "0.3", "50000")
        await after.until(lambda _: len(after.fills()) >= 2)
    quantities = [fill.quantity for fill in (*before.fills(), *after.fills())]
    assert quantities == [Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]


async def test_a_broken_connection_is_said_and_the_gap_is_told_afterwards(
    lab: VenueLab, trader: Trader
) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    async with lab.apart() as reached:
        async with listening(reached.venue, trader.account) as before:
            await lab.hit(Side.SELL, "0.1", "50000")
            await before.until(lambda _: before.fills())
            await reached.gate.shut()
            assert isinstance(await before.end(), VenueUnreachableError)
        await lab.hit(Side.SELL, "0.2", "50000")
        await reached.gate.open()
        cursor = before.seen[-1].cursor
        after = Listening()
        async with asyncio.timeout(WITHIN * 2):
            while not after.fills():
                after = Listening()
                async with listening(reached.venue, trader.account, cursor) as after:
                    while not after.fills() and after.ended is None:
                        await asyncio.sleep(0.02)
    assert [fill.quantity for fill in after.fills()] == [Decimal("0.2")]


async def test_two_listeners_hear_the_same(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    async with (
        lab.apart() as other,
        listening(trader.venue, trader.account) as one,
        listening(other.venue, trader.account) as two,
    ):
        await lab.hit(Side.SELL, "0.1", "50000")
        for heard in (one, two):
            await heard.until(lambda _, heard=heard: heard.fills())  # type: ignore[misc]
    assert one.fills() == two.fills()


async def test_deposits_are_told(lab: VenueLab, trader: Trader) -> None:
    if Feature.STREAMS_TRANSFERS not in lab.features:
        pytest.skip("the venue tells transfers on asking only")
    async with listening(trader.venue, trader.account) as heard:
        await heard.until(lambda seen: sum(event.transfer is not None for event in seen) >= len(lab.funds))
    told = {event.transfer.asset: event.transfer.amount for event in heard.seen if event.transfer}
    assert told == lab.funds


async def test_a_cursor_of_this_venue_is_verified(lab: VenueLab, trader: Trader) -> None:
    await trader.venue.verify(trader.account, "")
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    async with listening(trader.venue, trader.account) as heard:
        await lab.hit(Side.SELL, "0.1", "50000")
        await heard.until(lambda _: heard.fills())
    await trader.venue.verify(trader.account, heard.seen[-1].cursor)


async def test_a_cursor_of_another_account_is_history_that_is_not_here(lab: VenueLab, trader: Trader) -> None:
    """As where the venue was reset, or a key of another account was put in."""
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    async with listening(trader.venue, trader.account) as heard:
        for _ in range(8):
            await lab.hit(Side.SELL, "0.1", "50000")
        await heard.until(lambda _: len(heard.fills()) >= 8)
    stranger = await lab.account()
    with pytest.raises(VenueHistoryLostError):
        await trader.venue.verify(stranger, heard.seen[-1].cursor)


async def test_a_stream_does_not_go_on_from_anothers_cursor(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    async with listening(trader.venue, trader.account) as heard:
        for _ in range(8):
            await lab.hit(Side.SELL, "0.1", "50000")
        await heard.until(lambda _: len(heard.fills()) >= 8)
    async with listening(trader.venue, await lab.account(), heard.seen[-1].cursor) as other:
        assert isinstance(await other.end(), VenueHistoryLostError)
