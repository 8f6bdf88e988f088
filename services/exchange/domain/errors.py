"""The errors of this service that several use cases raise."""

from datetime import datetime, timedelta
from decimal import Decimal

from services.kernel.decimals import render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import InstrumentName, OrderName

_SOON = timedelta(milliseconds=500)


def order_not_cancellable(name: OrderName, state: str) -> DomainError:
    """It is final."""
    return DomainError(
        "ORDER_NOT_CANCELLABLE",
        f"the order is {state} and cannot be cancelled",
        kind=ErrorKind.PRECONDITION,
        metadata={"order": str(name), "state": state},
        resource=name.resource,
    )


def order_not_replaceable(name: OrderName, state: str, why: str = "") -> DomainError:
    """It is final, or is being cancelled or replaced."""
    return DomainError(
        "ORDER_NOT_REPLACEABLE",
        f"the order is {why or state} and cannot be replaced",
        kind=ErrorKind.PRECONDITION,
        metadata={"order": str(name), "state": state},
        resource=name.resource,
    )


def invalid_replacement(field: str, message: str) -> DomainError:
    """The change asked for is none, or not one that the order has."""
    return DomainError(
        "INVALID_REPLACEMENT",
        f"{field}: {message}",
        kind=ErrorKind.INVALID,
        metadata={"field": field},
        violations=[Violation(field, message)],
    )


def no_such_client_order(venue: str, client_order_id: str) -> DomainError:
    """Neither we nor the venue know an order of that client order id."""
    return DomainError(
        "ORDER_NOT_FOUND",
        f"venue {venue} has no order with the client order id {client_order_id!r} in this account",
        kind=ErrorKind.NOT_FOUND,
        metadata={"order": client_order_id, "venue": venue},
    )


def request_expired(expire_time: datetime) -> DomainError:
    """A new request came at its expire_time or later."""
    moment = expire_time.isoformat()
    return DomainError(
        "REQUEST_EXPIRED",
        f"the request was new after {moment}, so no order was made",
        kind=ErrorKind.PRECONDITION,
        metadata={"expireTime": moment},
    )


def request_in_progress(request_id: str) -> DomainError:
    """The first call with the id is still running."""
    return DomainError(
        "REQUEST_IN_PROGRESS",
        f"a call with request_id {request_id} is still running",
        kind=ErrorKind.ABORTED,
        metadata={"requestId": request_id},
        retry_after=_SOON,
    )


def live_trading_off(venue: str) -> DomainError:
    """Real money moves at the venue, and no setting lets orders leave for it."""
    return DomainError(
        "LIVE_TRADING_OFF",
        f"venue {venue} is live, and its setting `live` is off; nothing was placed",
        kind=ErrorKind.PRECONDITION,
        metadata={"venue": venue},
    )


def venue_rate_limited(venue: str, detail: str, retry_after: float) -> DomainError:
    """Only the reserve of the venue's rate limit is left, or the venue asked for a pause.

    Args:
        venue: id of the venue.
        detail: which of both.
        retry_after: seconds.
    """
    return DomainError(
        "VENUE_RATE_LIMITED",
        f"no order leaves for venue {venue} now, nothing was placed: {detail}",
        kind=ErrorKind.EXHAUSTED,
        metadata={"venue": venue},
        retry_after=timedelta(seconds=retry_after),
    )


def venue_unavailable(venue: str, detail: str, retry_after: float = 0.0) -> DomainError:
    """The venue does not answer, and nothing was placed.

    Args:
        venue: id of the venue.
        detail: why, in words that a caller outside the mesh may read: never a transport's own text.
        retry_after: seconds, where it is known.
    """
    return DomainError(
        "VENUE_UNAVAILABLE",
        f"venue {venue} is not available, nothing was placed: {detail}",
        kind=ErrorKind.UNAVAILABLE,
        metadata={"venue": venue},
        retry_after=timedelta(seconds=retry_after) if retry_after else _SOON,
    )


def writer_fenced(account: str) -> DomainError:
    """Another instance writes this account."""
    return DomainError(
        "WRITER_FENCED",
        f"another instance is the writer of account {account}",
        kind=ErrorKind.UNAVAILABLE,
        metadata={"account": account},
        retry_after=_SOON,
    )


def invalid_cursor(detail: str) -> DomainError:
    """The cursor is not one of this log's."""
    return DomainError("INVALID_CURSOR", f"the cursor cannot be used: {detail}", kind=ErrorKind.INVALID)


def invalid_terms(field: str, message: str) -> DomainError:
    """Terms that cannot be meant."""
    return DomainError(
        "INVALID_REQUEST", message, kind=ErrorKind.INVALID, violations=[Violation(field, message)]
    )


def price_missing(instrument: InstrumentName) -> DomainError:
    """Nobody says now what the market's price is."""
    return DomainError(
        "PRICE_MISSING",
        f"there is no price of {instrument} now, so nothing was placed",
        kind=ErrorKind.UNAVAILABLE,
        metadata={"instrument": str(instrument)},
        retry_after=_SOON,
    )


def trigger_at_once(trigger: Decimal, market: Decimal) -> DomainError:
    """A trigger on the wrong side of the market."""
    return DomainError(
        "TRIGGER_AT_ONCE",
        f"the trigger {render(trigger)} would go off at once: the market is at {render(market)}",
        kind=ErrorKind.PRECONDITION,
        metadata={"triggerPrice": render(trigger), "marketPrice": render(market)},
    )


def reduces_nothing(quantity: Decimal, position: Decimal) -> DomainError:
    """A reduce_only order of more than there is."""
    return DomainError(
        "REDUCE_ONLY",
        f"a reduce_only order of {render(quantity)} exceeds the position of {render(position)}",
        kind=ErrorKind.PRECONDITION,
        metadata={"quantity": render(quantity), "position": render(position)},
    )
