"""Where the venues behind ccxt differ in what matters here.

ccxt unifies names and shapes. It does not unify how an order is found by the id we gave it, how trades are
paged, or what an error means for an order; that is here, for each venue, from its own API documents.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from services.exchange.domain.budgets import Budget, CallKind
from services.exchange.domain.capabilities import Capabilities, KindSupport
from services.exchange.domain.terms import Kind, TimeInForce
from services.exchange.venues import ccxt_codes
from services.exchange.venues.ccxt_convert import Raw
from services.exchange.venues.ccxt_errors import Codes
from services.exchange.venues.ccxt_transfers import Moved, journal_entry, moved_in_or_out, not_of_trades

Options = Mapping[str, Any]


_RECEIVE_WINDOW_MS: Final = 4000
"""A request that is longer on its way is refused by the venue. Shorter than the time after which the
exchange service believes a "no such order"."""

_MINUTE: Final = 60
_AT_ONCE: Final = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})


class Dialect:
    """What holds where a venue's own class says nothing else.

    Attributes:
        codes: what its error codes mean.
        id_parameter: under which ccxt takes our id of an order.
        ids_for_good: whether it refuses a used client order id for ever.
        trades_by_symbol: whether trade ids are unique in a symbol only.
        trades_by_id: whether trades are listed from an id on; otherwise by time.
        trade_page: most trades it gives at once.
        longest_range_ms: longest range of time it lists.
    """

    codes: ClassVar[Codes]
    id_parameter: ClassVar[str] = "clientOrderId"
    ids_for_good: ClassVar[bool] = False
    trades_by_symbol: ClassVar[bool] = False
    trades_by_id: ClassVar[bool] = False
    trade_page: ClassVar[int] = 100
    longest_range_ms: ClassVar[int] = 7 * 86_400_000 - 1

    def options(self, market: str) -> Options:
        """Ccxt's options of the exchange."""
        return {}

    def capabilities(self, market: str) -> Capabilities:
        """What is sent to the venue."""
        reducing = market == "swap"
        return Capabilities(
            [
                KindSupport(kind=Kind.MARKET, reduce_only=reducing),
                KindSupport(
                    kind=Kind.LIMIT,
                    times_in_force=_AT_ONCE,
                    post_only=True,
                    reduce_only=reducing,
                ),
            ]
        )

    def budgets(self) -> Sequence[Budget]:
        """The venue's rate limits."""
        return ()

    def used(self, headers: Mapping[str, str]) -> Mapping[str, int]:
        """How much of which budget is used, by the headers of an answer."""
        return {}

    async def find(self, client: Any, symbol: str, client_order_id: str) -> Raw | None:
        """The order with one of our ids; None where the venue gives an empty list."""
        found: Raw = await client.fetch_order("", symbol, {"clientOrderId": client_order_id})
        return found

    async def cancel(self, client: Any, symbol: str, client_order_id: str) -> Raw:
        """Take an order out of the book."""
        done: Raw = await client.cancel_order("", symbol, {"clientOrderId": client_order_id})
        return done

    async def trades_from_id(self, client: Any, symbol: str, trade_id: int) -> Sequence[Raw]:
        """Trades from an id on, oldest first, that one included."""
        found: Sequence[Raw] = await client.fetch_my_trades(
            symbol, None, self.trade_page, {"fromId": trade_id}
        )
        return found

    async def trades_between(self, client: Any, symbol: str, since: int, until: int) -> Sequence[Raw]:
        """Trades of a range of milliseconds, oldest first."""
        found: Sequence[Raw] = await client.fetch_my_trades(symbol, since, self.trade_page, {"until": until})
        return found

    async def moved_between(self, client: Any, market: str, since: int, until: int) -> Sequence[Moved]:
        """Deposits and withdrawals of a range of milliseconds that are done."""
        came = await client.fetch_deposits(None, since, None, {"until": until})
        left = await client.fetch_withdrawals(None, since, None, {"until": until})
        return [moved_in_or_out("deposit", each, 1) for each in came if each["status"] == "ok"] + [
            moved_in_or_out("withdrawal", each, -1) for each in left if each["status"] == "ok"
        ]

    async def trades_of(self, client: Any, symbol: str, venue_order_id: str) -> Sequence[Raw]:
        """All trades of an order, oldest first."""
        found: Sequence[Raw] = await client.fetch_order_trades(venue_order_id, symbol, None, self.trade_page)
        return found

    async def subscribe(self, client: Any, market: str) -> None:
        """What must be done before orders and trades are watched."""

    def fills_of_answer(self, told: Raw) -> Sequence[Raw]:
        """Trades that the answer to a placement tells of, as ccxt's structures of trades."""
        return ()

    def client_order_id(self, trade: Raw) -> str:
        """Our id of a trade's order, where the venue repeats it; empty otherwise."""
        return ""


