"""Brings a mutation to the instance that writes the account, whichever instance it came to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from services.chassis.rpc.client import MeshError
from services.kernel.errors import DomainError

Context = grpc.aio.ServicerContext[Any, Any]
Answer = TypeVar("Answer", bound=Message)

HANDED_ON: Final = "x-trademesh-handed-on"
"""Metadata key of a call that another instance has handed on: it is not handed on again."""

_DETAILS: Final = "grpc-status-details-bin"
_FENCED: Final = "WRITER_FENCED"
_ASK_AGAIN: Final = frozenset({_FENCED, "SERVER_DRAINING", ""})
_NO_DEADLINE_S: Final = 10.0
_MARGIN_S: Final = 0.2
_PAUSE_S: Final = 0.1


def remaining(context: Context) -> float:
    """Seconds until the caller's deadline."""
    left: float | None = context.time_remaining()  # the stubs leave None out
    return max(0.0, _NO_DEADLINE_S if left is None else left)


class WriterRelay:
    """Answers a mutation here where this instance is the writer, and through the writer where not.

    The way to the writer is the mesh's own channel to this service: it reaches the instances in turn,
    and each but the writer refuses a call that was handed on. While there is no writer, since the last
    one died and its lease still runs, the call waits for the next one within its own deadline. Asking
    again is safe: the request_id makes it one request.

    Args:
        stub: this service, over the mesh; None where there is no other instance to ask.
    """

    def __init__(self, stub: Any | None) -> None:
        self._stub = stub

    async def run(
        self, method: str, request: Any, context: Context, here: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The answer of the writer.

        Args:
            method: name of the rpc.
            request: what came in.
            context: of the call.
            here: answers it in this instance.

        Raises:
            DomainError: what ``here`` raised; WRITER_FENCED where no writer was found in time.
        """
        while True:
            try:
                return await here()
            except DomainError as error:
                if error.reason != _FENCED or self._stub is None or _was_handed_on(context):
                    raise
                refusal = error
            answer: Answer | None = await self._ask(getattr(self._stub, method), request, context)
            if answer is not None:
                return answer
            if remaining(context) < _MARGIN_S + _PAUSE_S:
                raise refusal
            await asyncio.sleep(_PAUSE_S)

    async def _ask(self, method: Any, request: Any, context: Context) -> Any:
        """The writer's answer, an error of its included; None where it was not reached."""
        within = remaining(context) - _MARGIN_S
        if within <= 0:
            return None
        try:
            answer = await method(request, timeout=within, metadata=((HANDED_ON, "1"),))
        except grpc.aio.AioRpcError as error:
            reason = MeshError.of(error).reason
            if error.code() is grpc.StatusCode.UNAVAILABLE and reason in _ASK_AGAIN:
                return None
            if not reason:
                raise
            details = tuple(entry for entry in error.trailing_metadata() or () if entry[0] == _DETAILS)
            await context.abort(error.code(), error.details() or "", details)
        return answer


def _was_handed_on(context: Context) -> bool:
    return any(key == HANDED_ON for key, _ in context.invocation_metadata() or ())
