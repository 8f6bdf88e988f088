"""The edge's view: what Envoy needs to serve the whole mesh as gRPC, gRPC-Web and REST."""

from services.controlplane.envoy_view.node import EdgeNode
from services.controlplane.envoy_view.view import EnvoyView

__all__ = ["EdgeNode", "EnvoyView"]
