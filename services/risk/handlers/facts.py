"""What every use case asks of an account first."""

from services.kernel.names import AccountName
from services.risk.domain.limits import Limits
from services.risk.ports import AccountFacts, RiskReader


async def require_facts(reader: RiskReader, account: str) -> tuple[AccountFacts, Limits]:
    """All about an account, and its limits.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    facts = await reader.facts(account)
    return facts, require_limits(facts)


def require_limits(facts: AccountFacts) -> Limits:
    """The limits of an account, or ACCOUNT_NOT_FOUND."""
    if facts.limits is None:
        raise AccountName(facts.account).not_found(f"risk has no limits for accounts/{facts.account}")
    return facts.limits
