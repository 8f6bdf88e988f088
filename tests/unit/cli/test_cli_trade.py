import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from services.cli.trade import EdgeApi, NoTradeExpectedError, NotYetError, find_trade

STARTED = datetime(2026, 1, 1, 12, tzinfo=UTC)
CYCLE = {
    "name": "cycles/1",
    "signal": "strategies/sma-cross/signals/1",
    "strategy": "strategies/sma-cross",
    "state": "CYCLE_STATE_COMPLETED",
    "order": "accounts/paper/orders/1",
    "filled_quantity": "0.01",
    "correlation_id": "c-1",
    "create_time": "2026-01-01T12:00:01.123456789Z",
}
EARLIER = CYCLE | {"name": "cycles/0", "correlation_id": "c-0", "create_time": "2026-01-01T11:59:59Z"}
TRADING = {
    "/v1/trading/status": {"mode": "TRADING_MODE_RUNNING"},
    "/v1/strategies": {"strategies": [{"state": "STRATEGY_STATE_ENABLED"}]},
}
BTC = "venues/sim/instruments/btc-usdt"
TRADED: dict[str, Any] = {
    "/v1/trading/cycles": {"cycles": [CYCLE]},
    "/v1/accounts/paper/orders/1": {
        "instrument": BTC,
        "side": "SIDE_BUY",
        "filled_quantity": "0.01",
        "average_price": "60000",
    },
    f"/v1/{BTC}/ticker": {"last_price": "60001"},
    "/v1/strategies/sma-cross/signals?page_size=1000": {"signals": [{"name": CYCLE["signal"]}]},
    "/v1/accounts/paper/exposure": {},
    "/v1/accounts/paper/trialBalance": {"balanced": True},
    "/v1/accounts/paper/positions": {
        "positions": [{"instrument": BTC, "quantity": "0.01", "fill_count": "1"}]
    },
}


class _Rest(ThreadingHTTPServer):
    """Answers what ``answers`` says, 404 otherwise."""

    answers: dict[str, Any]


class _Handler(BaseHTTPRequestHandler):
    server: _Rest

    def do_GET(self) -> None:
        body = self.server.answers.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body if body is not None else {"message": "no such thing"}).encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def rest() -> Iterator[_Rest]:
    with _Rest(("127.0.0.1", 0), _Handler) as server:
        server.answers = TRADED | TRADING
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _find(rest: _Rest) -> Any:
    return find_trade(EdgeApi(rest.server_address[1]), STARTED)


def test_a_trade_is_found_when_every_service_knows_it(rest: _Rest) -> None:
    trade = _find(rest)
    assert (trade.side, trade.quantity, trade.price, trade.position) == ("buy", "0.01", "60000", "0.01")
    assert (trade.order, trade.correlation_id) == ("accounts/paper/orders/1", "c-1")


def test_a_trade_of_an_earlier_run_is_not_shown(rest: _Rest) -> None:
    rest.answers["/v1/trading/cycles"] = {"cycles": [EARLIER]}
    with pytest.raises(NotYetError, match="no signal yet since the start"):
        _find(rest)
    rest.answers["/v1/trading/cycles"] = {"cycles": [CYCLE, EARLIER]}
    assert _find(rest).correlation_id == "c-1"


def test_the_state_of_an_earlier_run_is_not_told(rest: _Rest) -> None:
    open_now = CYCLE | {"state": "CYCLE_STATE_ORDERED"}
    rest.answers["/v1/trading/cycles"] = {"cycles": [open_now, EARLIER]}
    with pytest.raises(NotYetError, match="the newest is ordered"):
        _find(rest)


@pytest.mark.parametrize("path", list(TRADED))
def test_a_service_that_does_not_answer_is_waited_for(rest: _Rest, path: str) -> None:
    del rest.answers[path]
    with pytest.raises(NotYetError, match=f"{re.escape(path[1:])}: 404 no such thing"):
        _find(rest)


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/v1/trading/cycles", {}, "no signal yet"),
        (
            "/v1/trading/cycles",
            {"cycles": [CYCLE | {"state": "CYCLE_STATE_DENIED", "reason": "too large"}]},
            "no cycle is filled yet; the newest is denied too large",
        ),
        ("/v1/trading/cycles", {"cycles": [CYCLE | {"filled_quantity": "0"}]}, "no cycle is filled yet"),
        ("/v1/strategies/sma-cross/signals?page_size=1000", {}, "strategy does not show the signal"),
        ("/v1/accounts/paper/trialBalance", {"balanced": False}, "not balanced"),
        ("/v1/accounts/paper/positions", {}, "portfolio has not booked the fill"),
        (
            "/v1/accounts/paper/positions",
            {"positions": [{"instrument": BTC, "fill_count": "0"}]},
            "portfolio has not booked the fill",
        ),
    ],
)
def test_the_reason_says_where_the_trade_stands(rest: _Rest, path: str, answer: Any, reason: str) -> None:
    rest.answers[path] = answer
    with pytest.raises(NotYetError, match=reason):
        _find(rest)


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/v1/trading/status", {"mode": "TRADING_MODE_EMERGENCY_STOPPED"}, "trading is emergency_stopped"),
        ("/v1/strategies", {"strategies": [{"state": "STRATEGY_STATE_DISABLED"}]}, "no strategy is enabled"),
        ("/v1/strategies", {}, "no strategy is enabled"),
    ],
)
def test_no_trade_is_waited_for_where_none_will_come(
    rest: _Rest, path: str, answer: Any, reason: str
) -> None:
    rest.answers["/v1/trading/cycles"] = {}
    rest.answers[path] = answer
    with pytest.raises(NoTradeExpectedError, match=reason):
        _find(rest)


def test_nobody_listening_is_waited_for() -> None:
    with pytest.raises(NotYetError, match="v1/trading/cycles"):
        find_trade(EdgeApi(1), STARTED)
