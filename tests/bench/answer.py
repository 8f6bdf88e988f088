"""The one answer that every contender gives."""

from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.market.v1 import ticker_pb2

NAME = "venues/sim/instruments/btc-usdt/ticker"
METHOD = "/trademesh.market.v1.MarketService/GetTicker"
REST_PATH = f"/v1/{NAME}"


def ticker() -> ticker_pb2.Ticker:
    """A ticker as the market service gives it."""
    return ticker_pb2.Ticker(
        name=NAME,
        bid_price="61826.01",
        bid_quantity="1.52424",
        ask_price="61826.02",
        ask_quantity="3.65726",
        last_price="61826.02",
        last_quantity="0.03256",
        exchange_time=Timestamp(seconds=1723161666, nanos=482361000),
        receive_time=Timestamp(seconds=1795258207, nanos=713849000),
    )
