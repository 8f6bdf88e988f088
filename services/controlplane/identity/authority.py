"""A small CA of the mesh's own, for the one server whose clients check a host name: the control plane.

Consul's leaf certificates carry only a SPIFFE URI, and the TLS channel of an xDS bootstrap wants a
DNS or IP name. The root lies in a file that every client reads, its key beside it, readable by us only.
"""

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_FILE: Final = "ca.pem"
KEY_FILE: Final = "ca_key.pem"
ROOT_LIFETIME: Final = timedelta(days=3650)
SERVER_LIFETIME: Final = timedelta(days=3)

_RENEW_ROOT_BEFORE: Final = timedelta(days=30)
_CLOCK_SLACK: Final = timedelta(minutes=5)
_PRIVATE: Final = 0o600
_READABLE: Final = 0o644


class Authority:
    """The CA.

    Args:
        root: its certificate.
        key: its private key.
    """

    def __init__(self, root: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._root = root
        self._key = key

    @property
    def root_pem(self) -> bytes:
        """The root certificate, as clients need it."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    @classmethod
    def open(cls, folder: Path, now: datetime | None = None) -> "Authority":
        """The CA in ``folder``; made there if it is absent, unreadable, or near its end.

        Raises:
            OSError: the folder cannot be read or written.
        """
        moment = now or datetime.now(UTC)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            root = x509.load_pem_x509_certificate((folder / ROOT_FILE).read_bytes())
            key = serialization.load_pem_private_key((folder / KEY_FILE).read_bytes(), password=None)
        except (FileNotFoundError, ValueError):
            return cls._make(folder, moment)
        lives = root.not_valid_after_utc - moment > _RENEW_ROOT_BEFORE
        if isinstance(key, ec.EllipticCurvePrivateKey) and lives and key.public_key() == root.public_key():
            return cls(root, key)
        return cls._make(folder, moment)

    @classmethod
    def _make(cls, folder: Path, now: datetime) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trademesh control plane CA")])
        usage = x509.KeyUsage(
            key_cert_sign=True,
            crl_sign=True,
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        root = (
            _begin(name, name, key.public_key(), key.public_key(), now, ROOT_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        authority = cls(root, key)
        # The root goes last: where it lies, its key lies already.
        _write(folder / KEY_FILE, _private_pem(key), _PRIVATE)
        _write(folder / ROOT_FILE, authority.root_pem, _READABLE)
        return authority

    def issue(self, names: tuple[str, ...], now: datetime | None = None) -> tuple[bytes, bytes]:
        """A server certificate and its key, both PEM.

        Args:
            names: DNS names and IP addresses it is valid for.
            now: start of its life; the present moment where absent.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = (
            _begin(
                subject,
                self._root.subject,
                key.public_key(),
                self._key.public_key(),
                now or datetime.now(UTC),
                SERVER_LIFETIME,
            )
            .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), _private_pem(key)


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Put a file in place whole, with its final mode from the first byte on."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
