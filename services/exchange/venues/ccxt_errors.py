"""What a failed call through ccxt proves about the order it carried.

ccxt's own exception classes are too coarse for that: Binance's "duplicate order" and "balance too small"
come as the same class at times, a rejected API key may come as ``DDoSProtection``, and a 503 as the same
``ExchangeNotAvailable`` as a refused connection. So the classes are used for the transport only; what the
venue said is read from its own code (``Reply``, which the client hangs on each exception), by a table for
each venue (``ccxt_codes``). A code that is in no table proves nothing.
"""

from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Final

REPLY: Final = "trademesh_reply"
"""Attribute of an exception under which its reply is found."""

_NEVER_LEFT: Final = frozenset({"ClientConnectorError", "gaierror"})
"""aiohttp's word, and the resolver's, that no connection stood: no byte of the request can have left."""

_BANNED: Final = 418
_THROTTLED: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, _BANNED})
_LONGEST_TEXT: Final = 200


class Meaning(Enum):
    """What is proven."""

    UNKNOWN = auto()  # nothing
    NOT_SENT = auto()  # the venue's engine never saw it
    REFUSED = auto()  # the venue's definite no
    DUPLICATE = auto()  # the venue has an order with this client order id
    ABSENT = auto()  # the venue has no such order
    NOT_OPEN = auto()  # for a cancel: it is closed, or there is none
    THROTTLED = auto()  # not looked at, since there were too many calls


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a venue's code means.

    Attributes:
        meaning: what is proven.
        reason: for a refusal, one of our words.
        words: counts only where the venue's message contains this, in lower case.
    """

    meaning: Meaning
    reason: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the venue answered over HTTP.

    Attributes:
        status: HTTP status.
        code: the venue's own error code; empty where there is none.
        message: the venue's own text.
        retry_after: seconds of its Retry-After header; 0 for none.
    """

    status: int
    code: str = ""
    message: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure proves.

    Attributes:
        meaning: what is proven.
        reason: for a refusal, one of our words.
        message: for our log; never an address, since those carry signatures.
        retry_after: seconds to wait, where the venue said so; 0 otherwise.
        banned: whether the venue takes nothing at all for that time.
        answered: whether it was the venue that said so.
    """

    meaning: Meaning
    reason: str = ""
    message: str = ""
    retry_after: float = 0.0
    banned: bool = False
    answered: bool = False


Codes = dict[str, tuple[Ruling, ...]]
"""By the venue's code: rulings with words first, the first that fits counts."""


def judge(error: BaseException, codes: Codes, *, departed: bool) -> Verdict:
    """What an exception of ccxt proves.

    Args:
        error: what a call through ccxt raised.
        codes: of the venue.
        departed: whether the HTTP request had begun to leave.
    """
    reply: Reply | None = getattr(error, REPLY, None)
    if reply is not None:
        return _of_reply(reply, codes)
    message = text_of(error)
    if not departed or _never_left(error):
        return Verdict(Meaning.NOT_SENT, message=message)
    return Verdict(Meaning.UNKNOWN, message=message)


def text_of(error: BaseException) -> str:
    """An exception for our log: classes only, since ccxt's texts quote addresses with signatures."""
    reply: Reply | None = getattr(error, REPLY, None)
    if reply is not None:
        return f"{type(error).__name__}: HTTP {reply.status} {reply.code} {reply.message}".rstrip()
    cause = error.__cause__
    return type(error).__name__ if cause is None else f"{type(error).__name__}: {type(cause).__name__}"


def reply_of(status: int, headers: Any, response: Any) -> Reply:
    """An HTTP answer as ccxt hands it to ``handle_errors``."""
    lower = {str(name).lower(): value for name, value in (headers or {}).items()}
    body = response if isinstance(response, dict) else {}
    code = next((body[key] for key in ("code", "retCode", "ret_code") if key in body), "")
    message = next((body[key] for key in ("msg", "retMsg", "ret_msg", "message") if key in body), "")
    return Reply(status, str(code), str(message)[:_LONGEST_TEXT], _seconds(str(lower.get("retry-after", ""))))


def _of_reply(reply: Reply, codes: Codes) -> Verdict:
    message = f"HTTP {reply.status} {reply.code} {reply.message}".strip()
    throttled = reply.status in _THROTTLED
    text = reply.message.lower()
    ruling = next((each for each in codes.get(reply.code, ()) if each.words in text), None)
    if throttled or (ruling is not None and ruling.meaning is Meaning.THROTTLED):
        banned = reply.status == _BANNED
        return Verdict(
            Meaning.THROTTLED,
            message=message,
            retry_after=reply.retry_after,
            banned=banned,
            answered=True,
        )
    if ruling is None:
        return Verdict(Meaning.UNKNOWN, message=message)
    return Verdict(ruling.meaning, ruling.reason, message, reply.retry_after, answered=True)


def _never_left(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is not None and any(each.__name__ in _NEVER_LEFT for each in type(cause).__mro__)


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
