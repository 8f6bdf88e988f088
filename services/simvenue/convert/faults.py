"""Fault scripts: messages to domain and back."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from trademesh.simvenue.v1 import fault_service_pb2 as pb

from services.kernel.decimals import render
from services.simvenue.domain.faults import Dice, FaultKind, FaultScript
from services.simvenue.fault_script import script_of

_KINDS: Final = {
    FaultKind.LOST_REQUEST: pb.FAULT_KIND_LOST_REQUEST,
    FaultKind.LOST_ACK: pb.FAULT_KIND_LOST_ACK,
    FaultKind.ERROR_AFTER_ACCEPT: pb.FAULT_KIND_ERROR_AFTER_ACCEPT,
    FaultKind.RATE_LIMITED: pb.FAULT_KIND_RATE_LIMITED,
    FaultKind.LATE_VISIBILITY: pb.FAULT_KIND_LATE_VISIBILITY,
    FaultKind.PARTIAL_FILLS: pb.FAULT_KIND_PARTIAL_FILLS,
    FaultKind.FILL_AFTER_CANCEL: pb.FAULT_KIND_FILL_AFTER_CANCEL,
    FaultKind.DUPLICATE_FILL: pb.FAULT_KIND_DUPLICATE_FILL,
    FaultKind.REORDERED_FILL: pb.FAULT_KIND_REORDERED_FILL,
    FaultKind.DROPPED_STREAM: pb.FAULT_KIND_DROPPED_STREAM,
    FaultKind.RESET: pb.FAULT_KIND_RESET,
    FaultKind.RESTART: pb.FAULT_KIND_RESTART,
}
_KINDS_BACK: Final = {value: kind for kind, value in _KINDS.items()}
_TIMES: Final = ("hidden", "retry_after", "late_fill", "away")


def script_from_proto(message: pb.FaultScript) -> FaultScript:
    """A script.

    Raises:
        FaultScriptError: a number is out of its range.
    """
    times = {
        f"{name}_seconds": getattr(message, name).ToTimedelta().total_seconds()
        for name in _TIMES
        if message.HasField(name)
    }
    rules = {_KINDS_BACK[rule.kind].value: {"rate": rule.rate, "limit": rule.limit} for rule in message.rules}
    return script_of({"seed": message.seed, **times, **rules})


def script_to_proto(script: FaultScript) -> pb.FaultScript:
    """A script."""
    rules = [
        pb.FaultRule(kind=_KINDS[kind], rate=render(Decimal(repr(rule.rate))), limit=rule.limit)
        for kind, rule in script.rules.items()
    ]
    message = pb.FaultScript(seed=script.seed, rules=rules)
    for name in _TIMES:
        getattr(message, name).FromTimedelta(timedelta(seconds=getattr(script, f"{name}_seconds")))
    return message


def struck_to_proto(dice: Dice) -> list[pb.FaultCount]:
    """How often each kind struck, the kinds that did only."""
    return [pb.FaultCount(kind=_KINDS[kind], count=count) for kind, count in sorted(dice.struck.items())]
