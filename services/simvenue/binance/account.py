"""Endpoints of what an account has and did, and of the wallet around it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from zlib import crc32

from services.simvenue.binance.desk import Desk
from services.simvenue.binance.errors import not_valid
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security
from services.simvenue.binance.history import within
from services.simvenue.binance.limits import Limits
from services.simvenue.binance.params import Params
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.wire import ZERO, amount, asset, currency, milliseconds
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.orders import Balance, Transfer, TransferKind

_MOST: Final = 1_000
_BASIS_POINTS: Final = 10_000
_NETWORK: Final = "SIM"
_DEPOSITS: Final = frozenset({TransferKind.DEPOSIT})


class AccountEndpoints:
    """Answers what is asked about an account.

    Args:
        desk: knows it.
        symbols: all symbols.
        limits: how many orders it may send.
    """

    def __init__(self, desk: Desk, symbols: Symbols, limits: Limits) -> None:
        self._desk = desk
        self._symbols = symbols
        self._limits = limits

    def endpoints(self) -> Endpoints:
        """All of them."""
        api, sapi, signed = "/api/v3", "/sapi/v1", Security.SIGNED
        orders = "account.rateLimits.orders"
        return [
            Endpoint("GET", f"{api}/account", self.account, 20, signed, 0, "account.status"),
            Endpoint(
                "GET", f"{api}/account/commission", self.commission, 20, signed, 0, "account.commission"
            ),
            Endpoint("GET", f"{api}/rateLimit/order", self.order_limits, 40, signed, 0, orders),
            Endpoint("GET", f"{sapi}/system/status", self.status),
            Endpoint("GET", f"{sapi}/capital/config/getall", self.coins, 10, signed),
            Endpoint("GET", f"{sapi}/capital/deposit/hisrec", self.deposits, 1, signed),
            Endpoint("GET", f"{sapi}/capital/withdraw/history", self.withdrawals, 1, signed),
            Endpoint("GET", f"{sapi}/asset/tradeFee", self.fees, 1, signed),
            Endpoint("GET", f"{sapi}/margin/allPairs", self.no_pairs, 1, signed),
            Endpoint("GET", f"{sapi}/margin/isolated/allPairs", self.no_pairs, 10, signed),
        ]

    async def account(self, call: Call) -> Any:
        """Balances and commission rates."""
        omit = call.params.choice("omitZeroBalances", ("true", "false"), not_valid("omitZeroBalances"))
        call.params.finish()
        balances, now_ns = await self._desk.balances(call.account)
        shown = self._every(balances)
        if omit == "true":
            shown = [each for each in shown if each.free or each.locked]
        maker, taker = self._rates()
        return {
            "makerCommission": int(maker * _BASIS_POINTS),
            "takerCommission": int(taker * _BASIS_POINTS),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": amount(maker),
                "taker": amount(taker),
                "buyer": ZERO,
                "seller": ZERO,
            },
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": milliseconds(now_ns),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset(each.currency), "free": amount(each.free), "locked": amount(each.locked)}
                for each in shown
            ],
            "permissions": ["SPOT"],
            "uid": crc32(call.account.encode()),
        }

    async def commission(self, call: Call) -> Any:
        """Commission rates of a symbol."""
        instrument = self._symbols.find(call.params.symbol())
        call.params.finish()
        none = {"maker": ZERO, "taker": ZERO, "buyer": ZERO, "seller": ZERO}
        return {
            "symbol": instrument.venue_symbol,
            "standardCommission": {
                **none,
                "maker": amount(instrument.maker_fee_rate),
                "taker": amount(instrument.taker_fee_rate),
            },
            "taxCommission": none,
            "discount": {
                "enabledForAccount": False,
                "enabledForSymbol": False,
                "discountAsset": "BNB",
                "discount": ZERO,
            },
        }

    async def order_limits(self, call: Call) -> Any:
        """How many orders an account sent, and may send."""
        call.params.finish()
        return self._limits.order_state(call.account)

    async def status(self, call: Call) -> Any:
        """Whether the venue is in service."""
        call.params.finish()
        return {"status": 0, "msg": "normal"}

    async def coins(self, call: Call) -> Any:
        """All assets, with what the account has of each."""
        call.params.finish()
        balances, _ = await self._desk.balances(call.account)
        return [_coin_json(balance) for balance in self._every(balances)]

    async def deposits(self, call: Call) -> Any:
        """Money that came in, newest first."""
        wanted = _Wallet(call.params, "status")
        found = await self._desk.transfers(call.account)
        return wanted.page([_deposit_json(each) for each in found if wanted.has(each, _DEPOSITS)])

    async def withdrawals(self, call: Call) -> Any:
        """Money that left, newest first. Nothing leaves a simulated account yet."""
        _Wallet(call.params, "status", "withdrawOrderId")
        return []

    async def fees(self, call: Call) -> Any:
        """Commission rates of all symbols, or of one."""
        named = call.params.has("symbol")
        instruments = [self._symbols.find(call.params.symbol())] if named else self._symbols.all()
        call.params.finish()
        return [_fee_json(instrument) for instrument in instruments]

    async def no_pairs(self, call: Call) -> Any:
        """What may be traded on margin: nothing."""
        call.params.ignore("symbol")
        call.params.finish()
        return []

    def _every(self, balances: Sequence[Balance]) -> list[Balance]:
        """A balance of everything that is traded or was ever had."""
        nothing = {name: Balance(name, Decimal(0), Decimal(0)) for name in self._symbols.currencies()}
        return [*(nothing | {each.currency: each for each in balances}).values()]

    def _rates(self) -> tuple[Decimal, Decimal]:
        """The highest rates of any symbol: an account is told one pair."""
        instruments = self._symbols.all()
        return max(each.maker_fee_rate for each in instruments), max(
            each.taker_fee_rate for each in instruments
        )


class _Wallet:
    """What is asked of the wallet's history."""

    def __init__(self, params: Params, *ignored: str) -> None:
        coin = params.text("coin")
        self._currency = None if coin is None else currency(coin)
        self._start_ms, self._end_ms = params.whole("startTime"), params.whole("endTime")
        self._offset = params.whole("offset") or 0
        self._limit = params.limit(_MOST, _MOST)
        params.ignore(*ignored)
        params.finish()

    def has(self, transfer: Transfer, kinds: frozenset[TransferKind]) -> bool:
        if self._currency not in {None, transfer.currency} or transfer.kind not in kinds:
            return False
        return within(transfer.time_ns, self._start_ms, self._end_ms)

    def page(self, found: Sequence[Any]) -> list[Any]:
        return [*reversed(found)][self._offset : self._offset + self._limit]


