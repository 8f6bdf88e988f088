"""Loops that outlive the death of what they depend on."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from services.exchange.ports import VenueHistoryLostError, VenueUnreachableError
from services.kernel.errors import DomainError

_log = structlog.get_logger(__name__)
_FIRST_S = 0.1
_LONGEST_S = 5.0


async def for_ever(name: str, step: Callable[[], Awaitable[None]], subject: str = "") -> None:
    """Do a step again and again; after a failure with growing pauses.

    A failure is logged when it begins and when it ends, not each time.

    Args:
        name: for the log.
        step: one round; it does its own waiting where there is nothing to do.
        subject: what the loop is about, for the log.
    """
    failures = 0
    last = ""
    while True:
        pause = 0.0
        try:
            await step()
        except (VenueUnreachableError, VenueHistoryLostError, DomainError) as error:
            failures += 1
            pause = pause_after(failures, error)
            if str(error) != last:
                last = str(error)
                # That a venue is away is the venue's own line, once; its loops would only repeat it.
                write = _log.info if isinstance(error, VenueUnreachableError) else _log.warning
                write("loop_interrupted", loop=name, subject=subject, error=last)
        except Exception as error:  # noqa: BLE001 - the loop goes on, whatever it was
            failures += 1
            pause = backoff(failures)
            if repr(error) != last:
                last = repr(error)
                _log.exception("loop_failed", loop=name, subject=subject)
        else:
            if failures:
                _log.info("loop_resumed", loop=name, subject=subject, failures=failures)
            failures, last = 0, ""
            continue
        await asyncio.sleep(pause)


def pause_after(failures: int, error: Exception) -> float:
    """Seconds to wait after a failure: what the other side asked for, where that is longer.

    Args:
        failures: in a row.
        error: the last one.
    """
    asked = error.retry_after if isinstance(error, VenueUnreachableError) else 0.0
    # Jitter on what was asked for, too: all instances were asked alike.
    return max(backoff(failures), asked + backoff(1) if asked else 0.0)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row, with jitter."""
    top = min(_LONGEST_S, _FIRST_S * 2 ** min(failures, 10))
    return random.uniform(top / 2, top)  # noqa: S311 - jitter, no secret
