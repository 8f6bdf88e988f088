"""The programs of the mesh, and what they stand on."""

import os

# gRPC's sockets and threads as Python had them up to grpcio 1.79: the event engine, the default since, takes
# 15 % more processor for a call (docs/adr/0026-grpc-without-its-event-engine.md). gRPC reads this when it is
# imported, hence here. What an operator sets wins.
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_client,-event_engine_listener")
