"""What an error of the simulated venue says about the order it is an answer to."""

from dataclasses import dataclass
from typing import Final, Self

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2

from services.chassis.rpc.status import details_of
from services.exchange.ports import AlreadyThere, NotSent, PlaceOutcome, Refused, Uncertain

RATE_LIMITED: Final = "RATE_LIMITED"

_DOMAIN: Final = "simvenue.trademesh"
_NOTHING_CHANGED: Final = frozenset({"VENUE_HALTED", RATE_LIMITED})
"""The venue's own word that it did nothing; the same order may be taken a moment later."""

_OUR_WORDS: Final = {"REDUCE_ONLY_REFUSED": "REDUCE_ONLY"}
"""Where the exchange calls a refusal otherwise than the venue."""
_REFUSALS: Final = frozenset(
    {
        "INVALID_REQUEST",
        "UNKNOWN_SYMBOL",
        "UNKNOWN_ACCOUNT",
        "PRICE_OFF_TICK",
        "QUANTITY_OFF_LOT",
        "QUANTITY_TOO_SMALL",
        "QUANTITY_TOO_LARGE",
        "NOTIONAL_TOO_SMALL",
        "INSUFFICIENT_BALANCE",
        "POST_ONLY_WOULD_TRADE",
        "REDUCE_ONLY_REFUSED",
        "STOP_WOULD_TRIGGER",
        "EXPIRE_TIME_PASSED",
        "DISPLAY_QUANTITY_INVALID",
        "NO_LIQUIDITY",
    }
)
"""The venue's definite no to an order. A reason that is in no list here proves nothing, and those of
the chassis around the venue (SERVER_DRAINING, SERVER_OVERLOADED, STORAGE_UNAVAILABLE ...) least of all."""

_NEVER_CONNECTED: Final = ("failed to connect to all addresses", "no children to pick from")
"""What gRPC says where no connection stood, so that no byte of the call can have left."""

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class VenueError:
    """An error that came instead of an answer, of a call or of an entry in a stream.

    Attributes:
        code: gRPC status code.
        message: one sentence for a person.
        reason: the venue's own reason; empty where somebody else speaks, or nobody.
        retry_after: seconds after which the venue wants to be asked again; 0 where it did not say.
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    retry_after: float = 0.0

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> Self:
        """The error that a call ended with."""
        return cls._read(error.code(), error.details() or "", details_of(error))

    @classmethod
    def told(cls, status: status_pb2.Status) -> Self:
        """The error in a message."""
        return cls._read(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status)

    @classmethod
    def _read(cls, code: grpc.StatusCode, message: str, status: status_pb2.Status | None) -> Self:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        for detail in status.details if status is not None else ():
            for each in (info, retry):
                detail.Unpack(each)
        reason = info.reason if info.domain == _DOMAIN else ""
        return cls(code, message, reason, retry.retry_delay.ToTimedelta().total_seconds())

    @property
    def never_left(self) -> bool:
        """Whether the call failed before any byte of it can have left."""
        return self.code is grpc.StatusCode.UNAVAILABLE and self.message.startswith(_NEVER_CONNECTED)

    @property
    def outcome(self) -> PlaceOutcome:
        """What it says about the order that was sent."""
        if self.reason == "DUPLICATE_CLIENT_ORDER_ID":
            return AlreadyThere()
        if self.reason in _REFUSALS:
            return Refused(_OUR_WORDS.get(self.reason, self.reason), self.message or self.reason)
        if self.reason in _NOTHING_CHANGED:
            return NotSent(str(self), told=True)
        if self.never_left:
            return NotSent(self.message)
        return Uncertain(str(self))

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"
