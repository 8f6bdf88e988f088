"""What a failure through ccxt proves, from the exceptions that ccxt's own code raises."""

import json
from typing import Any

import aiohttp
import ccxt
import pytest
from aiohttp.client_reqrep import ConnectionKey

from services.exchange.venues.ccxt_client import exact_type
from services.exchange.venues.ccxt_dialects import DIALECTS
from services.exchange.venues.ccxt_errors import Meaning, Verdict, judge, text_of

SECRET_URL = "https://api.binance.com/api/v3/order?timestamp=1&signature=5ec2e7"
BODIES = {
    "binance": lambda code, text: {"code": int(code), "msg": text},
    "binanceusdm": lambda code, text: {"code": int(code), "msg": text},
    "bybit": lambda code, text: {"retCode": int(code), "retMsg": text, "result": {}, "time": 1},
    "cryptocom": lambda code, text: {
        "id": 1,
        "method": "private/create-order",
        "code": code,
        "message": text,
    },
}


def answered(exchange: str, status: int, body: Any, headers: dict[str, str] | None = None) -> Exception:
    """What ccxt raises for an HTTP answer."""
    client = exact_type(exchange)({"apiKey": "key", "secret": "secret"})
    text = body if isinstance(body, str) else json.dumps(body)
    response = client.parse_json(text)

    def read() -> None:
        client.handle_errors(status, "reason", SECRET_URL, "POST", headers or {}, text, response, {}, "")
        client.handle_http_status_code(status, "reason", SECRET_URL, "POST", text)

    with pytest.raises(ccxt.BaseError) as raised:
        read()
    error: Exception = raised.value
    return error


def verdict(exchange: str, error: Exception, *, departed: bool = True) -> Verdict:
    return judge(error, DIALECTS[exchange].codes, departed=departed)


