"""Use cases: change protections, show and remove locks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import AccountName
from services.risk.domain.locks import Lock
from services.risk.domain.protections import Protections
from services.risk.handlers.facts import require_facts
from services.risk.ports import RiskReader, RiskWriter

_log = structlog.get_logger(__name__)


async def update_protections(
    writer: RiskWriter, account: AccountName, change: Mapping[str, Any], clock: Clock
) -> Protections:
    """Change the named rules of an account; locks that stand already stay.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    facts, _ = await require_facts(writer, account.account)
    before = facts.protections
    after = replace(before, **change, version=before.version + 1, update_time=clock.now())
    await writer.put_protections(account.account, after)
    _log.info("protections_changed", account=str(account), version=after.version, rules=sorted(change))
    return after


async def create_lock(writer: RiskWriter, lock: Lock) -> Lock:
    """Lock by hand.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    await require_facts(writer, lock.account)
    await writer.put_lock(lock)
    _log.warning("locked", lock=lock.lock_id, account=f"accounts/{lock.account}", reason=lock.reason)
    return lock


async def standing_locks(reader: RiskReader, account: AccountName, clock: Clock) -> list[Lock]:
    """The locks of an account that have not expired, the newest first.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    facts, _ = await require_facts(reader, account.account)
    now = clock.now()
    return sorted(
        (lock for lock in facts.locks if lock.expire_time > now),
        key=lambda lock: lock.create_time,
        reverse=True,
    )


async def remove_lock(writer: RiskWriter, account: AccountName, lock_id: str) -> None:
    """Remove a lock before it expires.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND, LOCK_NOT_FOUND.
    """
    await require_facts(writer, account.account)
    if not await writer.delete_lock(account.account, lock_id):
        name = f"{account}/locks/{lock_id}"
        raise DomainError(
            "LOCK_NOT_FOUND", f"there is no {name}", kind=ErrorKind.NOT_FOUND, metadata={"lock": name}
        )
    _log.warning("lock_removed", account=str(account), lock=lock_id)
