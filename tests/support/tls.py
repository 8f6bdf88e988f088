"""A plain door to a mutual-TLS server, for callers whose certificate the test chooses.

Consul's certificates carry a SPIFFE URI and no host name, so that gRPC's own TLS channels refuse
them; real channels come over xDS, which needs a control plane. Here a little tunnel does the TLS.
"""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc.aio

from services.chassis.identity.certificates import KeyMaterial


@asynccontextmanager
async def tls_channel(
    port: int, material: KeyMaterial | None, *, trust: KeyMaterial | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server, showing ``material``; with None it shows no certificate at all.

    Args:
        port: where the server listens, on loopback.
        material: the caller's certificate.
        trust: whose roots the server is checked against, where they are not the caller's.
    """
    context = _context(material, trust or material)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    options = [("grpc.use_local_subchannel_pool", 1)]
    try:
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            yield channel
    finally:
        server.close()


def _context(material: KeyMaterial | None, trust: KeyMaterial | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    if trust is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=trust.roots.decode())
    if material is not None:
        with tempfile.TemporaryDirectory() as folder:
            both = Path(folder) / "both.pem"
            both.touch(0o600)
            both.write_bytes(material.certificate + b"\n" + material.private_key)
            context.load_cert_chain(both)
    return context


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()
