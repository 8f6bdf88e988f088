"""Endpoints of what an account has: balances, positions, income, and modes that are what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from services.kernel.decimals import EXACT, render
from services.simvenue.binance.desk import Desk
from services.simvenue.binance.errors import BinanceError, mandatory, not_valid
from services.simvenue.binance.futures import rules
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security
from services.simvenue.binance.history import WEEK, page_of, within
from services.simvenue.binance.limits import Limits
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.wire import asset, milliseconds
from services.simvenue.domain.account import Account
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.orders import Fill, Transfer, TransferKind
from services.simvenue.domain.positions import Position
from services.simvenue.domain.solvency import (
    Solvency,
    liquidation_price,
    maintenance_of,
    mark_of,
    solvency_of,
)
from services.simvenue.domain.venue import Venue

_INCOME_DEFAULT: Final = 100
_INCOME_MOST: Final = 1_000
_BOOLEANS: Final = ("true", "false")
_INCOMES: Final[Mapping[TransferKind, str]] = {
    TransferKind.DEPOSIT: "TRANSFER",
    TransferKind.FUNDING: "FUNDING_FEE",
    TransferKind.INSURANCE: "INSURANCE_CLEAR",
}


@dataclass(frozen=True, slots=True)
class _Held:
    """A position as it is told.

    Attributes:
        position: the position.
        instrument: its instrument.
        mark: the mark price; the entry where nothing was traded since the venue opened.
        liquidation: the mark price that would break the account; None where there is none, or the venue
            does not liquidate.
    """

    position: Position
    instrument: Instrument
    mark: Decimal
    liquidation: Decimal | None

    @property
    def notional(self) -> Decimal:
        return EXACT.multiply(self.position.quantity, self.mark)

    @property
    def maintenance(self) -> Decimal:
        return maintenance_of(self.position, self.instrument, self.mark)


@dataclass(frozen=True, slots=True)
class _Purse:
    """What an account has of one currency."""

    currency: str
    free: Decimal
    locked: Decimal
    solvency: Solvency


class AccountEndpoints:
    """Answers what is asked about an account.

    Args:
        desk: knows it.
        symbols: all perpetuals.
        limits: how many orders it may send.
    """

    def __init__(self, desk: Desk, symbols: Symbols, limits: Limits) -> None:
        self._desk = desk
        self._symbols = symbols
        self._limits = limits
        self._currencies = sorted({each.quote for each in symbols.all()})

    def endpoints(self) -> Endpoints:
        """All of them. Of two versions the older one tells more."""
        api, signed = "/fapi/v1", Security.SIGNED
        dual, multi = f"{api}/positionSide/dual", f"{api}/multiAssetsMargin"
        return [
            *(Endpoint("GET", f"/fapi/v{each}/balance", self.balance, 5, signed) for each in (2, 3)),
            *(Endpoint("GET", f"/fapi/v{each}/account", self.account, 5, signed) for each in (2, 3)),
            *(Endpoint("GET", f"/fapi/v{each}/positionRisk", self.risk, 5, signed) for each in (2, 3)),
            Endpoint("GET", f"{api}/income", self.income, 30, signed),
            Endpoint("GET", f"{api}/leverageBracket", self.brackets, 1, signed),
            Endpoint("GET", f"{api}/commissionRate", self.commission, 20, signed),
            Endpoint("GET", f"{api}/rateLimit/order", self.order_limits, 1, signed),
            Endpoint("POST", f"{api}/leverage", self.leverage, 1, signed),
            Endpoint("POST", f"{api}/marginType", self.margin_type, 1, signed),
            Endpoint("GET", dual, self.dual, 30, signed),
            Endpoint("POST", dual, self.set_dual, 1, signed),
            Endpoint("GET", multi, self.multi, 30, signed),
        ]

    async def balance(self, call: Call) -> Any:
        """What an account has of what perpetuals settle in."""
        call.params.finish()
        purses, _, now_ns = await self._seen(call.account)
        return [
            {
                "accountAlias": "sim",
                "asset": asset(each.currency),
                "balance": render(each.solvency.wallet),
                "crossWalletBalance": render(each.solvency.wallet),
                "crossUnPnl": render(each.solvency.profit),
                "availableBalance": render(each.free),
                "maxWithdrawAmount": render(each.free),
                "marginAvailable": True,
                "updateTime": milliseconds(now_ns),
            }
            for each in purses
        ]

    async def account(self, call: Call) -> Any:
        """The same with margins and positions."""
        call.params.finish()
        purses, held, now_ns = await self._seen(call.account)
        assets = [_asset_json(each, now_ns) for each in purses]
        names = {
            "totalInitialMargin": "initialMargin",
            "totalMaintMargin": "maintMargin",
            "totalWalletBalance": "walletBalance",
            "totalUnrealizedProfit": "unrealizedProfit",
            "totalMarginBalance": "marginBalance",
            "totalPositionInitialMargin": "positionInitialMargin",
            "totalOpenOrderInitialMargin": "openOrderInitialMargin",
            "totalCrossWalletBalance": "crossWalletBalance",
            "totalCrossUnPnl": "crossUnPnl",
            "availableBalance": "availableBalance",
            "maxWithdrawAmount": "maxWithdrawAmount",
        }
        totals = {total: _sum(each[name] for each in assets) for total, name in names.items()}
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": False,
            "updateTime": 0,
            "multiAssetsMargin": False,
            **totals,
            "assets": assets,
            "positions": [_account_position_json(each, now_ns) for each in held],
        }

    async def risk(self, call: Call) -> Any:
        """Open positions."""
        named = call.params.has("symbol")
        wanted = self._symbols.find(call.params.symbol()).symbol if named else None
        call.params.finish()
        _, held, now_ns = await self._seen(call.account)
        return [_risk_json(each, now_ns) for each in held if wanted in {None, each.position.symbol}]

    async def income(self, call: Call) -> Any:
        """What changed an account's wallet, oldest first: transfers, funding, fees, realised profit."""
        params = call.params
        named = params.has("symbol")
        symbol = self._symbols.find(params.symbol()).symbol if named else None
        kind = params.text("incomeType")
        start_ms, end_ms = WEEK.asked(params)
        limit = params.limit(_INCOME_DEFAULT, _INCOME_MOST)
        params.finish()
        entries = [self._moved(each) for each in await self._desk.transfers(call.account) if self._here(each)]
        for instrument in self._symbols.all():
            for fill in await self._desk.fills(call.account, instrument):
                entries += _of_fill(fill, instrument)
        found = [
            (time_ns, entry)
            for of, time_ns, entry in entries
            if (symbol is None or of == symbol)
            and kind in {None, entry["incomeType"]}
            and within(time_ns, start_ms, end_ms)
        ]
        found.sort(key=lambda each: each[0])
        return [entry for _, entry in page_of(found, limit, newest=start_ms is None)]

    async def brackets(self, call: Call) -> Any:
        """How much leverage there is, and what must be covered."""
        return [rules.bracket_json(each) for each in self._asked(call)]

    async def commission(self, call: Call) -> Any:
        """Commission rates of a symbol."""
        instrument = self._symbols.find(call.params.symbol())
        call.params.finish()
        return {
            "symbol": instrument.venue_symbol,
            "makerCommissionRate": render(instrument.maker_fee_rate),
            "takerCommissionRate": render(instrument.taker_fee_rate),
        }

    async def order_limits(self, call: Call) -> Any:
        """How many orders an account may send."""
        call.params.finish()
        return self._limits.order_limits()

    async def leverage(self, call: Call) -> Any:
        """Set the leverage to what it is; there is one only."""
        instrument = self._symbols.find(call.params.symbol())
        wanted = call.params.whole("leverage")
        call.params.finish()
        if wanted is None:
            raise mandatory("leverage")
        if wanted != rules.leverage_of(instrument):
            raise BinanceError(-4028, f"Leverage {wanted} is not valid")
        return {
            "symbol": instrument.venue_symbol,
            "leverage": wanted,
            "maxNotionalValue": rules.most_notional(instrument),
        }

    async def margin_type(self, call: Call) -> Any:
        """Cross margin is all there is."""
        self._symbols.find(call.params.symbol())
        call.params.choice("marginType", ("CROSSED",), not_valid("marginType"))
        call.params.finish()
        raise BinanceError(-4046, "No need to change margin type.")

    async def dual(self, call: Call) -> Any:
        """One position of a symbol is all there is."""
        call.params.finish()
        return {"dualSidePosition": False}

    async def set_dual(self, call: Call) -> Any:
        """It stays so."""
        wanted = call.params.choice("dualSidePosition", _BOOLEANS, not_valid("dualSidePosition"))
        call.params.finish()
        raise (
            not_valid("dualSidePosition")
            if wanted == "true"
            else BinanceError(-4059, "No need to change position side.")
        )

    async def multi(self, call: Call) -> Any:
        """Each currency covers its own perpetuals."""
        call.params.finish()
        return {"multiAssetsMargin": False}

    def _asked(self, call: Call) -> Sequence[Instrument]:
        named = call.params.has("symbol")
        found = [self._symbols.find(call.params.symbol())] if named else self._symbols.all()
        call.params.finish()
        return found

    async def _seen(self, account: str) -> tuple[list[_Purse], list[_Held], int]:
        return await self._desk.look(account, self._look)

    def _look(self, account: Account, venue: Venue, now_ns: int) -> tuple[list[_Purse], list[_Held], int]:
        purses = []
        for currency in self._currencies:
            wallet, free = account.total(currency), account.free(currency)
            solvency = solvency_of(account, currency, venue.markets) or Solvency(wallet)
            purses.append(_Purse(currency, free, EXACT.subtract(wallet, free), solvency))
        held = [
            _held(account, position, venue)
            for symbol, position in sorted(account.positions.items())
            if position.quantity and self._symbols.lists(symbol)
        ]
        return purses, held, now_ns

    def _here(self, transfer: Transfer) -> bool:
        return transfer.currency in self._currencies

    def _moved(self, transfer: Transfer) -> tuple[str, int, dict[str, Any]]:
        symbol = self._symbols.name(transfer.symbol) if self._symbols.lists(transfer.symbol) else ""
        kind = _INCOMES[transfer.kind]
        entry = _entry(symbol, kind, transfer.amount, transfer.currency, transfer.transfer_id)
        return transfer.symbol, transfer.time_ns, {**entry, "time": milliseconds(transfer.time_ns)}


