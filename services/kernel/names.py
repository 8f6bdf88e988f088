"""Resource names (AIP-122): parsed once at the door, carried as values, rendered at the end."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar, Self

from services.kernel.errors import DomainError, ErrorKind, Resource, Violation

_SEGMENT = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True)
class _Name:
    """A resource name: fixed collection words, one id each."""

    collections: ClassVar[tuple[str, ...]]
    _patterns: ClassVar[dict[type, re.Pattern[str]]] = {}
    _forms: ClassVar[dict[type, tuple[str, Callable[[Any], Any]]]] = {}

    @classmethod
    def parse(cls, text: str, *, field: str = "name") -> Self:
        """Read a name such as ``venues/sim/instruments/btc-usdt``.

        Raises:
            DomainError: INVALID with reason INVALID_NAME and the field's violation.
        """
        pattern = cls._patterns.get(cls)
        if pattern is None:
            pattern = re.compile("/".join(f"{word}/({_SEGMENT})" for word in cls.collections))
            cls._patterns[cls] = pattern
        match = pattern.fullmatch(text)
        if match is None:
            form = "/".join(f"{word}/{{id}}" for word in cls.collections)
            raise DomainError(
                "INVALID_NAME",
                f"{text[:120]!r} is not a name of the form {form}",
                kind=ErrorKind.INVALID,
                violations=[Violation(field, f"must have the form {form}")],
            )
        return cls(*match.groups())

    def ids(self) -> tuple[str, ...]:
        """The ids in the order of the collections."""
        slots: tuple[str, ...] = self.__slots__
        return tuple([getattr(self, name) for name in slots])

    def not_found(self, message: str = "") -> DomainError:
        """The error that says that there is no such resource.

        Args:
            message: for a person; made of the name where it is empty.
        """
        kind = fields(self)[-1].name
        return DomainError(
            f"{kind.upper()}_NOT_FOUND",
            message or f"there is no {self}",
            kind=ErrorKind.NOT_FOUND,
            metadata={kind: str(self)},
            resource=self.resource,
        )

    @property
    def resource(self) -> Resource:
        """What an error's details call it, as in ``trademesh/Order``."""
        return Resource(f"trademesh/{fields(self)[-1].name.capitalize()}", str(self))

    def __str__(self) -> str:
        # Names are rendered by the thousand in a second: what is the same for all of a kind is made once.
        known = self._forms.get(type(self))
        if known is None:
            form = "/".join(f"{word}/%s" for word in self.collections)
            known = self._forms[type(self)] = form, attrgetter(*(field.name for field in fields(self)))
        form, ids = known
        rendered: str = form % ids(self)
        return rendered


@dataclass(frozen=True, slots=True)
class VenueName(_Name):
    """``venues/{venue}``."""

    collections = ("venues",)
    venue: str


@dataclass(frozen=True, slots=True)
class InstrumentName(_Name):
    """``venues/{venue}/instruments/{instrument}``."""

    collections = ("venues", "instruments")
    venue: str
    instrument: str


@dataclass(frozen=True, slots=True)
class AccountName(_Name):
    """``accounts/{account}``."""

    collections = ("accounts",)
    account: str


@dataclass(frozen=True, slots=True)
class OrderName(_Name):
    """``accounts/{account}/orders/{order}``."""

    collections = ("accounts", "orders")
    account: str
    order: str


@dataclass(frozen=True, slots=True)
class StrategyName(_Name):
    """``strategies/{strategy}``."""

    collections = ("strategies",)
    strategy: str
