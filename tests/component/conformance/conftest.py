"""The labs that every conformance test runs in, each made once for the whole suite."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.venue_lab import Trader, VenueLab
from tests.support.venue_lab_binance import binance_lab, binanceusdm_lab
from tests.support.venue_lab_simvenue import simvenue_lab, simvenue_perpetual_lab

LABS: dict[str, Callable[[Path], AbstractAsyncContextManager[VenueLab]]] = {
    "simvenue": simvenue_lab,
    "ccxt-binance": binance_lab,
    "ccxt-binanceusdm": binanceusdm_lab,
}
"""One more adapter is one more lab here."""
CONTRACT_LABS: dict[str, Callable[[Path], AbstractAsyncContextManager[VenueLab]]] = {
    "simvenue-perpetual": simvenue_perpetual_lab,
    "ccxt-binanceusdm": binanceusdm_lab,
}
"""The labs of the cases that only a market of contracts has."""


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=sorted(LABS))
async def venue_lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[VenueLab]:
    """The venue of one adapter, shared by all tests of the suite."""
    async with (LABS | CONTRACT_LABS)[request.param](tmp_path_factory.mktemp(request.param)) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def lab(venue_lab: VenueLab) -> AsyncIterator[VenueLab]:
    """The same, with empty books before and after the test."""
    yield venue_lab
    await venue_lab.clean()


@pytest_asyncio.fixture(loop_scope="session")
async def trader(lab: VenueLab) -> Trader:
    """A funded account that only this test uses."""
    return Trader(lab, await lab.account())
