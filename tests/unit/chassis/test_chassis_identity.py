"""Identities, certificate files and access rules."""

import asyncio
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from services.chassis.discovery.agent import Answer
from services.chassis.identity.bootstrap import VARIABLE, bootstrap, install_bootstrap
from services.chassis.identity.certificates import CertificateFolder, KeyMaterial
from services.chassis.identity.intentions import Intentions
from services.chassis.identity.leaf import Identity
from services.chassis.identity.nobody import nobody
from services.chassis.identity.spiffe import SpiffeId

_DOMAIN = "11111111-2222-3333-4444-555555555555.consul"


def _id(service: str, domain: str = _DOMAIN, namespace: str = "default") -> SpiffeId:
    return SpiffeId(domain, namespace, "dc1", service)


def test_a_spiffe_id_reads_as_it_is_written() -> None:
    text = f"spiffe://{_DOMAIN}/ns/default/dc/dc1/svc/market"
    parsed = SpiffeId.parse(text)
    assert parsed == _id("market")
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spiffe://d/ns/default/dc/dc1/svc/",
        "spiffe://d/ns/default/dc/dc1/svc/a/b",
        "spiffe://d/ns/default/dc/dc1/svc/market\n",
        "https://d/ns/default/dc/dc1/svc/market",
        "spiffe://d/svc/market",
        "xspiffe://d/ns/default/dc/dc1/svc/market",
    ],
)
def test_anything_else_is_no_spiffe_id(text: str) -> None:
    assert SpiffeId.parse(text) is None


def _material(text: bytes) -> KeyMaterial:
    return KeyMaterial(b"certificate " + text, b"key " + text, b"roots " + text)


def test_certificates_are_replaced_as_one(tmp_path: Path) -> None:
    folder = CertificateFolder(tmp_path / "tls")
    folder.write(_material(b"1"))
    before = folder.current.resolve()
    folder.write(_material(b"2"))
    assert folder.current.is_symlink()
    assert (folder.current / "certificate.pem").read_bytes() == b"certificate 2"
    assert (folder.current / "private_key.pem").read_bytes() == b"key 2"
    assert (folder.current / "roots.pem").read_bytes() == b"roots 2"
    # A reader between two files of the old version still finds both.
    assert (before / "private_key.pem").read_bytes() == b"key 1"


def test_old_keys_do_not_pile_up(tmp_path: Path) -> None:
    folder = CertificateFolder(tmp_path / "tls")
    for number in range(5):
        folder.write(_material(str(number).encode()))
    assert len(list((tmp_path / "tls").glob("v*"))) == 2
    assert (folder.current / "private_key.pem").read_bytes() == b"key 4"


def test_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        folder = CertificateFolder(tmp_path / "tls")
        folder.write(_material(b"1"))
    finally:
        os.umask(mask)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.current.resolve().iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.current.resolve().stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_a_folder_of_an_earlier_process_is_taken_over(tmp_path: Path) -> None:
    CertificateFolder(tmp_path / "tls").write(_material(b"1"))
    later = CertificateFolder(tmp_path / "tls")
    later.write(_material(b"2"))
    assert (later.current / "roots.pem").read_bytes() == b"roots 2"
    later.remove()
    assert not (tmp_path / "tls").exists()


def test_material_never_shows_its_key() -> None:
    material = KeyMaterial(nobody(), b"PRIVATE", b"")
    assert "PRIVATE" not in repr(material)
    assert material.expires > datetime.now(tz=UTC) + timedelta(days=3000)


def test_nobody_is_a_root_that_no_one_can_use() -> None:
    certificate = x509.load_pem_x509_certificate(nobody())
    assert certificate.issuer == certificate.subject


class _Source:
    async def intentions(self, index: int = 0) -> Answer:
        raise NotImplementedError


async def _intentions(body: Any) -> Intentions:
    known = {"market", "risk", "edge", "exchange"}
    intentions = Intentions(_Source(), "market", lambda: _DOMAIN, known)
    await intentions._take(Answer(1, body))
    return intentions


