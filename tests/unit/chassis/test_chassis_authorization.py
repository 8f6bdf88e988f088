"""A stream of requests is held to the rules as they are when each of them comes."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from services.chassis.identity.spiffe import SpiffeId
from services.chassis.rpc.interceptor import Context, Method
from services.chassis.rpc.interceptors.authorization import AuthorizationInterceptor
from services.kernel.errors import DomainError

CALLER = "spiffe://mesh.consul/ns/default/dc/dc1/svc/exchange"


class Peer:
    """The context of a call by ``CALLER``."""

    def peer_identities(self) -> list[bytes]:
        return [CALLER.encode()]

    def peer_identity_key(self) -> str:
        return "x509_subject_alternative_name"

    def auth_context(self) -> dict[str, list[bytes]]:
        return {"peer_spiffe_id": [CALLER.encode()]}


class Rules:
    """Lets everybody in until the test says otherwise."""

    open = True

    def allows(self, caller: SpiffeId) -> bool:
        return self.open

    def knows(self, caller: SpiffeId) -> bool:
        return True


async def test_a_stream_takes_no_message_once_its_caller_may_not_call_any_more() -> None:
    rules = Rules()
    taken: list[str] = []
    take = taken.append

    async def call(requests: AsyncIterator[str], context: Context) -> None:
        async for request in requests:
            take(request)

    async def messages() -> AsyncIterator[str]:
        yield "first"
        rules.open = False
        yield "second"

    method = Method("trademesh.simvenue.v1.SimvenueService", "EnterOrders", True, True)
    guarded = AuthorizationInterceptor(rules).wrap(method, call)
    with pytest.raises(DomainError, match="may not call"):
        await guarded(messages(), cast("Any", Peer()))
    assert taken == ["first"]
