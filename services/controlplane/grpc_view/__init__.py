"""The view of ``xds:///`` channels: only what gRPC's C core understands, and understands as meant."""

from services.controlplane.grpc_view.view import GrpcView

__all__ = ["GrpcView"]
