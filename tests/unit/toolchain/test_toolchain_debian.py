"""The machine's package sources, in both of apt's formats."""

from pathlib import Path

import pytest

from services.toolchain.debian import (
    DebianError,
    PrivateApt,
    Source,
    codename,
    installed_packages,
    main_source,
    read_sources,
)

ONE_LINE = """
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg] http://mirror.example/debian bookworm main contrib  # ours
deb http://other.example/debian bookworm-updates main
deb-src http://mirror.example/debian bookworm main
"""
DEB822 = """\
Types: deb deb-src
# a comment within
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/a.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://inline.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_one_line_format(etc: Path) -> None:
    (etc / "sources.list").write_text(ONE_LINE)
    assert read_sources(etc) == [
        Source("http://mirror.example/debian", ("bookworm",), ("main", "contrib"), "/keys/a.gpg"),
        Source("http://other.example/debian", ("bookworm-updates",), ("main",), ""),
    ]


def test_deb822_format(etc: Path) -> None:
    (etc / "sources.list.d" / "debian.sources").write_text(DEB822)
    found = read_sources(etc)
    assert [source.uri for source in found] == [
        "http://mirror.example/debian",
        "http://second.example/debian",
        "http://inline.example/debian",
    ]
    assert found[0].suites == ("bookworm", "bookworm-updates")
    assert found[0].signed_by == "/keys/a.gpg"
    assert found[2].signed_by.splitlines()[1:3] == ["", "mQINBF"]


def test_files_that_apt_does_not_read_do_not_count(etc: Path) -> None:
    (etc / "sources.list.d" / "debian.sources.disabled").write_text(DEB822)
    assert read_sources(etc) == []


def test_release_source_is_the_one_with_main() -> None:
    extra = Source("http://vendor.example/apt", ("bookworm",), ("stable",), "")
    security = Source("http://mirror.example/security", ("bookworm-security",), ("main",), "")
    main = Source("http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main",), "")
    assert main_source("bookworm", [extra, security, main]) is main
    with pytest.raises(DebianError, match="no source with suite trixie"):
        main_source("trixie", [extra, security])


def test_codename(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('NAME="Debian GNU/Linux"\nVERSION_CODENAME="bookworm"\n')
    assert codename(release) == "bookworm"
    assert codename(tmp_path / "none") == ""


def test_private_apt_uses_the_machines_mirror_and_key(tmp_path: Path) -> None:
    source = Source(
        "http://mirror.example/debian", ("bookworm",), ("main",), "-----BEGIN PGP PUBLIC KEY BLOCK-----"
    )
    PrivateApt(tmp_path, source, ["bullseye"])
    line = (tmp_path / "etc" / "sources.list").read_text()
    assert line == f"deb [signed-by={tmp_path}/etc/key.asc] http://mirror.example/debian bullseye main\n"


def test_installed_packages(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(
        "Package: libpq5\nStatus: install ok installed\n\nPackage: gone\nStatus: deinstall ok config-files\n"
    )
    assert installed_packages(status) == {"libpq5"}