def _held(account: Account, position: Position, venue: Venue) -> _Held:
    market = venue.markets[position.symbol]
    mark = mark_of(market)
    price = liquidation_price(account, position, venue.markets) if venue.liquidates else None
    return _Held(position, market.instrument, mark or position.entry_price or Decimal(0), price)


def _of_fill(fill: Fill, instrument: Instrument) -> list[tuple[str, int, dict[str, Any]]]:
    amounts = {"COMMISSION": fill.fee.copy_negate(), "REALIZED_PNL": fill.profit}
    more = {"tradeId": str(fill.trade_id), "time": milliseconds(fill.time_ns)}
    return [
        (
            fill.symbol,
            fill.time_ns,
            {
                **_entry(instrument.venue_symbol, kind, amount, instrument.quote, fill.trade_id),
                **more,
            },
        )
        for kind, amount in amounts.items()
        if amount
    ]


def _entry(symbol: str, kind: str, amount: Decimal, currency: str, number: int) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "incomeType": kind,
        "income": render(amount),
        "asset": asset(currency),
        "info": kind,
        "tranId": number,
        "tradeId": "",
    }


def _asset_json(purse: _Purse, now_ns: int) -> dict[str, Any]:
    solvency = purse.solvency
    return {
        "asset": asset(purse.currency),
        "walletBalance": render(solvency.wallet),
        "unrealizedProfit": render(solvency.profit),
        "marginBalance": render(solvency.equity),
        "maintMargin": render(solvency.maintenance),
        "initialMargin": render(purse.locked),
        "positionInitialMargin": render(purse.locked),
        "openOrderInitialMargin": "0",
        "crossWalletBalance": render(solvency.wallet),
        "crossUnPnl": render(solvency.profit),
        "availableBalance": render(purse.free),
        "maxWithdrawAmount": render(purse.free),
        "marginAvailable": True,
        "updateTime": milliseconds(now_ns),
    }


