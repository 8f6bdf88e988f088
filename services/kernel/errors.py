"""The one base of every error that a domain rule raises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto


class ErrorKind(Enum):
    """What went wrong, in the terms a caller acts on. The chassis maps each to one gRPC status."""

    INVALID = auto()  # the request itself is wrong; sending it again changes nothing
    NOT_FOUND = auto()
    ALREADY_EXISTS = auto()
    PRECONDITION = auto()  # the request is fine, the state forbids it
    DENIED = auto()  # the caller may not do this
    EXHAUSTED = auto()  # a limit or quota is used up
    UNAVAILABLE = auto()  # try again later
    ABORTED = auto()  # a concurrent change won
    OUT_OF_RANGE = auto()
    DEADLINE = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that breaks one rule.

    Attributes:
        field: path of the field in the request, as in ``order.limit.price``.
        description: what is wrong with it, for a person.
    """

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Resource:
    """The resource an error speaks of.

    Attributes:
        type: resource type, as in ``trademesh/Order``.
        name: full resource name, as in ``accounts/paper/orders/01j...``.
    """

    type: str
    name: str


class DomainError(Exception):
    """A rule of the domain said no.

    Args:
        reason: name of a value of the service's ErrorReason enum, without the enum's prefix
            (``ORDER_NOT_FOUND``). Machines act on it, so it never changes its meaning.
        message: one sentence for a person, with the numbers that led to it.
        kind: what the caller can do about it.
        metadata: the same numbers for a machine; keys in lowerCamelCase.
        resource: the resource concerned, if there is one.
        violations: the fields concerned, if the request is wrong.
        retry_after: when to try again, if that helps.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        kind: ErrorKind,
        metadata: Mapping[str, str] | None = None,
        resource: Resource | None = None,
        violations: Sequence[Violation] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.kind = kind
        self.metadata = dict(metadata or {})
        self.resource = resource
        self.violations = tuple(violations)
        self.retry_after = retry_after


def request_id_reused(request_id: str) -> DomainError:
    """The error for a request_id that came before with another body (AIP-155)."""
    return DomainError(
        "REQUEST_ID_REUSED",
        f"request_id {request_id} was used before with another request",
        kind=ErrorKind.ALREADY_EXISTS,
        metadata={"requestId": request_id},
    )
