"""The parameters of one request, read under Binance's rules."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import parse_qsl

from services.simvenue.binance.errors import BinanceError, illegal, mandatory, not_valid

_DECIMAL: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_DECIMAL_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_WHOLE: Final = re.compile(r"[0-9]{1,20}")
_WHOLE_RANGE: Final = "^[0-9]{1,20}$"
_SYMBOL: Final = re.compile(r"[A-Z0-9\-_.]{1,20}")
_SYMBOL_RANGE: Final = "^[A-Z0-9-_.]{1,20}$"
_PRECISION: Final = 8
_MOST: Final = 2**63 - 1


class Params:
    """The parameters of one request. Each is counted as read once somebody asks for it.

    Args:
        pairs: names and texts, as they were sent.

    Raises:
        BinanceError: -1101, a name came twice.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        self._read: set[str] = set()
        for name, text in pairs:
            if name in self._values:
                raise BinanceError(-1101, f"Duplicate values for parameter '{name}'.")
            self._values[name] = text

    @classmethod
    def of_query(cls, query: str, body: str) -> "Params":
        """Parameters of a query string and of a form; what is in both counts as in the query."""
        first = parse_qsl(query, keep_blank_values=True)
        names = {name for name, _ in first}
        second = [pair for pair in parse_qsl(body, keep_blank_values=True) if pair[0] not in names]
        return cls([*first, *second])

    def has(self, name: str) -> bool:
        """Whether a parameter was sent with a value."""
        return bool(self._values.get(name))

    def text(self, name: str) -> str | None:
        """A parameter, or None where it was not sent.

        Raises:
            BinanceError: -1105, it was sent empty.
        """
        self._read.add(name)
        value = self._values.get(name)
        if value == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        return value

    def require(self, name: str) -> str:
        """A parameter that must be there.

        Raises:
            BinanceError: -1102.
        """
        self._read.add(name)
        value = self._values.get(name)
        if not value:
            raise mandatory(name)
        return value

    def symbol(self, name: str = "symbol") -> str:
        """A symbol that must be there, as Binance spells it.

        Raises:
            BinanceError: -1102, -1100.
        """
        value = self.require(name)
        if _SYMBOL.fullmatch(value) is None:
            raise illegal(name, _SYMBOL_RANGE)
        return value

    def whole(self, name: str, low: int = 0, high: int = _MOST) -> int | None:
        """A whole number, or None where it was not sent.

        Raises:
            BinanceError: -1100, -1130.
        """
        value = self.text(name)
        if value is None:
            return None
        if _WHOLE.fullmatch(value) is None:
            raise illegal(name, _WHOLE_RANGE)
        number = int(value)
        if not low <= number <= high:
            raise not_valid(name)
        return number

    def limit(self, default: int, most: int) -> int:
        """How many are asked for; more than the most is the most."""
        number = self.whole("limit", low=1)
        return default if number is None else min(number, most)

    def decimal(self, name: str) -> Decimal | None:
        """An amount above zero, or None where it was not sent.

        Raises:
            BinanceError: -1100, -1111, -1013.
        """
        value = self.text(name)
        if value is None:
            return None
        if _DECIMAL.fullmatch(value) is None:
            raise illegal(name, _DECIMAL_RANGE)
        if len(value.partition(".")[2].rstrip("0")) > _PRECISION:
            raise BinanceError(-1111, f"Parameter '{name}' has too much precision.")
        number = Decimal(value)
        if number == 0:
            raise BinanceError(-1013, f"Invalid {name}.")
        return number

    def require_decimal(self, name: str) -> Decimal:
        """An amount above zero that must be there.

        Raises:
            BinanceError: -1102, -1100, -1111, -1013.
        """
        self.require(name)
        number = self.decimal(name)
        if number is None:
            raise mandatory(name)
        return number

    def choice(self, name: str, allowed: Sequence[str], error: BinanceError) -> str | None:
        """One of a few words, or None where it was not sent."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise error
        return value

    def ignore(self, *names: str) -> None:
        """Count parameters as read that say nothing here."""
        self._read.update(names)

    def finish(self) -> None:
        """Refuse parameters that nobody asked for.

        Raises:
            BinanceError: -1101 where none is expected, -1104 otherwise.
        """
        unread = self._values.keys() - self._read
        if not unread:
            return
        sent, read = len(self._values), len(self._values) - len(unread)
        if not self._read:
            raise BinanceError(-1101, f"Too many parameters; expected '0' and received '{sent}'.")
        raise BinanceError(
            -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
        )


def pairs_of_json(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Parameters of a WebSocket request as texts: booleans in lower case, numbers as they were sent."""
    return [
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in values.items()
        if value is not None
    ]
