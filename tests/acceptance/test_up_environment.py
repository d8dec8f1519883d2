"""The virtual environment and the data directory that bin/up and bin/test make for themselves."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bin.launcher import data_directory, environment
from bin.launcher.waiting import StartFailed
from tests.acceptance.launching import ROOT


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with requirements that need nothing."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("# nothing\n")
    venv = tmp_path / ".venv"
    for name, path in {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin/python",
        "STAMP": venv / "bifrost.json",
    }.items():
        monkeypatch.setattr(environment, name, path)
    return tmp_path


@pytest.fixture
def steps(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said, which is what was done."""
    said: list[str] = []
    monkeypatch.setattr(environment, "_say", lambda text: said.append(text.split()[0]))
    return said


def test_it_is_made_once_and_filled_when_requirements_change(root: Path, steps: list[str]) -> None:
    environment.prepare(["requirements.txt"])
    assert steps == ["Making", "Installing"]

    environment.prepare(["requirements.txt"])
    assert steps == ["Making", "Installing"]

    (root / "requirements.txt").write_text("# something else\n")
    environment.prepare(["requirements.txt"])
    assert steps == ["Making", "Installing", "Installing"]


@pytest.mark.faults
def test_one_that_somebody_made_by_hand_is_filled_and_not_replaced(root: Path, steps: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", root / ".venv"], check=True)

    environment.prepare(["requirements.txt"])

    assert steps == ["Installing"]


@pytest.mark.faults
def test_one_whose_making_was_cut_short_is_made_anew(root: Path, steps: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)

    environment.prepare(["requirements.txt"])

    assert steps == ["Making", "Installing"]


@pytest.mark.faults
def test_one_that_was_copied_from_elsewhere_is_made_anew(root: Path, steps: list[str]) -> None:
    environment.prepare(["requirements.txt"])
    stamp = json.loads(environment.STAMP.read_text())
    environment.STAMP.write_text(json.dumps({**stamp, "path": "/elsewhere/.venv"}))

    environment.prepare(["requirements.txt"])

    assert steps == ["Making", "Installing"] * 2


@pytest.mark.faults
def test_what_the_tests_need_includes_what_runs(root: Path, steps: list[str]) -> None:
    environment.prepare(["requirements.txt", "requirements-dev.txt"])
    environment.prepare(["requirements.txt"])

    assert steps == ["Making", "Installing"]


def test_a_link_to_another_tree_s_is_not_emptied(
    root: Path, steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    another = tmp_path_factory.mktemp("another")
    (another / "kept").touch()
    (root / ".venv").symlink_to(another)

    with pytest.raises(StartFailed, match="is a link to an environment of another place"):
        environment.prepare(["requirements.txt"])

    assert (another / "kept").exists()


@pytest.mark.faults
def test_requirements_that_cannot_be_installed_show_pip_s_words(root: Path, steps: list[str]) -> None:
    (root / "requirements.txt").write_text("./no-such-directory\n")

    with pytest.raises(StartFailed, match=r"no-such-directory[\s\S]*requirements.txt could not be installed"):
        environment.prepare(["requirements.txt"])

    # Nothing counts as installed, so that the next start tries again.
    assert environment._stamp() == {}


def test_the_lock_is_let_go_with_its_holder(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys; from bin.launcher import data_directory as d\n"
        "with d.held(pathlib.Path(sys.argv[1]), 'bin/up'): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "data"], cwd=ROOT, check=False)

    with data_directory.held(tmp_path / "data", "bin/up"):
        pass


def test_the_secret_key_is_made_once_and_foreign_lines_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = data_directory.remember(tmp_path, {"DATABASE_URL": "one"})
    with (tmp_path / "environment").open("a") as file:
        file.write("BIFROST_LOG_LEVEL=DEBUG\n")

    second = data_directory.remember(tmp_path, {"VAULT_ADDR": "two"})

    assert len(first["SECRET_KEY"]) > 40
    assert second == {"SECRET_KEY": first["SECRET_KEY"], "BIFROST_LOG_LEVEL": "DEBUG", "VAULT_ADDR": "two"}
    assert data_directory.read_environment(tmp_path / "environment") == second


def test_a_secret_key_of_the_callers_own_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "the caller's")

    assert data_directory.remember(tmp_path, {}) == {}


@pytest.mark.parametrize("name", ["VAULT_ADDR", "VAULT_ADDR_FILE"])
def test_a_variable_counts_as_given_itself_or_as_a_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    assert not data_directory.given("VAULT_ADDR")

    monkeypatch.setenv(name, "something")
    assert data_directory.given("VAULT_ADDR")


def test_a_private_file_is_private_whatever_was_there_before(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o644)

    data_directory.write_private(file, b"new")

    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
