"""The virtual environment `.venv`, made and filled when it is missing or behind the requirements."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .processes import die_with_parent
from .waiting import StartFailed

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# Written last, so that what was interrupted is done again.
STAMP = VENV / "bifrost.json"


def prepare(requirements: Sequence[str]) -> None:
    """Makes sure that `.venv` works and holds the requirements; does nothing, quickly, where it does already.

    Each of the files is installed by installing the last, which includes the others. Raises StartFailed.
    """
    wanted = _digest(requirements)
    if _stamp().get(requirements[-1]) == wanted:
        return
    with _alone():
        stamp = _stamp()
        if stamp.get(requirements[-1]) == wanted:
            return
        if not stamp and not _usable():
            _create()
        _install(requirements[-1])
        kept = {name: _digest([name]) for name in requirements[:-1]}
        STAMP.write_text(json.dumps({**stamp, "path": str(VENV), **kept, requirements[-1]: wanted}))


def enter(arguments: Sequence[str]) -> None:
    """Goes on in the virtual environment: replaces this process unless it runs there already."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(PYTHON, [str(PYTHON), str(Path(__file__).parent), *arguments])


def _stamp() -> dict[str, Any]:
    """What is installed; nothing where that is not known, or the environment was moved here from another place."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and stamp.get("path") == str(VENV) and PYTHON.exists() else {}


def _digest(files: Sequence[str]) -> str:
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in files)).hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time. The kernel ends the lock with the process, so none is ever stale."""
    directory = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another bin/up or bin/test is installing packages; waiting for it.")
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _usable() -> bool:
    """Whether an environment that somebody else made can be filled: its Python is new enough and its pip complete."""
    check = "import sys, importlib.metadata as m; sys.exit(sys.version_info < (3, 11) or not m.files('pip'))"
    try:
        asked = subprocess.run([PYTHON, "-c", check], capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == 0 and not STAMP.exists()


def _create() -> None:
    if VENV.is_symlink():
        # It is another tree's, which would be emptied.
        raise StartFailed(f"{VENV} is a link to an environment of another place: remove it.")
    _say(f"Making the virtual environment {VENV}")
    # The interpreter behind, because the environment that runs this may be the one that is cleared.
    python = getattr(sys, "_base_executable", sys.executable)
    _run([python, "-m", "venv", "--clear", str(VENV)], "The virtual environment could not be made")


def _install(file: str) -> None:
    _say(f"Installing {file}; the first time this takes about half a minute")
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
    _run([*pip, "-r", str(ROOT / file)], f"{file} could not be installed")


def _run(arguments: Sequence[str], failure: str) -> None:
    done = subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_parent(),
        check=False,
    )
    if done.returncode:
        raise StartFailed(f"{done.stdout.decode(errors='replace')}\n{failure} (its output is above).")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
