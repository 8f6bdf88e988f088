"""The errors of this service that several use cases raise."""

from datetime import datetime, timedelta

from services.kernel.errors import DomainError, ErrorKind, Resource

_SOON = timedelta(milliseconds=500)


def account_not_found(account: str) -> DomainError:
    """No such account."""
    return DomainError(
        "ACCOUNT_NOT_FOUND",
        f"there is no account {account}",
        kind=ErrorKind.NOT_FOUND,
        metadata={"account": account},
        resource=Resource("trademesh/Account", f"accounts/{account}"),
    )


def venue_not_found(venue: str) -> DomainError:
    """No such venue, or none that the account trades at."""
    return DomainError(
        "VENUE_NOT_FOUND",
        f"there is no venue {venue} here",
        kind=ErrorKind.NOT_FOUND,
        metadata={"venue": venue},
        resource=Resource("trademesh/Venue", f"venues/{venue}"),
    )


def instrument_not_found(name: str) -> DomainError:
    """The venue does not trade it."""
    return DomainError(
        "INSTRUMENT_NOT_FOUND",
        f"the venue does not trade {name}",
        kind=ErrorKind.NOT_FOUND,
        metadata={"instrument": name},
        resource=Resource("trademesh/Instrument", name),
    )


def order_not_found(name: str) -> DomainError:
    """No such order."""
    return DomainError(
        "ORDER_NOT_FOUND",
        f"there is no order {name}",
        kind=ErrorKind.NOT_FOUND,
        metadata={"order": name},
        resource=Resource("trademesh/Order", name),
    )


def order_not_cancellable(name: str, state: str) -> DomainError:
    """It is final."""
    return DomainError(
        "ORDER_NOT_CANCELLABLE",
        f"the order is {state} and cannot be cancelled",
        kind=ErrorKind.PRECONDITION,
        metadata={"order": name, "state": state},
        resource=Resource("trademesh/Order", name),
    )


def request_id_reused(request_id: str) -> DomainError:
    """The id stands for another body."""
    return DomainError(
        "REQUEST_ID_REUSED",
        f"request_id {request_id} was used before with another body",
        kind=ErrorKind.ALREADY_EXISTS,
        metadata={"requestId": request_id},
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


def venue_unavailable(venue: str, detail: str) -> DomainError:
    """The venue does not answer, and nothing was placed."""
    return DomainError(
        "VENUE_UNAVAILABLE",
        f"venue {venue} is not available, nothing was placed: {detail}",
        kind=ErrorKind.UNAVAILABLE,
        metadata={"venue": venue},
        retry_after=_SOON,
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
