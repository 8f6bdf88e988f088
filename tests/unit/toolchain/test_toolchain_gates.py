"""The gates of `make check`: each passes on what is right and fails on what is wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.toolchain import Tool, ToolMissing, bootstrap, breaking, contracts, find, locks, staging, traces
from services.toolchain.places import ROOT


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class TestGeneration:
    def test_differences_name_what_changed_what_is_new_and_what_is_stale(self, tmp_path: Path) -> None:
        new = tree(tmp_path / "new", python__same="1", python__changed="2", openapi__added="3")
        old = tree(
            tmp_path / "old", python__same="1", python__changed="0", python__deep__stale="4", go__other="5"
        )
        (old / "python" / "__pycache__").mkdir()
        (old / "python" / "__pycache__" / "x.pyc").touch()
        assert list(contracts.differences(new, old)) == [
            "openapi/added",
            "python/changed",
            "python/deep/stale",
        ]

    def test_publish_makes_both_equal_and_leaves_other_folders(self, tmp_path: Path) -> None:
        new = tree(tmp_path / "new", python__same="1", python__changed="2", openapi__added="3")
        old = tree(
            tmp_path / "old", python__same="1", python__changed="0", python__deep__stale="4", go__other="5"
        )
        before = (old / "python" / "same").stat().st_mtime_ns
        contracts.publish(new, old)
        assert list(contracts.differences(new, old)) == []
        assert not (old / "python" / "deep").exists()
        assert (old / "go" / "other").read_text() == "5"
        assert (old / "python" / "same").stat().st_mtime_ns == before

    def test_missing_tool_skips_here_and_fails_on_ci(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def missing(_: Path) -> None:
            raise ToolMissing("x", "no Go")

        monkeypatch.setattr(contracts, "render", missing)
        monkeypatch.setattr(sys, "argv", ["contracts", "--check"])
        monkeypatch.delenv("CI", raising=False)
        assert contracts.main() == 0
        assert capsys.readouterr().err == "skipped: x: no Go\n"
        monkeypatch.setenv("CI", "true")
        assert contracts.main() == 1


class TestBreaking:
    PROTO = 'syntax = "proto3";\npackage trademesh.sample.v1;\nmessage Sample {\n  string name = %d;\n}\n'

    @pytest.fixture
    def checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A repository with one commit that holds one contract and its image."""
        shutil.copy(ROOT / "buf.yaml", tmp_path)
        vendored = tmp_path / "third_party" / "vendored.proto"
        vendored.parent.mkdir()
        vendored.write_text('syntax = "proto3";\npackage vendored;\nmessage Vendored {}\n')
        monkeypatch.setattr(breaking, "ROOT", tmp_path)
        monkeypatch.setattr(breaking, "stage", lambda: None)
        monkeypatch.setattr(sys, "argv", ["breaking"])
        git(tmp_path, "init", "-q")
        self.commit(tmp_path, 1, "first")
        return tmp_path

    def commit(self, root: Path, number: int, message: str) -> str:
        proto = root / "proto/trademesh/sample/v1/sample.proto"
        proto.parent.mkdir(parents=True, exist_ok=True)
        proto.write_text(self.PROTO % number)
        (root / "gen/descriptors").mkdir(parents=True, exist_ok=True)
        image = "gen/descriptors/mesh.binpb"
        subprocess.run(
            [find(Tool.BUF), "build", "--as-file-descriptor-set", "-o", image], cwd=root, check=True
        )
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", message)
        return git(root, "rev-parse", "HEAD")

    def test_one_commit_is_fine(self, checkout: Path) -> None:
        assert breaking.baseline() == git(checkout, "rev-parse", "HEAD")
        assert breaking.main() == 0

    def test_break_in_the_last_commit_fails(self, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.commit(checkout, 2, "renumber")
        assert breaking.main() == 1
        assert 'Previously present field "1" with name "name"' in capsys.readouterr().out

    def test_break_that_is_not_committed_fails(self, checkout: Path) -> None:
        head = git(checkout, "rev-parse", "HEAD")
        (checkout / "proto/trademesh/sample/v1/sample.proto").write_text(self.PROTO % 3)
        assert breaking.baseline() == head
        assert breaking.main() == 1

    def test_break_anywhere_on_a_branch_fails(self, checkout: Path) -> None:
        base = git(checkout, "rev-parse", "HEAD")
        git(checkout, "switch", "-q", "-c", "topic")
        self.commit(checkout, 2, "renumber")
        tree(checkout, notes="more")
        git(checkout, "add", "-A")
        git(checkout, "commit", "-q", "-m", "unrelated")
        assert breaking.baseline() == base
        assert breaking.main() == 1

    def test_break_that_a_commit_owns_up_to_is_shown_and_passes(
        self, checkout: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.commit(checkout, 2, "renumber\n\nBreaking-Contract: nobody uses it yet")
        assert breaking.main() == 0
        assert "nobody uses it yet" in capsys.readouterr().out

    def test_other_commit_may_be_named(self, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = git(checkout, "rev-parse", "HEAD")
        self.commit(checkout, 2, "renumber")
        tree(checkout, notes="more")
        git(checkout, "add", "-A")
        git(checkout, "commit", "-q", "-m", "unrelated")
        assert breaking.main() == 0
        monkeypatch.setattr(sys, "argv", ["breaking", "--against", first])
        assert breaking.main() == 1


class TestLocks:
    HASH = " \\\n    --hash=sha256:00\n"

    def locked(self, root: Path, **files: str) -> Path:
        good = {
            "requirements.in": "# why\nrich\ntyper[all]>=1\n",
            "requirements-dev.in": "-r requirements.in\nruff\n",
            "requirements.txt": f"rich==14.0{self.HASH}typer==1.2{self.HASH}",
            "requirements-dev.txt": f"rich==14.0{self.HASH}ruff==0.9{self.HASH}typer==1.2{self.HASH}",
        }
        for name, text in {**good, **files}.items():
            (root / name).write_text(text)
        return root

    def test_ours_are_current(self) -> None:
        assert locks.problems(ROOT) == []

    def test_good_ones_are_current(self, tmp_path: Path) -> None:
        assert locks.problems(self.locked(tmp_path)) == []

    @pytest.mark.parametrize(
        ("name", "text", "problem"),
        [
            (
                "requirements.in",
                "rich\ntyper\nnew-thing\n",
                "requirements.txt: new-thing, wanted by requirements.in",
            ),
            ("requirements.in", "rich>=15\ntyper\n", "requirements.txt: rich 14.0 is not >=15"),
            ("requirements.txt", f"rich==14.0\ntyper==1.2{HASH}", "requirements.txt: rich has no hash"),
            (
                "requirements.txt",
                f"rich==13.9{HASH}typer==1.2{HASH}",
                "rich: 13.9 in requirements.txt, 14.0 in",
            ),
        ],
    )
    def test_what_is_not_current_is_found(self, name: str, text: str, problem: str, tmp_path: Path) -> None:
        found = locks.problems(self.locked(tmp_path, **{name: text}))
        assert any(line.startswith(problem) for line in found), found


class TestTraces:
    def test_settings_of_pip_go_and_npm_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", "https://name:secret@wheels.corp.example:8443/simple")
        monkeypatch.setenv("GOPROXY", "https://modules.corp.example,direct")
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://localhost:4873/")
        found = traces.hosts()
        assert {"wheels.corp.example", "modules.corp.example"} <= found
        assert not {"localhost", "secret", ""} & found

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("see https://wheels.corp.example/simple", ["wheels.corp.example"]),
            ("host=wheels.corp.example:443", ["wheels.corp.example"]),
            ("not-wheels.corp.example and wheels.corp.example-2", []),
            ('PATH = "/build/tree/x"', ["/build/tree/"]),
            ("a/build/tree/x and https://h.example/build/tree/x", []),
            ("/build/treehouse", []),
            ("cd " + "/home" + "/somebody/work", ["/home" + "/somebody/"]),
            ("GET /v1/home/page", []),
        ],
    )
    def test_names_are_found_whole(self, text: str, names: list[str]) -> None:
        assert traces.found_in(text.encode(), {"wheels.corp.example"}, {"/build/tree"}) == names

    def test_folders_everybody_has_are_no_trace(self) -> None:
        assert "/srv" not in traces.folders(Path("/srv/trademesh"))
        assert {"/data/build", "/data/build/trademesh"} <= traces.folders(Path("/data/build/trademesh"))

    def test_new_files_count_and_ignored_ones_do_not(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "-q")
        tree(
            tmp_path, **{".gitignore": "ignored\n", "ignored": f"{tmp_path}/x", "noted": f"see {tmp_path}/x"}
        )
        assert [line.split(":")[0] for line in traces.problems(tmp_path)] == ["noted"]


class TestSetup:
    def test_fingerprint_follows_what_is_installed_and_nothing_else(self, tmp_path: Path) -> None:
        for name in ("pyproject.toml", "requirements.in", "requirements-dev.txt"):
            shutil.copy(ROOT / name, tmp_path)
        first = bootstrap.fingerprint(tmp_path)
        project = tmp_path / "pyproject.toml"
        project.write_text(project.read_text() + "\n[tool.something]\nelse = 1\n")
        assert bootstrap.fingerprint(tmp_path) == first
        project.write_text(project.read_text().replace('version = "', 'version = "9'))
        second = bootstrap.fingerprint(tmp_path)
        assert second != first
        (tmp_path / "requirements-dev.txt").write_text("")
        assert bootstrap.fingerprint(tmp_path) not in {first, second}

    def test_wrong_python_gets_one_clear_line(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(bootstrap, "PYTHON", (3, 99))
        assert bootstrap.main() == 1
        assert capsys.readouterr().err.count("\n") == 1

    def test_bootstrap_needs_nothing_but_the_standard_library(self) -> None:
        variables = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-S", "-c", "import services.toolchain.bootstrap"]
        assert subprocess.run(command, env=variables, cwd="/", check=False).returncode == 0


def test_staged_protos_are_complete() -> None:
    try:
        folder = staging.stage()
    except ToolMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    assert (folder / "buf/validate/validate.proto").is_file()
    assert (folder / "google/rpc/error_details.proto").is_file()
