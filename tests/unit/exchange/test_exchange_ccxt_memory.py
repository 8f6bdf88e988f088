"""One client order id is sent once, at venues that would take it again."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.evidence import VenueOrder, VenueStatus
from services.exchange.domain.order import Order
from services.exchange.domain.terms import LimitTerms
from services.exchange.ports import Accepted, AlreadyThere, NotSent, PlaceOutcome, Refused, Uncertain
from services.exchange.venues.ccxt_memory import FRESH, KnownOrders, Sendings
from services.exchange.venues.ccxt_settings import CcxtSettings, KeySettings, MissingKeyError
from tests.support.venue_lab import new_order

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = VenueOrder(
    client_order_id="tm-1",
    venue_order_id="5",
    instrument="btc-usdt",
    assets=Assets("btc", "usdt"),
    side=Side.BUY,
    quantity=Decimal(1),
    terms=LimitTerms(Decimal(5)),
    status=VenueStatus.OPEN,
)


def submitted(moment: datetime) -> Order:
    return replace(new_order("a", Side.BUY, "1", LimitTerms(Decimal(5)), venue="v"), submit_time=moment)


class Counter:
    def __init__(self, *outcomes: PlaceOutcome) -> None:
        self.outcomes = list(outcomes)
        self.sent = 0

    async def send(self) -> PlaceOutcome:
        self.sent += 1
        await asyncio.sleep(0)
        return self.outcomes.pop(0)


def sendings(*, for_good: bool = False) -> Sendings:
    return Sendings(NOW - timedelta(hours=1), for_good=for_good)


async def test_an_accepted_order_is_there_already() -> None:
    order, memory, venue = submitted(NOW), sendings(), Counter(Accepted(TOLD))
    assert await memory.once(order, NOW, venue.send) == Accepted(TOLD)
    assert await memory.once(order, NOW, venue.send) == AlreadyThere()
    assert venue.sent == 1


async def test_an_unknown_outcome_stays_unknown_and_is_not_sent_again() -> None:
    order, memory, venue = submitted(NOW), sendings(), Counter(Uncertain("lost"))
    for _ in range(3):
        assert isinstance(await memory.once(order, NOW, venue.send), Uncertain)
    assert venue.sent == 1


@pytest.mark.parametrize("nothing", [NotSent("closed"), Refused("PRICE_OFF_TICK", "off")])
async def test_what_came_to_nothing_may_be_sent_again(nothing: PlaceOutcome) -> None:
    order, memory, venue = submitted(NOW), sendings(), Counter(nothing, Accepted(TOLD))
    assert await memory.once(order, NOW, venue.send) == nothing
    assert await memory.once(order, NOW, venue.send) == Accepted(TOLD)


async def test_those_who_come_while_it_is_sent_wait_for_its_outcome() -> None:
    order, memory, venue = submitted(NOW), sendings(), Counter(Accepted(TOLD))
    outcomes = await asyncio.gather(*(memory.once(order, NOW, venue.send) for _ in range(50)))
    assert (venue.sent, outcomes.count(Accepted(TOLD)), outcomes.count(AlreadyThere())) == (1, 1, 49)


async def test_a_sending_that_is_broken_off_is_unknown() -> None:
    order, memory = submitted(NOW), sendings()

    async def hangs() -> PlaceOutcome:
        await asyncio.sleep(60)
        raise AssertionError

    task = asyncio.create_task(memory.once(order, NOW, hangs))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert isinstance(await memory.once(order, NOW, Counter().send), Uncertain)


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        (NOW, 1),
        (NOW - FRESH, 1),
        (NOW - FRESH - timedelta(seconds=1), 0),  # by another instance, maybe
        (NOW - timedelta(hours=2), 0),  # before this process was there
    ],
)
async def test_what_may_have_been_sent_before_is_not_sent(moment: datetime, sent: int) -> None:
    venue = Counter(Accepted(TOLD))
    outcome = await sendings().once(submitted(moment), NOW, venue.send)
    assert venue.sent == sent
    assert isinstance(outcome, Accepted if sent else Uncertain)


async def test_a_venue_that_refuses_used_ids_may_be_asked_again() -> None:
    venue = Counter(AlreadyThere())
    old = submitted(NOW - timedelta(hours=2))
    assert await sendings(for_good=True).once(old, NOW, venue.send) == AlreadyThere()


def test_known_orders_are_found_by_both_ids() -> None:
    known = KnownOrders()
    known.learn(TOLD)
    assert known.order("5") == TOLD
    assert known.instrument("tm-1") == "btc-usdt"
    assert known.order("6") is None
    assert known.instrument("tm-2") is None


SPOT = {"exchange": "binance", "instruments": ["btc-usdt"]}


@pytest.mark.parametrize(
    "settings",
    [
        {**SPOT, "instruments": []},
        {**SPOT, "instruments": ["btc-usdt-perp"]},
        {**SPOT, "instruments": ["btcusdt"]},
        {**SPOT, "exchange": "kraken"},
        {**SPOT, "market": "swap", "instruments": ["btc-usdt-perp"]},
        {"exchange": "binanceusdm", "instruments": ["btc-usdt"]},
        {**SPOT, "rest_url": "http://127.0.0.1:1"},
        {**SPOT, "keys": {"paper": {}}},
        {**SPOT, "keys": {"paper": {"key_env": "A", "key_file": "/a", "secret_env": "B"}}},
        {**SPOT, "secret": "in the settings"},
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CcxtSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "real"),
    [
        ({}, True),
        ({"rest_url": "http://127.0.0.1:1", "ws_url": "ws://127.0.0.1:1"}, False),
        ({"rest_url": "http://localhost:1", "ws_url": "ws://[::1]:1"}, False),
        ({"rest_url": "https://a-proxy.example", "ws_url": "wss://a-proxy.example"}, True),
        ({"rest_url": "http://127.0.0.1:1", "ws_url": "wss://stream.example"}, True),
    ],
)
def test_where_real_money_moves(settings: dict[str, object], real: bool) -> None:
    read = CcxtSettings.model_validate({**SPOT, **settings})
    assert read.real_money(sandbox=False) is real
    assert not read.real_money(sandbox=True)


def test_a_key_is_read_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from-file\n")
    monkeypatch.setenv("A_KEY", "from-env")
    key = KeySettings(key_env="A_KEY", secret_file=tmp_path / "secret").read()
    assert (key.key, key.secret) == ("from-env", "from-file")
    assert "from-" not in repr(key)


def test_a_missing_key_is_named_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(MissingKeyError, match="NO_KEY"):
        KeySettings(key_env="NO_KEY", secret_env="NO_KEY").read()
    with pytest.raises(MissingKeyError, match="absent"):
        KeySettings(key_file=tmp_path / "absent", secret_env="NO_KEY").read()
