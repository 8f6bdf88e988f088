"""Use case: change what an account may do."""

from dataclasses import replace

import structlog

from services.kernel.clock import Clock
from services.kernel.names import AccountName
from services.risk.domain.limits import Limits
from services.risk.handlers.facts import require_facts
from services.risk.ports import LimitsChange, RiskWriter

_log = structlog.get_logger(__name__)


async def update_limits(
    writer: RiskWriter, account: AccountName, change: LimitsChange, clock: Clock
) -> Limits:
    """Change the named limits of an account; orders already approved keep what is set aside.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    _, before = await require_facts(writer, account.account)
    after = replace(before, **change, version=before.version + 1, update_time=clock.now())
    await writer.put_limits(account.account, after)
    _log.info("limits_changed", account=str(account), version=after.version, fields=sorted(change))
    return after
