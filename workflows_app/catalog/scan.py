"""What lies in a workspace directory: which files count, whether they changed, and their bytes as one snapshot."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workflows_app.catalog.contents import Problem

# Not loaded: tests (pytest runs those) and what tools leave behind. Hidden and virtual-environment folders neither.
SKIPPED_FOLDERS = frozenset({"tests", "__pycache__", "node_modules"})
SKIPPED_FILES = frozenset({"conftest.py"})
# File systems keep times in ticks of a few milliseconds; a file this young may change again without a new time.
YOUNG_NANOSECONDS = 50_000_000

Fingerprint = Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was read. `path` is relative to the workspace, with slashes."""

    path: str
    content: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All source files of a workspace at one moment. `version` is the hash of their paths and contents.

    `settled` is False where a file was so young that an equal fingerprint does not yet prove equal content.
    """

    directory: Path
    version: str
    files: Mapping[str, SourceFile]
    problems: tuple[Problem, ...]
    fingerprint: Fingerprint
    settled: bool


def fingerprint(directory: Path) -> Fingerprint:
    """Path, time, size and inode of each source file; equal fingerprints mean that nothing changed."""
    found: dict[str, tuple[int, int, int]] = {}
    for path in _source_paths(directory, on_error=_ignore):
        try:
            status = os.stat(directory / path)
        except OSError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def read(directory: Path) -> Snapshot:
    """The workspace's sources. What is missing or cannot be read becomes a Problem, never an exception."""
    started = time.time_ns()
    before = fingerprint(directory)
    problems: list[Problem] = []
    if not directory.is_dir():
        missing = Problem(".", None, f"The workspace {directory} is not a directory.")
        return Snapshot(directory, digest_of({}), {}, (missing,), before, settled=False)
    files: dict[str, SourceFile] = {}
    for path in _source_paths(directory, on_error=lambda error: problems.append(_unreadable(directory, error))):
        try:
            path.encode()
            content = (directory / path).read_bytes()
        except UnicodeEncodeError:
            problems.append(Problem(ascii(path), None, "The name of the file or of its folder is not UTF-8."))
            continue
        except OSError as error:
            problems.append(Problem(path, None, f"The file cannot be read: {error.strerror or error}."))
            continue
        files[path] = SourceFile(path, content, hashlib.sha256(content).hexdigest())
    settled = not any(_is_young(modified, started) for modified, _, _ in before.values())
    return Snapshot(directory, digest_of(files), files, tuple(problems), before, settled)


def digest_of(files: Mapping[str, SourceFile]) -> str:
    """One hash for the paths and contents of all the files."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path}\0{files[path].digest}\n".encode())
    return total.hexdigest()


def _source_paths(directory: Path, on_error: Callable[[OSError], None]) -> Iterator[str]:
    for folder, folders, names in os.walk(directory, onerror=on_error):
        if "pyvenv.cfg" in names:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith("."))
        inside = Path(folder).relative_to(directory)
        for name in sorted(names):
            if name.endswith(".py") and not name.startswith(".") and name not in SKIPPED_FILES:
                yield (inside / name).as_posix()


def _is_young(modified: int, now: int) -> bool:
    # A time far in the future is no doubt: an edit would set it to the present.
    return now - YOUNG_NANOSECONDS <= modified <= now + 20 * YOUNG_NANOSECONDS


def _unreadable(directory: Path, error: OSError) -> Problem:
    where = os.path.relpath(str(error.filename), directory)
    return Problem(Path(where).as_posix(), None, f"The folder cannot be read: {error.strerror or error}.")


def _ignore(error: OSError) -> None:
    """A folder that cannot be listed has no fingerprint; `read` reports it."""