def _coin_json(balance: Balance) -> dict[str, Any]:
    name = asset(balance.currency)
    return {
        "coin": name,
        "name": name,
        "depositAllEnable": False,
        "withdrawAllEnable": False,
        "trading": True,
        "isLegalMoney": False,
        "free": amount(balance.free),
        "locked": amount(balance.locked),
        "freeze": ZERO,
        "withdrawing": ZERO,
        "ipoable": ZERO,
        "ipoing": ZERO,
        "storage": ZERO,
        "networkList": [
            {
                "network": _NETWORK,
                "coin": name,
                "name": "simulated",
                "isDefault": True,
                "depositEnable": False,
                "withdrawEnable": False,
                "depositDust": ZERO,
                "withdrawFee": ZERO,
                "withdrawMin": ZERO,
                "withdrawMax": ZERO,
                "withdrawIntegerMultiple": "0.00000001",
                "minConfirm": 1,
                "unLockConfirm": 0,
                "withdrawTag": False,
                "busy": False,
            }
        ],
    }


def _deposit_json(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": str(transfer.transfer_id),
        "amount": amount(transfer.amount),
        "coin": asset(transfer.currency),
        "network": _NETWORK,
        "status": 1,
        "address": "simulated",
        "addressTag": "",
        "txId": f"sim-{transfer.transfer_id}",
        "insertTime": milliseconds(transfer.time_ns),
        "completeTime": milliseconds(transfer.time_ns),
        "transferType": 0,
        "confirmTimes": "1/1",
        "unlockConfirm": 0,
        "walletType": 0,
    }


def _fee_json(instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "makerCommission": str(instrument.maker_fee_rate),
        "takerCommission": str(instrument.taker_fee_rate),
    }
