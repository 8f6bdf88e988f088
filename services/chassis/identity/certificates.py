"""Certificate files that readers always find whole."""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

CERTIFICATE = "certificate.pem"
PRIVATE_KEY = "private_key.pem"
ROOTS = "roots.pem"
_CURRENT = "current"
_KEPT_VERSIONS = 2


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A certificate, its key, and the roots it and its peers lead to; all PEM.

    Attributes:
        certificate: the leaf, and any intermediates.
        private_key: key of the leaf.
        roots: every root in use: two while the CA rotates.
    """

    certificate: bytes
    private_key: bytes
    roots: bytes

    @property
    def expires(self) -> datetime:
        """When the leaf ends."""
        return x509.load_pem_x509_certificate(self.certificate).not_valid_after_utc

    def __repr__(self) -> str:
        return f"KeyMaterial(expires={self.expires.isoformat()})"


class CertificateFolder:
    """``<folder>/current/{certificate,private_key,roots}.pem``, replaced as one.

    ``current`` is a symbolic link to a folder that never changes: a reader sees the old three
    files or the new three, never a mixture.

    Args:
        folder: made with mode 0700 where it is absent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._version = 0

    @property
    def current(self) -> Path:
        """The folder to read from."""
        return self._folder / _CURRENT

    def write(self, material: KeyMaterial) -> None:
        """Put new material in place."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self._next()
        target.mkdir(mode=0o700)
        _write(target / CERTIFICATE, material.certificate)
        _write(target / PRIVATE_KEY, material.private_key)
        _write(target / ROOTS, material.roots)
        link = self._folder / f".{_CURRENT}.{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        link.replace(self.current)
        self._forget_old()

    def remove(self) -> None:
        """Delete everything; the key of a process that ended serves nobody."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _next(self) -> Path:
        while True:
            self._version += 1
            target = self._folder / f"v{self._version:06d}"
            if not target.exists():
                return target

    def _forget_old(self) -> None:
        # The version before stays: a reader may be between two files of it.
        versions = sorted(self._folder.glob("v*"))
        for old in versions[:-_KEPT_VERSIONS]:
            shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
