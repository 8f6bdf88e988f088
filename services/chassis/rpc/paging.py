"""Page tokens (AIP-158): opaque, and bound to the request they were made for."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence

from google.protobuf.message import Message

from services.kernel.errors import DomainError, ErrorKind, Violation

DEFAULT_PAGE_SIZE = 100
_DIGEST_BYTES = 9
_NOT_PART_OF_THE_QUESTION = ("page_size", "page_token")


def page_size(request: Message) -> int:
    """How many entries the page may have: the request's ``page_size``, or 100 where it is 0."""
    return int(getattr(request, "page_size", 0)) or DEFAULT_PAGE_SIZE


def next_page_token(request: Message, after: Iterable[str]) -> str:
    """A token that goes on after an entry.

    Args:
        request: the List request that is being answered.
        after: what :func:`after_page_token` gives back for the next page, as in the sort key of the
            last entry of this page.
    """
    parts = list(after)
    text = json.dumps([_digest(request, parts), *parts], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def after_page_token(request: Message) -> tuple[str, ...] | None:
    """Where the page begins: what was given to :func:`next_page_token`, or None for the first page.

    Raises:
        DomainError: INVALID_PAGE_TOKEN where the token was not made for this question, or was changed.
    """
    token = str(getattr(request, "page_token", ""))
    if not token:
        return None
    try:
        parts = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise _invalid()
    after = tuple(parts[1:])
    if next_page_token(request, after) != token:
        raise _invalid()
    return after


def _digest(request: Message, after: Sequence[str]) -> str:
    question = type(request)()
    question.CopyFrom(request)
    for field in _NOT_PART_OF_THE_QUESTION:
        question.ClearField(field)
    name = request.DESCRIPTOR.full_name.encode()
    body = question.SerializeToString(deterministic=True)
    place = json.dumps(after).encode()
    digest = hashlib.sha256(b"\0".join((name, place, body))).digest()[:_DIGEST_BYTES]
    return base64.urlsafe_b64encode(digest).decode()


def _invalid() -> DomainError:
    return DomainError(
        "INVALID_PAGE_TOKEN",
        "the page token was not made by this rpc for this request",
        kind=ErrorKind.INVALID,
        violations=[Violation("page_token", "must be the next_page_token of the page before")],
    )
