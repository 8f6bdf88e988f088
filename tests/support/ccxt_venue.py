"""A venue of ccxt's in front of a scripted server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.chassis.clock import SystemClock
from services.exchange.domain.assets import Side
from services.exchange.domain.order import Order
from services.exchange.venues.ccxt_adapter import CcxtVenue
from services.exchange.venues.ccxt_settings import CcxtSettings, KeySettings
from tests.support.scripted_http import ScriptedHttp, answering
from tests.support.venue_lab import new_order

NOW_MS = 1_760_000_000_000


@asynccontextmanager
async def venue_of(
    script: ScriptedHttp, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[CcxtVenue]:
    """An adapter for account ``paper`` whose venue answers by the script."""
    monkeypatch.setenv("A_KEY", "the-key")
    monkeypatch.setenv("A_SECRET", "the-secret")
    async with answering(script):
        made = CcxtSettings(
            keys={"paper": KeySettings(key_env="A_KEY", secret_env="A_SECRET")},
            rest_url=f"http://127.0.0.1:{script.port}",
            ws_url=f"ws://127.0.0.1:{script.port}",
            **settings,
        )
        venue = CcxtVenue("real", made, SystemClock())
        try:
            yield venue
        finally:
            await venue.close()


def order_of(terms: Any, instrument: str = "btc-usdt", **more: Any) -> Order:
    """An order to buy 0.01."""
    order = new_order("paper", Side.BUY, "0.010000", terms, venue="real", instrument=instrument)
    return replace(order, **more)


def leaving(order: Order) -> Order:
    """The order, allowed to leave this moment."""
    return replace(order, submit_time=datetime.now(UTC))
