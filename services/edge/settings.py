"""Settings of the edge."""

import os
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]


class EdgeSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_EDGE_``.

    Attributes:
        address: address the public listener binds; loopback unless asked otherwise.
        port: port of the public listener.
        admin_port: port of Envoy's admin page, always on loopback.
        concurrency: Envoy's worker threads.
        max_heap_bytes: heap above which Envoy sheds load.
        max_connections: connections from outside above which new ones are refused.
        drain_seconds: how long requests in flight get at the end.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_EDGE_", frozen=True)

    address: str = "127.0.0.1"
    port: Port = 8080
    admin_port: Port = 9901
    concurrency: int = Field(default_factory=lambda: max(1, (os.cpu_count() or 1) // 2), ge=1)
    max_heap_bytes: int = Field(default=1024 * 1024 * 1024, ge=64 * 1024 * 1024)
    max_connections: int = Field(default=10_000, ge=1)
    drain_seconds: float = Field(default=5.0, ge=0)
