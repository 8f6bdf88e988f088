"""What an operator says of a venue that is reached through ccxt."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.exchange.venues.ccxt_names import symbols_of

Id = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class MissingKeyError(ValueError):
    """A key cannot be read. Never says what was read."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, which no log may show.

    Attributes:
        key: the key itself.
        secret: what requests are signed with.
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)


class KeySettings(BaseModel):
    """Where an account's API key is: the names of environment variables, or of files.

    Attributes:
        key_env: variable with the key.
        secret_env: variable with the secret.
        key_file: file with the key.
        secret_file: file with the secret.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_env: str = ""
    secret_env: str = ""
    key_file: Path | None = None
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if bool(self.key_env) == bool(self.key_file) or bool(self.secret_env) == bool(self.secret_file):
            raise ValueError("say key_env or key_file, and secret_env or secret_file")
        return self

    def read(self) -> Key:
        """The key.

        Raises:
            MissingKeyError: a variable or file is missing or empty.
        """
        return Key(_read(self.key_env, self.key_file), _read(self.secret_env, self.secret_file))


class CcxtSettings(BaseModel):
    """A venue that is reached through ccxt.

    Attributes:
        exchange: ccxt's id of it.
        market: spot, or perpetuals.
        instruments: ids of what is traded there; nothing else of the venue is looked at.
        keys: the API key of each account that trades there.
        rest_url: origin in place of the venue's own for HTTP, as in ``http://127.0.0.1:9443``.
        ws_url: the same for WebSockets, as in ``ws://127.0.0.1:9443``.
        history_days: how far back fills and transfers of an account are read when it is new here, at
            venues that list them by time.
        rules_minutes: how old the instruments' rules may get.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: Literal["binance", "binanceusdm", "bybit", "cryptocom"]
    market: Literal["spot", "swap"] = "spot"
    instruments: tuple[Id, ...] = Field(min_length=1)
    keys: Mapping[Id, KeySettings] = Field(default_factory=dict)
    rest_url: str = ""
    ws_url: str = ""
    history_days: int = Field(default=30, ge=1, le=700)
    rules_minutes: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse what cannot be meant."""
        for instrument in self.instruments:
            symbols_of(instrument)
            if instrument.endswith("-perp") != (self.market == "swap"):
                raise ValueError(f"{instrument} is no instrument of the market {self.market}")
        if self.exchange == "binanceusdm" and self.market != "swap":
            raise ValueError("binanceusdm has perpetuals only; its spot market is binance")
        if self.exchange == "binance" and self.market != "spot":
            raise ValueError("perpetuals of Binance are binanceusdm")
        if bool(self.rest_url) != bool(self.ws_url):
            raise ValueError("rest_url and ws_url go together")
        return self

    @property
    def local(self) -> bool:
        """Whether it is a program on this machine, where no real money can move."""
        return bool(self.rest_url) and all(_loopback(url) for url in (self.rest_url, self.ws_url))

    def real_money(self, *, sandbox: bool) -> bool:
        """Whether orders there move real money.

        Args:
            sandbox: whether the venue's sandbox is spoken to (Binance: the testnet for spot, demo
                trading for perpetuals).
        """
        return not (sandbox or self.local)


def _read(name: str, path: Path | None) -> str:
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise MissingKeyError(f"the file {path} cannot be read: {error.strerror}") from None
        source = f"file {path}"
    else:
        text, source = os.environ.get(name, "").strip(), f"variable {name}"
    if not text:
        raise MissingKeyError(f"the {source} is empty or missing")
    return text


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
