"""Page tokens (AIP-158): opaque to callers, and good only for the request they were made for."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from services.kernel.errors import DomainError, ErrorKind, Violation

_DIGEST_BYTES = 12


def page_token(request: Sequence[str], cursor: str) -> str:
    """The token of the page after ``cursor``.

    Args:
        request: what the listing is about: the rpc's name and every parameter that selects or
            orders its entries; the page size is not one of them.
        cursor: where the next page begins, in the service's own terms.
    """
    raw = _digest(request, cursor) + cursor.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def cursor_of(request: Sequence[str], token: str) -> str | None:
    """The cursor in a token; None for the empty token of a first page.

    Raises:
        DomainError: INVALID with reason INVALID_PAGE_TOKEN: the token was not made for this request.
    """
    if not token:
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        cursor = raw[_DIGEST_BYTES:].decode()
    except (binascii.Error, ValueError) as error:
        raise _refusal() from error
    if raw[:_DIGEST_BYTES] != _digest(request, cursor):
        raise _refusal()
    return cursor


def _digest(request: Sequence[str], cursor: str) -> bytes:
    text = "\n".join((*request, cursor))
    return hashlib.sha256(text.encode()).digest()[:_DIGEST_BYTES]


def _refusal() -> DomainError:
    return DomainError(
        "INVALID_PAGE_TOKEN",
        "the page token was not made for this request",
        kind=ErrorKind.INVALID,
        violations=[Violation("page_token", "must be the next_page_token of the page before")],
    )
