"""One venue behind its Binance door for all tests of that door."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.binance_venue import BinanceVenue, RawClient, binance_venue, trader_accounts

ACCOUNTS = 300


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def binance_door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BinanceVenue]:
    """The venue, shared by every test."""
    async with binance_venue(tmp_path_factory.mktemp("binance"), trader_accounts(ACCOUNTS)) as venue:
        yield venue


@pytest_asyncio.fixture(loop_scope="session")
async def binance(binance_door: BinanceVenue) -> AsyncIterator[BinanceVenue]:
    """The same with empty books, no limit used up and no fault waiting."""
    binance_door.door.limits.pardon()
    yield binance_door
    binance_door.door.faults.clear()
    await binance_door.clean()


@pytest_asyncio.fixture(loop_scope="session")
async def trader(binance: BinanceVenue) -> RawClient:
    """Plain HTTP as an account that only this test uses."""
    return binance.raw(binance.account())
