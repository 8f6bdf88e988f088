"""The AggregatedDiscoveryService: turns messages into the stream rules' terms and back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import structlog
from envoy.config.core.v3.base_pb2 import ControlPlane, Node
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2

from services.controlplane.ads.admission import Admission, RefusedError
from services.controlplane.ads.views import View, Views
from services.controlplane.ads.world import World
from services.controlplane.domain.delta import DeltaResponse, DeltaStream
from services.controlplane.domain.outcome import Outcome
from services.controlplane.domain.snapshot import Resource, Snapshot
from services.controlplane.domain.sotw import SotwResponse, SotwStream
from services.controlplane.envoy_view.node import NodeError
from services.controlplane.metrics import Metrics, short_type
from services.controlplane.xds import typed

_log = structlog.get_logger(__name__)

Message = Any  # xds-protos brings no type stubs


class AggregatedDiscovery(ads_pb2_grpc.AggregatedDiscoveryServiceServicer):  # type: ignore[misc]
    """Both variants of ADS.

    Args:
        world: the newest catalog.
        views: which view a node gets.
        admission: who may open a stream.
        metrics: counts streams, pushes and rejections.
        identifier: names this control plane to its clients.
    """

    def __init__(
        self, world: World, views: Views, admission: Admission, metrics: Metrics, identifier: str
    ) -> None:
        self._world = world
        self._views = views
        self._admission = admission
        self._metrics = metrics
        self._control_plane = ControlPlane(identifier=identifier)

    async def StreamAggregatedResources(
        self, requests: AsyncIterator[Message], context: grpc.aio.ServicerContext[Message, Message]
    ) -> None:
        """State of the world."""
        rules = SotwStream()

        def take(request: Message) -> Outcome:
            rejected = request.HasField("error_detail")
            nonce, names = request.response_nonce, request.resource_names
            return rules.request(request.type_url, names, nonce, rejected=rejected)

        def give(snapshot: Snapshot) -> Message | None:
            response = rules.next_response(snapshot)
            return None if response is None else self._sotw(response)

        await self._serve("sotw", requests, context, take, give)

    async def DeltaAggregatedResources(
        self, requests: AsyncIterator[Message], context: grpc.aio.ServicerContext[Message, Message]
    ) -> None:
        """Incremental."""
        rules = DeltaStream()

        def take(request: Message) -> Outcome:
            return rules.request(
                request.type_url,
                subscribe=request.resource_names_subscribe,
                unsubscribe=request.resource_names_unsubscribe,
                initial_versions=request.initial_resource_versions,
                nonce=request.response_nonce,
                rejected=request.HasField("error_detail"),
            )

        def give(snapshot: Snapshot) -> Message | None:
            response = rules.next_response(snapshot)
            return None if response is None else self._delta(response)

        await self._serve("delta", requests, context, take, give)

    async def _serve(
        self,
        variant: str,
        requests: AsyncIterator[Message],
        context: grpc.aio.ServicerContext[Message, Message],
        take: Callable[[Message], Outcome],
        give: Callable[[Snapshot], Message | None],
    ) -> None:
        first = await anext(requests, None)
        if first is None:
            return
        view = await self._admit(first.node, context)
        log = _log.bind(view=view.name, variant=variant, node=first.node.id)
        log.info("stream_opened", cluster=first.node.cluster, agent=first.node.user_agent_name)
        self._metrics.stream_opened(view.name, variant)
        try:
            with self._world.waiting() as changed:
                self._note(take(first), first, view, log)
                changed.set()
                await self._converse(requests, context, view, take, give, changed, log)
        finally:
            self._metrics.stream_closed(view.name, variant)
            log.info("stream_closed")

    async def _converse(
        self,
        requests: AsyncIterator[Message],
        context: grpc.aio.ServicerContext[Message, Message],
        view: View,
        take: Callable[[Message], Outcome],
        give: Callable[[Snapshot], Message | None],
        changed: asyncio.Event,
        log: Any,
    ) -> None:
        """Read in one task, write in this one; the event is all that lies between them."""
        ended = False

        async def read() -> None:
            nonlocal ended
            try:
                async for request in requests:
                    self._note(take(request), request, view, log)
                    changed.set()
            finally:
                ended = True
                changed.set()

        reader = asyncio.create_task(read())
        try:
            while not (ended or self._world.closing):
                await changed.wait()
                changed.clear()
                await self._push_all(context, view, give)
        finally:
            reader.cancel()
            await asyncio.wait([reader])
        if not reader.cancelled():
            reader.result()

    async def _push_all(
        self,
        context: grpc.aio.ServicerContext[Message, Message],
        view: View,
        give: Callable[[Snapshot], Message | None],
    ) -> None:
        """Send until the stream is up to date; each response is made of what is newest then."""
        while (snapshot := view.snapshot(self._world.catalog)) is not None:
            response = give(snapshot)
            if response is None:
                return
            await context.write(response)
            self._metrics.pushed(view.name, response.type_url)

    async def _admit(self, node: Node, context: grpc.aio.ServicerContext[Message, Message]) -> View:
        try:
            self._admission.check(context.auth_context(), node.cluster)
            return self._views.of(node)
        except RefusedError as error:
            self._metrics.stream_refused("identity")
            _log.warning("stream_refused", node=node.id, cluster=node.cluster, reason=str(error))
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        except NodeError as error:
            self._metrics.stream_refused("node")
            _log.warning("stream_refused", node=node.id, cluster=node.cluster, reason=str(error))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def _note(self, outcome: Outcome, request: Message, view: View, log: Any) -> None:
        if outcome is Outcome.NACKED:
            self._metrics.nacked(view.name, request.type_url)
            problem = request.error_detail.message
            log.error("configuration_rejected", type=short_type(request.type_url), error=problem[:2000])

    def _sotw(self, response: SotwResponse) -> Message:
        return discovery_pb2.DiscoveryResponse(
            version_info=response.version,
            type_url=response.type_url,
            nonce=response.nonce,
            control_plane=self._control_plane,
            resources=[typed(response.type_url, one.body) for one in response.resources],
        )

    def _delta(self, response: DeltaResponse) -> Message:
        def message(one: Resource) -> Message:
            body = typed(response.type_url, one.body)
            return discovery_pb2.Resource(name=one.name, version=one.version, resource=body)

        return discovery_pb2.DeltaDiscoveryResponse(
            system_version_info=response.version,
            type_url=response.type_url,
            nonce=response.nonce,
            control_plane=self._control_plane,
            resources=[message(one) for one in response.resources],
            removed_resources=response.removed,
        )
