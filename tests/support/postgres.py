"""A real PostgreSQL server for a test session, and a fresh database for each test.

The server runs as an unprivileged user (it refuses root), in a directory of its own, on a unix socket
and a free loopback port, with fsync off: a test that kills the server itself starts its own.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from services import toolchain

START_TIMEOUT_S = 30.0
_BECOME = """import os, pwd, sys
user = pwd.getpwnam(sys.argv[1])
os.setgroups([])
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
os.execv(sys.argv[2], sys.argv[2:])
"""
_USER = "trademesh"
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_COMMON = ("max_connections=200", "shared_buffers=32MB", "max_wal_size=256MB", "autovacuum=off")


def as_user(user: str | None, command: list[str]) -> list[str]:
    """The command that becomes another user, and then ``command``, under one process id.

    ``subprocess``'s own ``user`` makes it fork, and a fork beside a running gRPC crashes now and then.
    """
    return command if user is None else [sys.executable, "-I", "-c", _BECOME, user, *command]


@dataclass(frozen=True)
class PostgresPrograms:
    """The programs of a PostgreSQL server.

    Attributes:
        folder: holds ``postgres``, ``initdb`` and ``psql``.
        environment: what they run with.
    """

    folder: Path
    environment: dict[str, str]

    @classmethod
    def find(cls) -> Self:
        """Those of this machine, fetched first where there are none.

        Raises:
            ToolMissing: they cannot be fetched either.
        """
        server = toolchain.ensure(toolchain.Tool.POSTGRES)
        extra = toolchain.environment(toolchain.Tool.POSTGRES, server)
        return cls(server.parent, {**os.environ, **extra})

    def run(self, *arguments: str, user: str | None = None, cwd: Path | None = None) -> str:
        """Run one of them to its end and give what it says.

        Raises:
            RuntimeError: it failed.
        """
        command = as_user(user, [str(self.folder / arguments[0]), *arguments[1:]])
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.environment,
            cwd=cwd,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} failed: {done.stderr}")
        return done.stdout.strip()


def _unprivileged() -> str | None:
    """A user to run the server as; None when the tests do not run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise RuntimeError("PostgreSQL refuses to run as root and there is no other user")


@dataclass
class PostgresServer:
    """A server that belongs to the tests.

    Attributes:
        folder: holds its data, socket and log.
        port: its TCP port on 127.0.0.1.
    """

    folder: Path
    port: int
    programs: PostgresPrograms
    user: str | None
    durable: bool
    _process: subprocess.Popen[bytes] | None = None
    _names: Iterator[int] = field(default_factory=itertools.count)

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    def url(self, database: str) -> str:
        """URL of a database of this server."""
        return f"postgresql+asyncpg://{_USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        settings = _COMMON + (() if self.durable else _QUICK)
        command = [
            str(self.programs.folder / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-p",
            str(self.port),
        ]
        command += ["-k", str(self.folder), "-h", "127.0.0.1"]
        command += [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                as_user(self.user, command),
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.programs.environment,
                start_new_session=True,
            )
        give_up = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends every connection and shuts down, SIGQUIT is a crash."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def fresh_database(self) -> str:
        """URL of a new, empty database."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database that :meth:`fresh_database` made, whoever is connected."""
        self.sql(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement through psql, as the superuser."""
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", _USER, "-d", database)
        return self.programs.run(
            "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", *where, "-c", statement
        )

    def _answers(self) -> bool:
        try:
            self.programs.run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port))
        except RuntimeError:
            return False
        return True


def make_server(programs: PostgresPrograms, *, durable: bool = False) -> PostgresServer:
    """A new server with an empty data directory, not started.

    Args:
        programs: what to run.
        durable: keep fsync on, for tests that crash the server.
    """
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="tm-pg-", dir="/tmp"))  # short: unix socket paths are limited
    if user is not None:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    settings = ("-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    programs.run("initdb", "-D", str(folder / "data"), *settings, user=user, cwd=folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return PostgresServer(folder, port, programs, user, durable)


@pytest.fixture(scope="session")
def postgres_programs() -> PostgresPrograms:
    """The PostgreSQL programs; skips the test where there are none, but fails on CI."""
    try:
        return PostgresPrograms.find()
    except toolchain.ToolMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_server(postgres_programs: PostgresPrograms) -> Iterator[PostgresServer]:
    """A running PostgreSQL server, one for the session."""
    server = make_server(postgres_programs)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Gives the URL of a new, empty database at each call; the test runs once on each backend."""
    numbers = itertools.count()
    if request.param == "sqlite":
        yield lambda: f"sqlite+aiosqlite:///{tmp_path}/{next(numbers)}.sqlite3"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    made: list[str] = []

    def new() -> str:
        made.append(server.fresh_database())
        return made[-1]

    yield new
    for url in made:
        server.drop(url)


@pytest.fixture
def database_url(new_database_url: Callable[[], str]) -> str:
    """URL of an empty database: the test runs once on each backend."""
    return new_database_url()