class Binance(Dialect):
    """Spot: developers.binance.com/docs/binance-spot-api-docs."""

    codes = ccxt_codes.BINANCE
    trades_by_symbol = True
    trades_by_id = True
    trade_page = 1000
    longest_range_ms = 89 * 86_400_000

    def options(self, market: str) -> Options:
        """Nothing is asked of Binance that is not needed."""
        return {
            "fetchCurrencies": False,
            "fetchMargins": False,
            "fetchMarkets": {"types": ["spot" if market == "spot" else "linear"]},
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "recvWindow": _RECEIVE_WINDOW_MS,
        }

    def capabilities(self, market: str) -> Capabilities:
        """Spot has stops, icebergs and orders for an amount of quote asset of its own."""
        if market != "spot":
            return super().capabilities(market)
        return Capabilities(
            [
                KindSupport(kind=Kind.MARKET, quote_quantity=True),
                KindSupport(kind=Kind.LIMIT, times_in_force=_AT_ONCE, post_only=True, display_quantity=True),
                KindSupport(kind=Kind.STOP_MARKET, times_in_force=frozenset({TimeInForce.GTC})),
                KindSupport(kind=Kind.STOP_LIMIT, times_in_force=_AT_ONCE, display_quantity=True),
            ]
        )

    def budgets(self) -> Sequence[Budget]:
        """Weight of an address and orders of an account, as ``exchangeInfo`` names them."""
        weights = {
            CallKind.PLACE: 1,
            CallKind.CANCEL: 1,
            CallKind.FIND: 24,
            CallKind.OPEN_ORDERS: 80,
            CallKind.FILLS: 40,
            CallKind.TRANSFERS: 2,
            CallKind.VERIFY: 40,
            CallKind.BALANCES: 20,
            CallKind.INSTRUMENTS: 2,  # mostly the venue's time, the rules once in ten minutes
            CallKind.STREAM: 40,
        }
        return (
            Budget(name="weight", window_seconds=_MINUTE, limit=6000, reserve=1200, weights=weights),
            Budget(
                name="orders", window_seconds=10, limit=100, default_weight=0, weights={CallKind.PLACE: 1}
            ),
        )

    def used(self, headers: Mapping[str, str]) -> Mapping[str, int]:
        """``X-MBX-USED-WEIGHT-1M``, ``X-MBX-ORDER-COUNT-10S``, and ``-1M`` of the futures."""
        names = {
            "x-mbx-used-weight-1m": "weight",
            "x-mbx-order-count-10s": "orders",
            "x-mbx-order-count-1m": "orders_minute",
        }
        return {
            budget: int(headers[name]) for name, budget in names.items() if headers.get(name, "").isdigit()
        }

    async def subscribe(self, client: Any, market: str) -> None:
        """Spot answers a subscription, so that it stands when this returns."""
        if market == "spot":
            await client.authenticate({"type": "spot"})

    def fills_of_answer(self, told: Raw) -> Sequence[Raw]:
        """``fills`` of a FULL answer: what traded at once, so all of it took."""
        info = told.get("info") or {}
        return [
            {
                "id": each["tradeId"],
                "order": told["id"],
                "symbol": told["symbol"],
                "price": each["price"],
                "amount": each["qty"],
                "fee": {"cost": each["commission"], "currency": each["commissionAsset"]},
                "takerOrMaker": "taker",
                "timestamp": info["transactTime"],
            }
            for each in info.get("fills") or ()
        ]

    def client_order_id(self, trade: Raw) -> str:
        """Only events carry it: ``c``, or ``C`` where ``c`` is the id of a cancel."""
        info = trade.get("info") or {}
        return str(info.get("C") or info.get("c") or "")


class BinanceUsdm(Binance):
    """Perpetuals: developers.binance.com/docs/derivatives/usds-margined-futures."""

    longest_range_ms = 7 * 86_400_000 - 1

    def budgets(self) -> Sequence[Budget]:
        """Weight of an address and orders of an account, as ``exchangeInfo`` names them."""
        weights = {
            CallKind.OPEN_ORDERS: 40,
            CallKind.FILLS: 20,
            CallKind.TRANSFERS: 30,
            CallKind.VERIFY: 20,
            CallKind.INSTRUMENTS: 1,
        }
        return (
            Budget(
                name="weight",
                window_seconds=_MINUTE,
                limit=2400,
                reserve=480,
                default_weight=5,
                weights=weights,
            ),
            Budget(
                name="orders", window_seconds=10, limit=300, default_weight=0, weights={CallKind.PLACE: 1}
            ),
            Budget(
                name="orders_minute",
                window_seconds=_MINUTE,
                limit=1200,
                default_weight=0,
                weights={CallKind.PLACE: 1},
            ),
        )

    async def trades_of(self, client: Any, symbol: str, venue_order_id: str) -> Sequence[Raw]:
        """By the order's id; ccxt's own method is for spot only."""
        found: Sequence[Raw] = await client.fetch_my_trades(
            symbol, None, self.trade_page, {"orderId": venue_order_id}
        )
        return found

    async def moved_between(self, client: Any, market: str, since: int, until: int) -> Sequence[Moved]:
        """The income history: transfers, funding and the like, without what fills tell already."""
        entries = await client.fetch_ledger(None, since, 1000, {"until": until})
        return [
            journal_entry(each, each["info"].get("incomeType"))
            for each in not_of_trades(entries, "incomeType")
        ]

    def client_order_id(self, trade: Raw) -> str:
        """``c`` of an event."""
        return str((trade.get("info") or {}).get("c") or "")


