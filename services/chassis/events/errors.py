"""Why a subscription stops reading a stream."""

from services.kernel.errors import DomainError, ErrorKind


class LogDivergedError(DomainError):
    """The log that a source serves is not the one whose events were applied here.

    Its database was lost, or restored from an old copy, or the events that come next are so old that
    they are not kept any more. To go on would skip or repeat events, so
    the subscription halts until the right log is back or an operator decides (docs/operations.md).
    """

    def __init__(self, source: str, message: str) -> None:
        super().__init__(
            "EVENT_LOG_DIVERGED",
            f"the event log of {source} is not the one known here: {message}",
            kind=ErrorKind.UNAVAILABLE,
            metadata={"source": source},
        )


class StreamBrokenError(Exception):
    """The stream is of no more use: it is silent, skipped a sequence, or is not what the contract says."""
