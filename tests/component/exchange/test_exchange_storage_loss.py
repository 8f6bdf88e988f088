"""The database fails in the middle of an order and comes back, and the process lives on."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc
import pytest

from services.chassis.persistence import StorageUnavailableError
from services.exchange.domain.order import Order
from services.exchange.ports import Step
from tests.support.exchange import CrashingJournal, limit_order, reason_of, running_exchange
from tests.support.exchange_venue import FakeRisk, FakeVenue


@dataclass
class FailingJournal(CrashingJournal):
    """Fails once at a step, as the commit of the next one does where the disk is full."""

    fail_at: Step | None = None

    def reached(self, step: Step, order: Order, **details: object) -> None:
        super().reached(step, order, **details)
        if step is self.fail_at:
            self.fail_at = None
            raise StorageUnavailableError("the database cannot be used now: disk I/O error")


@pytest.mark.parametrize("step", [Step.INTENT_COMMITTED, Step.RESERVED, Step.SUBMITTED, Step.VENUE_ANSWERED])
async def test_an_order_that_was_cut_off_is_carried_out_without_a_restart(
    new_database_url: Callable[[], str], step: Step
) -> None:
    venue, risk = FakeVenue(), FakeRisk()
    request = limit_order("2")
    journal = FailingJournal(fail_at=step)
    async with running_exchange(new_database_url(), venue, risk, journal=journal) as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(request)
        assert reason_of(caught.value) == "STORAGE_UNAVAILABLE"
        (left,) = await exchange.orders()
        # One that may have been sent is never sent again: the venue's word on it decides.
        wanted = "REJECTED" if step is Step.SUBMITTED else "OPEN"
        assert (await exchange.settled(left.name, wanted)).name == left.name
        assert (await exchange.create(request)).name == left.name
        assert len(await exchange.orders()) == 1
    assert len(venue.orders) == (0 if step is Step.SUBMITTED else 1)
    assert len(risk.reserved) == 1