class Bybit(Dialect):
    """Unified trading accounts: bybit-exchange.github.io/docs/v5."""

    codes = ccxt_codes.BYBIT
    ids_for_good = False

    def options(self, market: str) -> Options:
        """Unified accounts only, so that ccxt does not ask which kind it is."""
        return {
            "enableUnifiedMargin": False,
            "enableUnifiedAccount": True,
            "unifiedMarginStatus": 6,
            "fetchMarkets": {"types": ["spot" if market == "spot" else "linear"]},
            "defaultSubType": "linear",
            "recvWindow": _RECEIVE_WINDOW_MS,
        }

    def budgets(self) -> Sequence[Budget]:
        """Bybit counts each endpoint by itself, by the second, and an address at 600 calls in 5 s."""
        return (
            Budget(name="address", window_seconds=5, limit=600, reserve=60),
            Budget(name="orders", window_seconds=1, limit=10, default_weight=0, weights={CallKind.PLACE: 1}),
        )

    async def find(self, client: Any, symbol: str, client_order_id: str) -> Raw | None:
        """Open orders and the latest closed ones first, then the history."""
        market = client.market(symbol)
        category = "spot" if market["spot"] else "linear" if market["linear"] else "inverse"
        request = {"category": category, "symbol": market["id"], "orderLinkId": client_order_id}
        for ask in (client.privateGetV5OrderRealtime, client.privateGetV5OrderHistory):
            answer = await ask(request)
            listed = (answer.get("result") or {}).get("list") or []
            if listed:
                found: Raw = client.parse_order(listed[0], market)
                return found
        return None

    async def cancel(self, client: Any, symbol: str, client_order_id: str) -> Raw:
        """By ``orderLinkId``; the answer says only that it was taken."""
        done: Raw = await client.cancel_order(None, symbol, {"orderLinkId": client_order_id})
        return done

    async def moved_between(self, client: Any, market: str, since: int, until: int) -> Sequence[Moved]:
        """The transaction log of the account, without what fills tell already."""
        entries = await client.fetch_ledger(None, since, 50, {"until": until})
        return [journal_entry(each, each["info"].get("type")) for each in not_of_trades(entries, "type")]

    def client_order_id(self, trade: Raw) -> str:
        """``orderLinkId``."""
        return str((trade.get("info") or {}).get("orderLinkId") or "")


class CryptoCom(Dialect):
    """Exchange API v1: exchange-docs.crypto.com/exchange/v1."""

    codes = ccxt_codes.CRYPTOCOM
    # ccxt drops the unified name here, and the order would leave without our id.
    id_parameter = "client_oid"

    def budgets(self) -> Sequence[Budget]:
        """15 calls in 100 ms for orders, 1 in a second for trades; kept well below."""
        return (Budget(name="calls", window_seconds=1, limit=30, reserve=10, weights={CallKind.FILLS: 10}),)

    async def find(self, client: Any, symbol: str, client_order_id: str) -> Raw | None:
        """By ``client_oid``."""
        answer = await client.v1PrivatePostPrivateGetOrderDetail({"client_oid": client_order_id})
        found: Raw = client.parse_order(answer.get("result") or {}, client.market(symbol))
        return found

    async def cancel(self, client: Any, symbol: str, client_order_id: str) -> Raw:
        """By ``client_oid``; the answer says only that it was taken."""
        answer = await client.v1PrivatePostPrivateCancelOrder({"client_oid": client_order_id})
        done: Raw = client.parse_order(answer.get("result") or {}, client.market(symbol))
        return done

    async def trades_of(self, client: Any, symbol: str, venue_order_id: str) -> Sequence[Raw]:
        """The venue lists no trades of one order: those since the order was made, as far as they are its."""
        order = await client.fetch_order(venue_order_id, symbol)
        found = await self.trades_between(client, symbol, int(order["timestamp"]), client.milliseconds())
        return [each for each in found if str(each["order"]) == venue_order_id]

    def client_order_id(self, trade: Raw) -> str:
        """``client_oid``."""
        return str((trade.get("info") or {}).get("client_oid") or "")


DIALECTS: Final[Mapping[str, Dialect]] = {
    "binance": Binance(),
    "binanceusdm": BinanceUsdm(),
    "bybit": Bybit(),
    "cryptocom": CryptoCom(),
}
"""By ccxt's id of the exchange."""