def _account_position_json(held: _Held, now_ns: int) -> dict[str, Any]:
    return {
        **_position_json(held, now_ns),
        "unrealizedProfit": render(held.position.profit_at(held.mark)),
        "leverage": str(rules.leverage_of(held.instrument)),
        "isolated": False,
    }


def _risk_json(held: _Held, now_ns: int) -> dict[str, Any]:
    return {
        **_position_json(held, now_ns),
        "breakEvenPrice": render(held.position.entry_price or Decimal(0)),
        "markPrice": render(held.mark),
        "unRealizedProfit": render(held.position.profit_at(held.mark)),
        "liquidationPrice": "0" if held.liquidation is None else render(held.liquidation),
        "marginAsset": asset(held.instrument.quote),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
    }


def _position_json(held: _Held, now_ns: int) -> dict[str, Any]:
    margin = render(held.position.margin(held.instrument))
    return {
        "symbol": held.instrument.venue_symbol,
        "positionSide": "BOTH",
        "positionAmt": render(held.position.quantity),
        "entryPrice": render(held.position.entry_price or Decimal(0)),
        "notional": render(held.notional),
        "isolatedMargin": "0",
        "isolatedWallet": "0",
        "initialMargin": margin,
        "maintMargin": render(held.maintenance),
        "positionInitialMargin": margin,
        "openOrderInitialMargin": "0",
        "updateTime": milliseconds(now_ns),
    }


def _sum(texts: Any) -> str:
    total = Decimal(0)
    for text in texts:
        total = EXACT.add(total, Decimal(text))
    return render(total)
