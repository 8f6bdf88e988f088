"""Use case: show what an account has at stake."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kernel.names import AccountName, InstrumentName
from services.risk.domain.account import AccountState
from services.risk.domain.order import Quote
from services.risk.domain.question import Market
from services.risk.handlers.facts import require_facts
from services.risk.handlers.trading_modes import ModeReport, TradingModes
from services.risk.ports import MarketData, RiskStore


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """What an account has at stake.

    Attributes:
        state: holdings, positions and reservations.
        mode: whether it may trade.
        market: what its instruments and assets are worth now.
    """

    state: AccountState
    mode: ModeReport
    market: Market

    @property
    def quotes(self) -> Mapping[InstrumentName, Quote]:
        """Best prices of each of its instruments that has them now."""
        return self.market.quotes


async def exposure(
    store: RiskStore, market: MarketData, modes: TradingModes, account: AccountName
) -> ExposureReport:
    """What an account has at stake.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    async with store.read() as reader:
        facts, _ = await require_facts(reader, account.account)
        mode = await modes.report(reader, account.account)
    seen = await market.look(facts.state.instruments(), facts.state.money())
    return ExposureReport(facts.state, mode, seen)
