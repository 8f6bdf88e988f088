"""Debian packages, fetched and unpacked without installing anything and without root.

apt gets a state folder of its own, and a source list made from the machine's own Debian source, so that
mirrors, proxies and keys are those the machine already trusts.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

APT_SECONDS = 600
"""Longest that one apt run may take."""

_ONE_LINE = re.compile(
    r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>\S.*)$"
)


class DebianError(Exception):
    """A package cannot be had from the machine's Debian source. The message is one line."""


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of the machine's package sources."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str
    """Path of a keyring, the text of a key, or "" for the keys apt trusts anyway."""


def read_sources(etc: Path = Path("/etc/apt")) -> list[Source]:
    """The machine's binary package sources, in both of apt's formats, in apt's order."""
    found: list[Source] = []
    lists = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]
    for file in lists:
        if file.is_file():
            found.extend(_one_line_sources(file.read_text(encoding="utf-8")))
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        found.extend(_deb822_sources(file.read_text(encoding="utf-8")))
    return found


def main_source(codename: str, sources: Iterable[Source]) -> Source:
    """The source that carries the release itself: suite `codename` (or stable) with component main.

    Raises:
        DebianError: no such source.
    """
    for source in sources:
        if "main" in source.components and {codename, "stable"} & set(source.suites):
            return source
    raise DebianError(f"apt has no source with suite {codename or 'stable'} and component main")


def codename(release: Path = Path("/etc/os-release")) -> str:
    """VERSION_CODENAME of the machine, or "" where it has none."""
    if release.is_file():
        for line in release.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            if key == "VERSION_CODENAME":
                return value.strip().strip('"')
    return ""


def installed_packages(status: Path = Path("/var/lib/dpkg/status")) -> set[str]:
    """Names of the packages that the machine has."""
    names: set[str] = set()
    if status.is_file():
        for stanza in status.read_text(encoding="utf-8", errors="replace").split("\n\n"):
            fields = _deb822_fields(stanza)
            if fields.get("status", "").endswith(" installed"):
                names.add(fields["package"])
    return names


def _one_line_sources(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if match:
            pairs = (option.partition("=") for option in (match["options"] or "").split())
            options = {key.lower(): value for key, _, value in pairs}
            yield Source(
                uri=match["uri"],
                suites=(match["suite"],),
                components=tuple(match["components"].split()),
                signed_by=options.get("signed-by", ""),
            )


def _deb822_sources(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _deb822_fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").strip() == "no":
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri=uri,
                suites=tuple(fields.get("suites", "").split()),
                components=tuple(fields.get("components", "").split()),
                signed_by=fields.get("signed-by", "").strip(),
            )


def _deb822_fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in {" ", "\t"} and key:
            fields[key] += "\n" + ("" if line.strip() == "." else line.strip())
        elif ":" in line:
            name, _, value = line.partition(":")
            key = name.strip().lower()
            fields[key] = value.strip()
    return fields


class PrivateApt:
    """apt with a state folder of its own. Make one with `private_apt`."""

    def __init__(self, folder: Path, source: Source, suites: Sequence[str]) -> None:
        """Prepares the state folder."""
        self._folder = folder
        for part in ("state/lists/partial", "cache/archives/partial", "etc", "packages"):
            (folder / part).mkdir(parents=True)
        signed_by = source.signed_by
        if "BEGIN PGP" in signed_by:
            key = folder / "etc" / "key.asc"
            key.write_text(signed_by + "\n", encoding="utf-8")
            signed_by = str(key)
        options = f"[signed-by={signed_by}] " if signed_by else ""
        sources = folder / "etc" / "sources.list"
        sources.write_text(
            "".join(f"deb {options}{source.uri} {suite} main\n" for suite in suites), encoding="utf-8"
        )
        # The machine's hooks belong to its own package lists, not to ours.
        configuration = folder / "etc" / "apt.conf"
        configuration.write_text(
            "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n", encoding="utf-8"
        )
        self._options = ["-q", "-c", str(configuration)]
        for setting in (
            f"Dir::State={folder / 'state'}",
            f"Dir::Cache={folder / 'cache'}",
            "Dir::State::status=/dev/null",
            f"Dir::Etc::sourcelist={sources}",
            "Dir::Etc::sourceparts=/dev/null",
            "Acquire::Languages=none",
            "Acquire::Retries=2",
            "Acquire::http::Timeout=20",
            "Acquire::https::Timeout=20",
            "APT::Update::Error-Mode=any",
        ):
            self._options += ["-o", setting]

    def update(self) -> None:
        """Fetches the package lists."""
        self._run("update")

    def needed_by(self, package: str) -> list[str]:
        """Names of all packages that `package` needs on an empty machine, itself included."""
        output = self._run("install", "--simulate", "--no-install-recommends", package)
        return [line.split()[1] for line in output.splitlines() if line.startswith("Inst ")]

    def unpack(self, packages: Sequence[str], into: Path) -> None:
        """Downloads the packages and unpacks their files below `into`."""
        self._run("download", *packages)
        for archive in sorted((self._folder / "packages").glob("*.deb")):
            _checked(["dpkg", "-x", str(archive), str(into)], cwd=into)

    def _run(self, *arguments: str) -> str:
        return _checked(["apt-get", *self._options, *arguments], cwd=self._folder / "packages")


@contextmanager
def private_apt(*suites: str) -> Iterator[PrivateApt]:
    """A private apt with fresh package lists of the suites; none named means the machine's own.

    Raises:
        DebianError: not a Debian, or the packages cannot be reached.
    """
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise DebianError(f"this machine has no {program}")
    source = main_source(codename(), read_sources())
    with tempfile.TemporaryDirectory(prefix="trademesh-apt-") as folder:
        # apt fetches as the user _apt, who must be able to come in.
        Path(folder).chmod(0o755)
        apt = PrivateApt(Path(folder), source, suites or source.suites)
        apt.update()
        yield apt


def _checked(command: list[str], cwd: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, arguments are ours
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=APT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise DebianError(f"{command[0]} took longer than {APT_SECONDS} seconds") from None
    if done.returncode:
        lines = [
            line for line in done.stderr.splitlines() if line.startswith("E:")
        ] or done.stderr.splitlines()
        raise DebianError(f"{command[0]} failed: {lines[0] if lines else f'exit code {done.returncode}'}")
    return done.stdout
