"""What the environment tells every service process."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class ChassisSettings(BaseSettings):
    """Settings of the chassis: environment variables with the prefix ``TRADEMESH_``.

    Attributes:
        instance: id of this process, unique per start; made up where it is empty.
        state_dir: folder of everything a mesh on this machine keeps.
        consul_address: ``host:port`` of the Consul agent.
        consul_token_file: file with the ACL token of this service; no token where it is absent.
        ads_address: ``host:port`` of the control plane.
        host: address the servers of this process listen on and register.
        grpc_port: port of the gRPC server; 0 takes a free one.
        metrics_port: port of the Prometheus page; 0 takes a free one.
        database_url: SQLAlchemy URL; a SQLite file in ``state_dir`` where it is absent.
        otlp_endpoint: OTLP collector over HTTP, as in ``http://127.0.0.1:4318``; no spans where absent.
        trace_ratio: share of the traces that begin in this process and are recorded, 0 to 1.
        log_level: lowest level that is logged.
        weight: share of traffic of this instance, 1 to 10000; the registry's where it is absent.
        zone: where this instance runs; the registry's where it is absent.
        version: version this instance announces.
        drain_grace: seconds that calls in flight get at the end.
        drain_push: seconds between leaving the registry's healthy set and closing the door,
            so that every caller's routing has dropped this instance.
        self_test_interval: seconds between two self tests.
        self_test_timeout: seconds one round of self tests may take.
        check_ttl: seconds after which Consul calls an instance critical that says nothing.
        max_message_bytes: largest message in either direction.
        max_concurrent_rpcs: calls in flight above which new ones get UNAVAILABLE.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_", frozen=True, extra="ignore")

    instance: str = ""
    state_dir: Path = Path(".trademesh")
    consul_address: str = "127.0.0.1:8500"
    consul_token_file: Path | None = None
    ads_address: str = "127.0.0.1:18000"
    host: str = "127.0.0.1"
    grpc_port: Port = 0
    metrics_port: Port = 0
    database_url: str | None = None
    otlp_endpoint: str | None = None
    trace_ratio: float = Field(default=0.01, ge=0, le=1)
    log_level: str = "info"
    weight: int | None = Field(default=None, ge=1, le=10_000)
    zone: str | None = None
    version: str = "0.1.0"
    drain_grace: Seconds = 10.0
    drain_push: float = Field(default=0.5, ge=0)
    self_test_interval: Seconds = 2.0
    self_test_timeout: Seconds = 3.0
    check_ttl: Seconds = 10.0
    max_message_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    max_concurrent_rpcs: int = Field(default=1000, ge=1)

    def database_url_for(self, service: str) -> str:
        """The database of a service: the one set, else its SQLite file in ``state_dir``."""
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{self.state_dir.resolve()}/data/{service}.sqlite3"

    def consul_token(self) -> str | None:
        """The ACL token, read anew at each call, since it may be replaced."""
        if self.consul_token_file is None:
            return None
        return self.consul_token_file.read_text(encoding="utf-8").strip()
