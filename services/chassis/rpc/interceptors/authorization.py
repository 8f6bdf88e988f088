"""Lets only callers in whose certificate names a service that may call this one."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from services.chassis.identity.spiffe import SpiffeId
from services.chassis.rpc.interceptor import Call, Context, Method
from services.kernel.errors import DomainError, ErrorKind

_CACHED_IDENTITIES = 1024


class Access(Protocol):
    """Who may call; decided anew at each call, since intentions change."""

    def allows(self, caller: SpiffeId) -> bool:
        """Whether the caller may use the contracts of this service."""
        ...

    def knows(self, caller: SpiffeId) -> bool:
        """Whether the caller belongs to this mesh, which is enough for health and reflection."""
        ...


class AuthorizationInterceptor:
    """Checks the peer's SPIFFE id, as TLS proved it; default deny.

    Args:
        access: the present rules.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._identities: dict[tuple[bytes, ...], SpiffeId | None] = {}

    def wrap(self, method: Method, call: Call) -> Call:
        """The call that only allowed callers reach."""
        rule = self._access.knows if method.infrastructure else self._access.allows

        async def authorized(request: Any, context: Context) -> Any:
            caller = self._identity(context)
            if caller is None or not rule(caller):
                raise _refusal(caller)
            if method.request_streaming:
                request = _while_allowed(request, caller, rule)
            return await call(request, context)

        return authorized

    def _identity(self, context: Context) -> SpiffeId | None:
        names = tuple(context.peer_identities() or ())
        try:
            return self._identities[names]
        except KeyError:
            if len(self._identities) >= _CACHED_IDENTITIES:
                self._identities.clear()
            found = self._identities[names] = spiffe_id_of(context)
            return found


async def _while_allowed(
    requests: AsyncIterator[Any], caller: SpiffeId, rule: Callable[[SpiffeId], bool]
) -> AsyncIterator[Any]:
    """The messages of a stream, each held to the rules as they are when it comes, as a call is."""
    async for request in requests:
        if not rule(caller):
            raise _refusal(caller)
        yield request


def spiffe_id_of(context: Context) -> SpiffeId | None:
    """The identity of the peer: a certificate with one URI name, and nothing else, has one."""
    if context.peer_identity_key() != "x509_subject_alternative_name":
        return None
    proven = tuple(context.auth_context().get("peer_spiffe_id", ()))
    if len(proven) != 1:
        return None
    return SpiffeId.parse(proven[0].decode("utf-8", errors="replace"))


def _refusal(caller: SpiffeId | None) -> DomainError:
    name = caller.service if caller else ""
    text = f"{name} may not call this service" if name else "the caller has no identity of this mesh"
    return DomainError("CALLER_NOT_ALLOWED", text, kind=ErrorKind.DENIED, metadata={"caller": name})
