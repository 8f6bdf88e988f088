"""Keys whose secret the venue does not have: Ed25519, for each request or once for a session."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_other_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import ValidationError

from services.simvenue.settings import SimvenueSettings
from tests.support.binance_venue import (
    FUNDS,
    BinanceVenue,
    Listener,
    binance_venue,
    ccxt_config,
    now_ms,
    point_at,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "key-of-alice"
USER = "userDataStream"
LIMIT: dict[str, object] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


@pytest.fixture(scope="module")
def private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def pem_of(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def venue(
    tmp_path_factory: pytest.TempPathFactory, private: Ed25519PrivateKey
) -> AsyncIterator[BinanceVenue]:
    keys = {KEY: {"account": "alice", "public_key": pem_of(private)}}
    funds = {"alice": FUNDS}
    async with binance_venue(tmp_path_factory.mktemp("ed25519"), funds, binance_keys=keys) as running:
        yield running


def signed(private: Ed25519PrivateKey, **params: object) -> dict[str, object]:
    """Parameters of the WebSocket API with their signature."""
    payload = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    return {**params, "signature": b64encode(private.sign(payload.encode())).decode()}


async def test_requests_are_signed(venue: BinanceVenue, private: Ed25519PrivateKey) -> None:
    raw = venue.raw("alice")
    query = urlencode({"timestamp": now_ms()})
    signature = b64encode(private.sign(query.encode())).decode()
    stranger = b64encode(Ed25519PrivateKey.generate().sign(query.encode())).decode()
    answers = [
        await raw.send("GET", "/api/v3/account", f"{query}&{urlencode({'signature': each})}")
        for each in (signature, stranger, "no base64", "")
    ]
    plain = await raw.send("GET", "/api/v3/account", f"{query}&signature={signature}")
    assert [answer.code for answer in answers] == [None, -1022, -1022, -1102]
    assert plain.status == 200


async def test_ccxt_signs(venue: BinanceVenue, private: Ed25519PrivateKey) -> None:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    exchange = ccxt.binance({**ccxt_config("alice"), "secret": pem})
    point_at(exchange, venue)
    try:
        order = await exchange.create_order("BTC/USDT", "limit", "buy", 1, 100)
        assert (await exchange.cancel_order(order["id"], "BTC/USDT"))["status"] == "canceled"
    finally:
        await exchange.close()


async def test_a_session_logs_on_and_off(venue: BinanceVenue, private: Ed25519PrivateKey) -> None:
    async with venue.listening("/ws-api/v3") as api:
        early = await api.ask("order.place", {**LIMIT, "timestamp": now_ms()})
        on = await api.ask("session.logon", signed(private, apiKey=KEY, timestamp=now_ms()))
        subscribed = await api.ask(f"{USER}.subscribe", {})
        request = {"id": "mine", "method": "order.place", "params": {**LIMIT, "timestamp": now_ms()}}
        await api.socket.send_json(request)
        messages = [await api.next() for _ in range(3)]  # which comes first is nobody's promise
        undated = await api.ask("order.place", dict(LIMIT))
        stale = await api.ask("order.place", {**LIMIT, "timestamp": now_ms() - 60_000})
        status = (await api.ask("session.status", {}))["result"]
        off = (await api.ask("session.logout", {}))["result"]
        late = await place(api)
    assert early["error"]["code"] == -2014
    assert on["result"]["apiKey"] == KEY
    assert on["result"]["authorizedSince"] >= on["result"]["connectedSince"]
    assert subscribed["result"] == {"subscriptionId": 0}
    (placed,) = (message["result"] for message in messages if message.get("id") == "mine")
    events = {message["event"]["e"]: message["event"] for message in messages if "event" in message}
    assert placed["status"] == "NEW"
    assert events["executionReport"]["i"] == placed["orderId"]
    assert "outboundAccountPosition" in events
    assert (undated["error"]["code"], stale["error"]["code"]) == (-1102, -1021)
    assert (status["apiKey"], status["userDataStream"]) == (KEY, True)
    assert (off["apiKey"], off["authorizedSince"], off["userDataStream"]) == (None, None, False)
    assert late["error"]["code"] == -2014


async def place(api: Listener) -> Any:
    return await api.ask("order.place", {**LIMIT, "timestamp": now_ms()})


@pytest.mark.parametrize(
    "owner",
    [
        {"account": "alice"},
        {"account": "alice", "secret": "s", "public_key": "p"},
        {"account": "alice", "public_key": "no key"},
        {"account": "alice", "public_key": pem_of(generate_other_key(SECP256R1()))},
    ],
)
async def test_settings_that_make_no_key(owner: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEMESH_SIMVENUE_BINANCE_KEYS", json.dumps({"a-key": owner}))
    with pytest.raises(ValidationError):
        SimvenueSettings()
