"""The control plane's own CA."""

import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from services.controlplane.identity.authority import (
    KEY_FILE,
    ROOT_FILE,
    ROOT_LIFETIME,
    SERVER_LIFETIME,
    Authority,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("localhost", "127.0.0.1")


def test_its_certificate_is_valid_for_each_name_and_no_other(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, NOW)
    pem, _ = authority.issue(NAMES, NOW)
    leaf = x509.load_pem_x509_certificate(pem)
    root = x509.load_pem_x509_certificate((tmp_path / ROOT_FILE).read_bytes())
    policy = verification.PolicyBuilder().store(verification.Store([root]))
    builder = policy.time(NOW)
    for name in (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))):
        assert builder.build_server_verifier(name).verify(leaf, [])
    with pytest.raises(verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("elsewhere")).verify(leaf, [])
    late = policy.time(NOW + SERVER_LIFETIME + timedelta(seconds=1))
    with pytest.raises(verification.VerificationError):
        late.build_server_verifier(x509.DNSName("localhost")).verify(leaf, [])


def test_it_is_kept_over_restarts_and_its_key_is_ours_alone(tmp_path: Path) -> None:
    first = Authority.open(tmp_path, NOW).root_pem
    assert Authority.open(tmp_path, NOW + timedelta(days=300)).root_pem == first
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_it_is_made_anew_near_its_end_or_when_it_is_damaged(tmp_path: Path) -> None:
    first = Authority.open(tmp_path, NOW).root_pem
    second = Authority.open(tmp_path, NOW + ROOT_LIFETIME).root_pem
    assert second != first
    (tmp_path / KEY_FILE).write_text("damaged")
    assert Authority.open(tmp_path, NOW + ROOT_LIFETIME).root_pem != second
