"""Who asks: API keys, signatures and the age of a request."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from services.simvenue.binance.errors import BinanceError, mandatory
from services.simvenue.binance.params import Params

_FORMAT: Final = re.compile(r"[A-Za-z0-9\-_]{1,128}")
_WINDOW_MS: Final = 5_000
_WINDOW_MOST_MS: Final = 60_000
_AHEAD_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account.

    Attributes:
        account: whose it is.
        key: what its owner shows.
        secret: what its owner signs with, and never shows.
    """

    account: str
    key: str
    secret: str = field(repr=False)


class Keyring:
    """All keys.

    Args:
        keys: at most one with the same text.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = {each.key: each for each in keys}

    def find(self, key: str | None) -> ApiKey:
        """The key with this text.

        Raises:
            BinanceError: -2014 where it cannot be a key, -2015 where there is none.
        """
        if not key or _FORMAT.fullmatch(key) is None:
            raise BinanceError(-2014, "API-key format invalid.", HTTPStatus.UNAUTHORIZED)
        found = self._keys.get(key)
        if found is None:
            raise BinanceError(
                -2015, "Invalid API-key, IP, or permissions for action.", HTTPStatus.UNAUTHORIZED
            )
        return found


def check_age(params: Params, now_ms: int) -> None:
    """Refuse a request from too long ago or from the future.

    Args:
        params: with ``timestamp`` and maybe ``recvWindow``, in milliseconds.
        now_ms: our own time, not the venue's exchange time.

    Raises:
        BinanceError: -1102, -1131, -1021.
    """
    timestamp = params.whole("timestamp")
    if timestamp is None:
        raise mandatory("timestamp")
    window = params.whole("recvWindow")
    if window is not None and window > _WINDOW_MOST_MS:
        raise BinanceError(-1131, "recvWindow must be less than 60000.")
    if timestamp >= now_ms + _AHEAD_MS:
        raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp > (_WINDOW_MS if window is None else window):
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def check_signature(key: ApiKey, payload: str, signature: str) -> None:
    """Refuse a request that its key's owner did not sign.

    Args:
        key: whose request it says it is.
        payload: what was signed: all parameters but the signature.
        signature: HMAC SHA256 of it in hexadecimal, in either case.

    Raises:
        BinanceError: -1022.
    """
    expected = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
        raise BinanceError(-1022, "Signature for this request is not valid.")


def signed_payload(query: str, body: str) -> str:
    """What a REST request must have signed: query string and form as they came, without the signature."""
    return _unsigned(query) + _unsigned(body)


def _unsigned(text: str) -> str:
    return "&".join(part for part in text.split("&") if part.partition("=")[0] != "signature")
