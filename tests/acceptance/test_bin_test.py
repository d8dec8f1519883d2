"""bin/test: what it gives the tests that it runs, and how it ends."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from bin.launcher.test import parse
from tests.acceptance.launching import ROOT, environment, eventually, processes, running

BIN_TEST = ROOT / "bin" / "test"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A directory for tests that have nothing to do with the repository's."""
    directory = tmp_path / "suite"
    directory.mkdir()
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = faults\n")
    return directory


def arguments(suite: Path) -> list[str]:
    return [str(BIN_TEST), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-p", "no:django", str(suite)]


def bin_test(suite: Path, source: str, *more: str) -> subprocess.CompletedProcess[str]:
    (suite / "test_one.py").write_text(source)
    variables = environment(suite.parent / "data")
    command = [*arguments(suite), *more]
    return subprocess.run(command, env=variables, cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.faults
def test_its_exit_status_and_closing_line_are_pytest_s(suite: Path) -> None:
    done = bin_test(suite, "def test_one(): pass\ndef test_two(): assert False\n")

    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout.splitlines()[-1]
    assert processes(suite.parent / "data") == {}


@pytest.mark.faults
def test_tests_get_a_database_and_a_vault_of_their_own(suite: Path) -> None:
    with running(suite.parent / "data") as up:
        source = (
            "import os, httpx, psycopg\n"
            "def test_services():\n"
            "    psycopg.connect(os.environ['DATABASE_URL']).close()\n"
            "    headers = {'X-Vault-Token': os.environ['VAULT_TOKEN']}\n"
            "    assert httpx.get(os.environ['VAULT_ADDR'] + '/v1/sys/mounts', headers=headers).status_code == 200\n"
            f"    assert os.environ['VAULT_ADDR'] != {up.document['vaultAddr']!r}\n"
            f"    assert os.environ['DATABASE_URL'] != {up.document['databaseUrl']!r}\n"
        )
        done = bin_test(suite, source)

        assert done.returncode == 0, done.stdout
        assert up.is_healthy()


@pytest.mark.faults
def test_long_fault_tests_run_only_where_they_are_asked_for(suite: Path) -> None:
    source = "import pytest\n@pytest.mark.faults\ndef test_long(): pass\ndef test_short(): pass\n"

    assert "1 passed, 1 deselected" in bin_test(suite, source).stdout
    assert "2 passed" in bin_test(suite, source, "-m", "").stdout


@pytest.mark.parametrize("given", [["-m", "faults"], ["-mfaults"], ["--markexpr=faults"]])
def test_a_choice_by_marker_is_the_callers(given: list[str]) -> None:
    assert parse(given) == ["-n", "3", "--dist", "loadscope", *given]
    assert parse([*given, "tests/orgs"]) == [*given, "tests/orgs"]
    assert parse(["tests/orgs"]) == ["-m", "not faults", "tests/orgs"]


@pytest.mark.parametrize("given", [[], ["-x"], ["--durations=20"]])
def test_all_of_them_run_side_by_side(given: list[str]) -> None:
    assert parse(given) == ["-n", "3", "--dist", "loadscope", "-m", "not faults", *given]


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_tests_and_what_they_started(suite: Path, number: int) -> None:
    (suite / "test_one.py").write_text(
        "import pathlib, subprocess, time, pytest\n"
        "@pytest.fixture\n"
        "def finished():\n"
        "    yield\n"
        "    pathlib.Path(__file__).with_name('finished').touch()\n"
        "def test_one(finished):\n"
        "    subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "    pathlib.Path(__file__).with_name('begun').touch()\n"
        "    time.sleep(600)\n"
    )
    data = suite.parent / "data"
    variables = environment(data)
    started = subprocess.Popen(
        arguments(suite), env=variables, start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    eventually((suite / "begun").exists, "the test")

    started.send_signal(number)
    output, _ = started.communicate(timeout=60)

    assert started.returncode == pytest.ExitCode.INTERRUPTED
    assert (suite / "finished").exists()
    assert "KeyboardInterrupt" in output
    assert processes(data) == {}


@pytest.mark.faults
def test_a_second_one_says_who_runs(suite: Path) -> None:
    source = (
        "import json, os, subprocess, sys\n"
        f"COMMAND = {arguments(suite)!r}\n"
        "def test_second():\n"
        f"    variables = {{**os.environ, 'BIFROST_DATA_DIR': {str(suite.parent / 'data')!r}}}\n"
        "    done = subprocess.run(COMMAND, env=variables, capture_output=True, text=True)\n"
        "    assert done.returncode == 1\n"
        "    assert 'bin/test (process ' in done.stderr and 'runs already' in done.stderr\n"
    )

    done = bin_test(suite, source)

    assert done.returncode == 0, done.stdout
