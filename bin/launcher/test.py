"""bin/test: the whole test suite on a PostgreSQL and an OpenBao of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from tempfile import TemporaryDirectory

from . import kinds
from .data_directory import configured, held
from .embedded import Services
from .environment import PYTHON, ROOT
from .leftovers import end_leftovers
from .processes import die_with_parent
from .waiting import StartFailed, Stopped, StopRequest

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
WITHOUT_LONG_ONES = ("-m", "not faults")
# The whole suite in three processes, since much of it waits; tests/conftest.py says what belongs into one of them.
SIDE_BY_SIDE = ("-n", "3", "--dist", "loadscope")
_LEFTOVER_SECONDS = 3.0
_GRACE_SECONDS = 20.0


def parse(arguments: Sequence[str]) -> list[str]:
    """What pytest gets. Unless they choose by marker themselves, the long fault tests are left out.

    What is not narrowed to some files or names runs in three processes.
    """
    if list(arguments) == ["--help"]:
        print(
            "usage: bin/test [pytest arguments]\n\n"
            "Sets up what the tests need (virtual environment, PostgreSQL and OpenBao in BIFROST_DATA_DIR/test) and\n"
            "runs them from the repository's root, in three processes where no files or names are given.\n\n"
            "bin/test tests/orgs runs some of them; bin/test -m '' adds the long fault tests."
        )
        sys.exit(0)
    chosen = any(argument.startswith(("-m", "--markexpr")) for argument in arguments)
    some = any(argument.startswith(("-n", "-k")) or _is_path(argument) for argument in arguments)
    return [*([] if some else SIDE_BY_SIDE), *([] if chosen else WITHOUT_LONG_ONES), *arguments]


def _is_path(argument: str) -> bool:
    return (ROOT / argument.partition("::")[0]).exists()


def run_command(arguments: Sequence[str]) -> int:
    """pytest's exit status; 1 where it could not be started, 128 + n where a signal came first."""
    stop = StopRequest()
    stop.listen()
    data = configured() / "test"
    try:
        with held(data, "bin/test"):
            end_leftovers(data, _LEFTOVER_SECONDS)
            try:
                return _run_tests(arguments, stop)
            finally:
                end_leftovers(data)
    except Stopped:
        return 128 + stop.signal
    except StartFailed as failure:
        print(failure, file=sys.stderr)
        return 1


def _run_tests(arguments: Sequence[str], stop: StopRequest) -> int:
    data = configured() / "test"
    services = Services(data, None, stop, lasting=False)
    with services.serving() as variables:
        rights = services.openbao.administrator() if services.openbao else {}
        environment = {**kinds.surroundings(data, variables), **rights}
        # Tests start the platform many times, and without it each process would compile the whole project anew.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        # pytest closes its directory of a user to all others, also to the accounts of another session's services.
        with TemporaryDirectory(prefix="bifrost-pytest-") as own:
            os.chmod(own, 0o755)
            return _pytest(arguments, {**environment, "PYTEST_DEBUG_TEMPROOT": own}, stop)


def _pytest(arguments: Sequence[str], environment: Mapping[str, str], stop: StopRequest) -> int:
    """Shares the launcher's terminal and process group, so that Ctrl-C reaches it by itself."""
    pytest = subprocess.Popen(
        [PYTHON, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=dict(environment),
        preexec_fn=die_with_parent(),  # noqa: PLW1509  it is one system call
    )
    while pytest.poll() is None and not stop.wait(0.1):
        pass
    if pytest.poll() is None:
        if not (stop.signal == signal.SIGINT and _in_foreground()):
            pytest.send_signal(signal.SIGINT)
        limit = time.monotonic() + _GRACE_SECONDS
        while pytest.poll() is None and time.monotonic() < limit and not stop.urgent:
            time.sleep(0.1)
        pytest.kill()
    status = pytest.wait()
    return status if status >= 0 else 128 - status


def _in_foreground() -> bool:
    """Whether a terminal sends its Ctrl-C to this process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
