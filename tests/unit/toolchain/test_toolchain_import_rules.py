"""The import contracts of pyproject.toml, run by import-linter itself on small trees that break them."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.toolchain.places import ROOT

PACKAGES = (
    *("chassis", "chassis.rpc", "chassis.persistence", "chassis.events", "kernel"),
    *("market", "market.domain", "market.feeds", "market.storage", "portfolio"),
    *("cli", "controlplane", "supervisor", "toolchain"),
)


def lint(root: Path, **modules: str) -> tuple[int, str]:
    """Runs the real contracts on a tree in which each named module has the given text."""
    for package in ("services", *(f"services.{name}" for name in PACKAGES), "trademesh"):
        folder = root / package.replace(".", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    kinds = "services/toolchain/import_rules.py"
    (root / kinds).write_bytes((ROOT / kinds).read_bytes())
    for module, text in modules.items():
        (root / "services" / f"{module.replace('__', '/')}.py").write_text(text + "\n")
    (root / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    code, said = lint(
        tmp_path,
        kernel__decimals="import decimal",
        chassis__rpc__server="import grpc\nfrom services.kernel import decimals",
        chassis__persistence__database="import sqlalchemy",
        market__domain__candle="from services.kernel import decimals\nimport dataclasses",
        market__domain__book="from services.market.domain import candle",
        market__storage__tables="import sqlalchemy\nimport alembic",
        market__feeds__venue="import ccxt.async_support",
        market__app="from services.market.domain import book\nfrom services.chassis.rpc import server",
        controlplane__catalog="import consul.aio",
        supervisor__daemon="import services.toolchain.import_rules",
        cli__main="from services.supervisor import daemon",
    )
    assert code == 0, said


@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("market__domain__book", "import grpc", "services.market.domain.book imports grpc (line 1)"),
        ("market__domain__book", "import sqlalchemy", "services.market.domain.book imports sqlalchemy"),
        ("market__domain__book", "import time", "services.market.domain.book imports time"),
        (
            "market__domain__book",
            "from services.market import app",
            "domain.book imports services.market.app",
        ),
        ("market__domain__book", "from services.chassis import rpc", "imports services.chassis.rpc"),
        ("market__domain__book", "import trademesh", "services.market.domain.book imports trademesh"),
        ("kernel__decimals", "import os", "services.kernel.decimals imports os"),
        (
            "kernel__decimals",
            "import services.chassis.rpc",
            "services.kernel.decimals imports services.chassis.rpc",
        ),
        ("market__app", "import services.portfolio", "services.market.app imports services.portfolio"),
        (
            "chassis__rpc__server",
            "import services.market",
            "services.chassis.rpc.server imports services.market",
        ),
        ("market__app", "import consul", "services.market.app imports consul"),
        ("market__app", "import ccxt.pro", "services.market.app imports ccxt"),
        ("market__handlers", "from sqlalchemy import select", "services.market.handlers imports sqlalchemy"),
        ("market__domain__book", "if False:\n    import alembic", "domain.book imports alembic (line 2)"),
    ],
)
def test_what_is_not_allowed_fails(module: str, text: str, complaint: str, tmp_path: Path) -> None:
    code, said = lint(tmp_path, **{"market__app": "", module: text})
    assert code == 1
    assert complaint in said


def test_what_starts_processes_does_not_reach_grpc_through_others(tmp_path: Path) -> None:
    code, said = lint(
        tmp_path,
        chassis__rpc__server="import grpc",
        supervisor__daemon="from services.chassis.rpc import server",
    )
    assert code == 1
    assert (
        "services.supervisor.daemon imports services.chassis.rpc.server (line 1); services.chassis.rpc.server"
        in said
    )


def test_ours_pass() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