@pytest.mark.parametrize(
    ("exchange", "code", "text", "meaning", "reason"),
    [
        ("binance", -2010, "Account has insufficient balance for action.", "REFUSED", "INSUFFICIENT_BALANCE"),
        ("binance", -2010, "Duplicate order sent.", "DUPLICATE", ""),
        ("binance", -2010, "Order would immediately match and take.", "REFUSED", "POST_ONLY_WOULD_TRADE"),
        ("binance", -2010, "Market is closed.", "REFUSED", "MARKET_CLOSED"),
        ("binance", -2010, "This action is disabled on this account.", "REFUSED", "REFUSED_BY_VENUE"),
        ("binance", -1013, "Filter failure: PRICE_FILTER", "REFUSED", "PRICE_OFF_TICK"),
        ("binance", -1013, "Filter failure: LOT_SIZE", "REFUSED", "QUANTITY_OFF_LOT"),
        ("binance", -1013, "Filter failure: MARKET_LOT_SIZE", "REFUSED", "QUANTITY_OFF_LOT"),
        ("binance", -1013, "Filter failure: NOTIONAL", "REFUSED", "NOTIONAL_TOO_SMALL"),
        ("binance", -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", "REFUSED", "PRICE_OUT_OF_RANGE"),
        ("binance", -1013, "Filter failure: MAX_NUM_ORDERS", "REFUSED", "TOO_MANY_OPEN_ORDERS"),
        ("binance", -1111, "Parameter 'price' has too much precision.", "REFUSED", "PRICE_OFF_TICK"),
        ("binance", -1121, "Invalid symbol.", "REFUSED", "UNKNOWN_SYMBOL"),
        ("binance", -1102, "Mandatory parameter 'price' was not sent.", "REFUSED", "INVALID_REQUEST"),
        ("binance", -2011, "Unknown order sent.", "NOT_OPEN", ""),
        ("binance", -2013, "Order does not exist.", "ABSENT", ""),
        ("binance", -1021, "Timestamp for this request is outside of the recvWindow.", "NOT_SENT", ""),
        ("binance", -1022, "Signature for this request is not valid.", "NOT_SENT", ""),
        ("binance", -2015, "Invalid API-key, IP, or permissions for action.", "NOT_SENT", ""),
        ("binance", -1000, "An unknown error occurred while processing the request.", "UNKNOWN", ""),
        ("binance", -1001, "Internal error; unable to process your request.", "UNKNOWN", ""),
        ("binance", -1006, "An unexpected response was received from the message bus.", "UNKNOWN", ""),
        ("binance", -1007, "Timeout waiting for response from backend server.", "UNKNOWN", ""),
        ("binance", -9999, "A code of next year.", "UNKNOWN", ""),
        ("binanceusdm", -2019, "Margin is insufficient.", "REFUSED", "INSUFFICIENT_BALANCE"),
        ("binanceusdm", -2022, "ReduceOnly Order is rejected.", "REFUSED", "REDUCE_ONLY"),
        ("binanceusdm", -4116, "ClientOrderId is duplicated.", "DUPLICATE", ""),
        ("binanceusdm", -4164, "Notional must be no smaller than 100", "REFUSED", "NOTIONAL_TOO_SMALL"),
        ("binanceusdm", -5021, "Due to the order could not be filled immediately", "REFUSED", "FILL_OR_KILL"),
        ("binanceusdm", -5022, "It could not be executed as maker", "REFUSED", "POST_ONLY_WOULD_TRADE"),
        ("binanceusdm", -1008, "Server is currently overloaded with other requests.", "NOT_SENT", ""),
        ("bybit", 170131, "Insufficient balance.", "REFUSED", "INSUFFICIENT_BALANCE"),
        ("bybit", 170134, "Order price decimal too long", "REFUSED", "PRICE_OFF_TICK"),
        ("bybit", 170137, "Order volume decimal too long", "REFUSED", "QUANTITY_OFF_LOT"),
        ("bybit", 170140, "Transaction amount lower than the minimum.", "REFUSED", "NOTIONAL_TOO_SMALL"),
        ("bybit", 170141, "Duplicate clientOrderId", "DUPLICATE", ""),
        ("bybit", 110072, "OrderLinkedID is duplicate", "DUPLICATE", ""),
        ("bybit", 110017, "Reduce-only rule not satisfied", "REFUSED", "REDUCE_ONLY"),
        ("bybit", 110001, "Order does not exist", "NOT_OPEN", ""),
        ("bybit", 170213, "Order does not exist.", "NOT_OPEN", ""),
        ("bybit", 10003, "API key is invalid.", "NOT_SENT", ""),
        ("bybit", 10006, "Too many visits!", "THROTTLED", ""),
        ("bybit", 10016, "System error. Please try again later.", "UNKNOWN", ""),
        ("bybit", 170007, "Timeout waiting for response from backend server.", "UNKNOWN", ""),
        ("bybit", 170146, "Order creation timeout", "UNKNOWN", ""),
        ("cryptocom", 306, "INSUFFICIENT_AVAILABLE_BALANCE", "REFUSED", "INSUFFICIENT_BALANCE"),
        ("cryptocom", 415, "BELOW_MIN_ORDER_SIZE", "REFUSED", "QUANTITY_TOO_SMALL"),
        ("cryptocom", 314, "EXCEEDS_MAX_ORDER_SIZE", "REFUSED", "QUANTITY_TOO_LARGE"),
        ("cryptocom", 315, "FAR_AWAY_LIMIT_PRICE", "REFUSED", "PRICE_OUT_OF_RANGE"),
        ("cryptocom", 204, "DUPLICATE_CLORDID", "DUPLICATE", ""),
        ("cryptocom", 40401, "NOT_FOUND", "NOT_OPEN", ""),
        ("cryptocom", 40101, "UNAUTHORIZED", "NOT_SENT", ""),
        ("cryptocom", 42901, "TOO_MANY_REQUESTS", "THROTTLED", ""),
        ("cryptocom", 50001, "ERR_INTERNAL", "UNKNOWN", ""),
    ],
)  # fmt: skip
def test_a_code_means_what_the_venues_documents_say(
    exchange: str, code: int, text: str, meaning: str, reason: str
) -> None:
    status = 200 if exchange == "bybit" else 400
    told = verdict(exchange, answered(exchange, status, BODIES[exchange](code, text)))
    assert (told.meaning.name, told.reason) == (meaning, reason)
    assert str(code) in told.message


@pytest.mark.parametrize("exchange", sorted(DIALECTS))
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_servers_trouble_proves_nothing(exchange: str, status: int) -> None:
    body: Any = "<html>bad gateway</html>" if exchange != "cryptocom" else {"code": 50001}
    assert verdict(exchange, answered(exchange, status, body)).meaning is Meaning.UNKNOWN


def test_a_proxys_forbidden_proves_nothing() -> None:
    assert verdict("binance", answered("binance", 403, "<html>forbidden</html>")).meaning is Meaning.UNKNOWN


@pytest.mark.parametrize(("status", "banned"), [(429, False), (418, True)])
def test_too_many_calls_come_with_how_long_to_wait(status: int, banned: bool) -> None:
    body = {"code": -1003, "msg": "Too much request weight used"}
    told = verdict("binance", answered("binance", status, body, {"Retry-After": "37"}))
    assert (told.meaning, told.retry_after, told.banned, told.answered) == (
        Meaning.THROTTLED,
        37.0,
        banned,
        True,
    )


@pytest.mark.parametrize("text", ["", "soon", "-3"])
def test_a_wait_that_makes_no_sense_is_none(text: str) -> None:
    body = {"code": -1003, "msg": "Too much request weight used"}
    assert verdict("binance", answered("binance", 429, body, {"retry-after": text})).retry_after == 0


def test_a_key_that_worked_before_is_no_rate_limit() -> None:
    """ccxt calls -2015 DDoSProtection once the key has worked."""
    client = exact_type("binance")({"apiKey": "key", "secret": "secret"})
    client.options["hasAlreadyAuthenticatedSuccessfully"] = True
    body = {"code": "-2015", "msg": "Invalid API-key, IP, or permissions for action."}
    with pytest.raises(ccxt.DDoSProtection) as raised:
        client.handle_errors(401, "", SECRET_URL, "POST", {}, json.dumps(body), body, {}, "")
    assert verdict("binance", raised.value).meaning is Meaning.NOT_SENT


def connection_refused() -> Exception:
    key = ConnectionKey(
        "127.0.0.1", 9, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    return aiohttp.ClientConnectorError(key, OSError(111, "refused"))


@pytest.mark.parametrize(
    ("cause", "meaning"),
    [
        (connection_refused(), Meaning.NOT_SENT),
        (aiohttp.ServerDisconnectedError(), Meaning.UNKNOWN),
        (aiohttp.ClientOSError(104, "reset"), Meaning.UNKNOWN),
    ],
)
def test_only_a_connection_that_never_stood_proves_that_nothing_left(
    cause: Exception, meaning: Meaning
) -> None:
    error = ccxt.ExchangeNotAvailable(f"binance POST {SECRET_URL}")
    error.__cause__ = cause
    assert verdict("binance", error).meaning is meaning


def test_a_timeout_after_the_request_began_to_leave_proves_nothing() -> None:
    error = ccxt.RequestTimeout(f"binance POST {SECRET_URL}")
    assert verdict("binance", error).meaning is Meaning.UNKNOWN
    assert verdict("binance", error, departed=False).meaning is Meaning.NOT_SENT


def test_what_ccxt_refuses_by_itself_was_not_sent() -> None:
    error = ccxt.ArgumentsRequired("binance createOrder() requires a price argument")
    assert verdict("binance", error, departed=False).meaning is Meaning.NOT_SENT


@pytest.mark.parametrize(
    "error",
    [
        ccxt.RequestTimeout(f"binance POST {SECRET_URL}"),
        ccxt.NetworkError(SECRET_URL),
        answered("binance", 400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}),
        answered("binance", 502, f"<html>{SECRET_URL}</html>"),
    ],
)
def test_no_text_of_ours_carries_a_signature(error: Exception) -> None:
    assert "signature" not in text_of(error)
    assert "signature" not in verdict("binance", error).message
