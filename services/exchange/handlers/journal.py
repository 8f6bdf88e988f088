"""Writes each step of an order into the log, under the order's correlation id."""

from collections.abc import Mapping

import structlog

from services.chassis.telemetry.correlation import correlated, correlation_id
from services.exchange.domain.order import Order
from services.exchange.ports import Step

_log = structlog.get_logger(__name__)
_LOUD = frozenset({Step.OUTCOME_UNKNOWN, Step.ADOPTED, Step.RESURFACED})

_QUIET = frozenset({Step.TRIGGER_MOVED})


class LogJournal:
    """``ports.Journal`` on structlog."""

    def reached(self, step: Step, order: Order, **details: object) -> None:
        """One line for one step."""
        if correlation_id.get() == order.correlation_id:
            _write(step, order, details)
            return
        with correlated(order.correlation_id):
            _write(step, order, details)


def _write(step: Step, order: Order, details: Mapping[str, object]) -> None:
    write = _log.warning if step in _LOUD else _log.debug if step in _QUIET else _log.info
    write(
        step.value,
        order=order.name,
        state=order.state.value,
        version=order.version,
        client_order_id=order.client_order_id,
        **details,
    )
