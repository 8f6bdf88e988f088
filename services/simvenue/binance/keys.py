"""Who asks: API keys, signatures and the age of a request."""

import hashlib
import hmac
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.simvenue.binance.errors import BinanceError, mandatory
from services.simvenue.binance.params import Params

_FORMAT: Final = re.compile(r"[A-Za-z0-9\-_]{1,128}")
_WINDOW_MS: Final = 5_000
_WINDOW_MOST_MS: Final = 60_000
_AHEAD_MS: Final = 1_000


class Seal(Protocol):
    """Knows a signature of a key's owner from another one."""

    @property
    def logs_on(self) -> bool:
        """Whether its owner may log on once instead of signing each request."""
        ...

    def holds(self, payload: str, signature: str) -> bool:
        """Whether the owner signed this."""
        ...


@dataclass(frozen=True, slots=True)
class HmacSeal:
    """HMAC SHA256 under a secret that both sides know, in hexadecimal of either case."""

    secret: str = field(repr=False)
    logs_on: bool = False

    def holds(self, payload: str, signature: str) -> bool:
        """Whether the owner signed this."""
        expected = hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())


@dataclass(frozen=True, slots=True)
class Ed25519Seal:
    """Ed25519 in base64; only its owner has the private key."""

    public_key: Ed25519PublicKey
    logs_on: bool = True

    @classmethod
    def of_pem(cls, text: str) -> "Ed25519Seal":
        """A public key in PEM.

        Raises:
            ValueError: it is no Ed25519 public key.
        """
        key = load_pem_public_key(text.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("the public key is not an Ed25519 key")  # noqa: TRY004 - what settings expect
        return cls(key)

    def holds(self, payload: str, signature: str) -> bool:
        """Whether the owner signed this. A form makes blanks of plus signs that were not encoded."""
        try:
            sealed = b64decode(signature.replace(" ", "+"), validate=True)
            self.public_key.verify(sealed, payload.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account.

    Attributes:
        account: whose it is.
        key: what its owner shows.
        seal: knows what its owner signed.
    """

    account: str
    key: str
    seal: Seal


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
        signature: in the form of the key's kind.

    Raises:
        BinanceError: -1022.
    """
    if not key.seal.holds(payload, signature):
        raise BinanceError(-1022, "Signature for this request is not valid.")


def signed_payload(query: str, body: str) -> str:
    """What a REST request must have signed: query string and form as they came, without the signature."""
    return _unsigned(query) + _unsigned(body)


def _unsigned(text: str) -> str:
    return "&".join(part for part in text.split("&") if part.partition("=")[0] != "signature")
