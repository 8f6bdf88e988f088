"""A process with the identity of a member of a running mesh: makes its calls, reads its logs, loads it.

gRPC keeps one xDS client per process, with one identity; so each member is a process of its own. It uses
the chassis' own channels. As a program: the place of the mesh as the first line of standard input, then
one JSON command per line; one JSON answer per command on standard output.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message

if TYPE_CHECKING:
    from tests.support.mesh import MeshHarness
    from tests.support.read_load import LoadReport, ReadLoad

Response = TypeVar("Response", bound=Message)
_ROOT = Path(__file__).resolve().parents[2]
_BOUND_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the mesh is, and who the process is in it."""

    service: str
    consul: str
    token: str
    ads: str
    ads_roots: str
    edge: int


class Member:
    """A running member, asked from a test.

    Args:
        process: the program of this module.
        edge: port of the mesh's edge.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, service: str, path: str, request: Message, answer: type[Response]) -> Response:
        """One unary call over ``xds:///<service>``.

        Raises:
            AssertionError: it failed.
        """
        text = self.ask(do="call", service=service, path=path, body=request.SerializeToString().hex())
        return answer.FromString(bytes.fromhex(text))

    def stream(
        self, service: str, path: str, request: Message, frame: type[Response], count: int
    ) -> list[Response]:
        """The first frames of a server stream.

        Raises:
            AssertionError: it ended before, or they did not come.
        """
        body = request.SerializeToString().hex()
        texts = self.ask(do="stream", service=service, path=path, body=body, count=count)
        return [frame.FromString(bytes.fromhex(text)) for text in texts]

    @contextmanager
    def load(self, rate: float) -> "Iterator[ReadLoad]":
        """A steady load of all public reads, for as long as the block runs; the orchestrator may make it."""
        from tests.support.read_load import ReadLoad  # noqa: PLC0415 - the program needs its xDS bootstrap first

        self.ask(do="load", rate=rate)
        load = ReadLoad(self)
        try:
            yield load
        finally:
            load.stop()

    def report(self) -> "LoadReport":
        """What became of the load so far."""
        from tests.support.read_load import LoadReport  # noqa: PLC0415 - as above

        return LoadReport(**self.ask(do="report"))

    def ask(self, **command: Any) -> Any:
        """One command of the program."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the member ended with {self._process.wait(5)}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


@contextmanager
def member_of(mesh: "MeshHarness", service: str) -> Iterator[Member]:
    """A process that is ``service`` for as long as the block runs."""
    place = Place(
        service=service,
        consul=f"127.0.0.1:{mesh.consul}",
        token=(mesh.state_dir / "consul" / "tokens" / service).read_text().strip(),
        ads=f"127.0.0.1:{mesh.ads}",
        ads_roots=str(mesh.state_dir / "controlplane" / "ca" / "ca.pem"),
        edge=mesh.edge,
    )
    path = os.pathsep.join([str(_ROOT), str(_ROOT / "gen" / "python")])
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.member"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(place)) + "\n")
        process.stdin.flush()
        try:
            member = Member(process)
            member.ask(do="ready")
            yield member
        finally:
            process.stdin.close()


async def _serve(folder: Path) -> None:
    from services.chassis.descriptor import method_policies  # noqa: PLC0415 - tests import this module too
    from services.chassis.discovery.agent import ConsulAgent  # noqa: PLC0415
    from services.chassis.identity.bootstrap import bootstrap, install_bootstrap  # noqa: PLC0415
    from services.chassis.identity.certificates import CertificateFolder  # noqa: PLC0415
    from services.chassis.identity.leaf import Identity  # noqa: PLC0415
    from services.chassis.rpc.client import Channels  # noqa: PLC0415
    from services.chassis.telemetry.logs import configure_logging  # noqa: PLC0415
    from tests.support.read_load import Loader  # noqa: PLC0415

    place = Place(**json.loads(await asyncio.to_thread(sys.stdin.readline)))
    configure_logging(place.service, f"{place.service}-test", "error")
    async with ConsulAgent(place.consul, lambda: place.token) as agent:
        certificates = CertificateFolder(folder / "tls")
        identity = Identity(agent, place.service, certificates)
        following = asyncio.create_task(identity.run())
        await identity.wait()
        document = bootstrap(
            ads_address=place.ads,
            ads_roots=Path(place.ads_roots),
            certificates=certificates.current,
            node_id=f"{place.service}-test-{os.getpid()}",
            service=place.service,
            zone="local",
        )
        install_bootstrap(document, folder / "xds.json")
        channels = Channels({path: policy.default_deadline for path, policy in method_policies().items()})
        loader = Loader(channels.channel, place.edge, place.service)
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                answer = await _answer(json.loads(line), channels.channel, loader)
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()
        finally:
            await loader.stop()
            await channels.close()
            following.cancel()


async def _answer(command: dict[str, Any], channel: Any, loader: Any) -> dict[str, Any]:
    try:
        return {"value": await _do(command, channel, loader)}
    except Exception as error:  # noqa: BLE001 - the test shows it
        return {"error": repr(error)}


async def _do(command: dict[str, Any], channel: Any, loader: Any) -> Any:
    value: Any = None
    match command:
        case {"do": "call", "service": service, "path": path, "body": body}:
            method = channel(service).unary_unary(path)
            value = (await method(bytes.fromhex(body), timeout=_BOUND_S, wait_for_ready=True)).hex()
        case {"do": "stream", "service": service, "path": path, "body": body, "count": count}:
            value = await _frames(channel(service).unary_stream(path), bytes.fromhex(body), count)
        case {"do": "load", "rate": rate}:
            value = await loader.start(rate)
        case {"do": "report"}:
            value = loader.report()
        case {"do": "stop"}:
            await loader.stop()
    return value


async def _frames(method: Any, body: bytes, count: int) -> Sequence[str]:
    call = method(body, timeout=_BOUND_S, wait_for_ready=True)
    frames: list[str] = []
    while len(frames) < count:
        frame = await call.read()
        assert isinstance(frame, bytes), f"the stream ended after {len(frames)} of {count} frames"
        frames.append(frame.hex())
    call.cancel()
    return frames


if __name__ == "__main__":
    import uvloop

    with tempfile.TemporaryDirectory(prefix="tm-member-") as name:
        uvloop.run(_serve(Path(name)))