def _rule(source: str, action: str, precedence: int = 9) -> dict[str, Any]:
    return {"SourceName": source, "DestinationName": "market", "Action": action, "Precedence": precedence}


def test_nobody_may_call_before_intentions_were_read() -> None:
    intentions = Intentions(_Source(), "market", lambda: _DOMAIN, {"risk"})
    assert not intentions.allows(_id("risk"))
    assert intentions.knows(_id("risk"))


@pytest.mark.parametrize("body", [None, []])
async def test_no_intention_means_no(body: Any) -> None:
    assert not (await _intentions(body)).allows(_id("risk"))


async def test_the_rule_of_the_highest_precedence_decides() -> None:
    intentions = await _intentions(
        [
            _rule("*", "allow", 8),
            _rule("risk", "deny", 9),
            _rule("exchange", "allow", 9),
            {**_rule("*", "deny", 10), "DestinationName": "other"},
        ]
    )
    assert not intentions.allows(_id("risk"))
    assert intentions.allows(_id("exchange"))
    assert intentions.allows(_id("edge"))


async def test_an_identity_of_another_mesh_is_nobody() -> None:
    intentions = await _intentions([_rule("*", "allow")])
    for stranger in (_id("risk", "other.consul"), _id("risk", namespace="team")):
        assert not intentions.allows(stranger)
        assert not intentions.knows(stranger)
    assert not intentions.knows(_id("unheard-of"))


def test_the_bootstrap_names_everything_grpc_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "other")
    document = bootstrap(
        ads_address="127.0.0.1:18000",
        ads_roots=tmp_path / "ca.pem",
        certificates=tmp_path / "current",
        node_id="market-1",
        service="market",
        zone="local",
    )
    install_bootstrap(document, tmp_path / "run" / "xds.json")
    written = json.loads((tmp_path / "run" / "xds.json").read_text())
    assert os.environ[VARIABLE] == str(tmp_path / "run" / "xds.json")
    server = written["xds_servers"][0]
    assert server["server_features"] == ["xds_v3", "ignore_resource_deletion"]
    assert server["channel_creds"][0]["config"]["ca_certificate_file"] == str(tmp_path / "ca.pem")
    provider = written["certificate_providers"]["mesh"]
    assert provider["config"]["ca_certificate_file"] == str(tmp_path / "current" / "roots.pem")
    assert written["node"]["id"] == "market-1"
    assert written["node"]["cluster"] == "market"


class _Restarting:
    """A Consul that comes back, and answers once before it has read its own state."""

    def __init__(self) -> None:
        whole = {"Roots": [{"RootCert": "root"}], "TrustDomain": "mesh.consul"}
        self.answers = [Answer(5, whole), Answer(1, {"Roots": None, "TrustDomain": ""}), Answer(6, whole)]
        self.asked = 0

    async def roots(self, index: int = 0) -> Answer:
        self.asked += 1
        if self.asked > len(self.answers):
            await asyncio.Event().wait()
        return self.answers[self.asked - 1]

    async def leaf(self, service: str, index: int = 0) -> Answer:
        if index:
            await asyncio.Event().wait()
        return Answer(1, {"CertPEM": nobody().decode(), "PrivateKeyPEM": "key"})


async def test_a_consul_that_has_forgotten_its_roots_for_a_moment_is_not_believed(tmp_path: Path) -> None:
    consul = _Restarting()
    identity = Identity(consul, "market", CertificateFolder(tmp_path / "tls"))
    running = asyncio.create_task(identity.run())
    domains = set()
    try:
        await asyncio.wait_for(identity.wait(), 5)
        async with asyncio.timeout(10):
            while consul.asked <= len(consul.answers):
                domains.add(identity.trust_domain)
                await asyncio.sleep(0.005)
        assert identity.material.roots == b"root\n"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert domains == {"mesh.consul"}
