"""The peers' own virtual environment, which the benchmark alone makes, and where their services are."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
ROOT = Path(__file__).resolve().parent.parent.parent


def prepare() -> Path:
    """Its Python, with the pinned versions of `requirements.txt` installed; at once where they are already."""
    data = Path(os.environ.get("BIFROST_DATA_DIR") or ROOT / ".bifrost").expanduser().resolve()
    place = data / "bench" / ".bench-venv"
    python = place / "bin" / "python"
    stamp = place / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print("Installing the peers; the first time this takes some seconds", file=sys.stderr)
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--clear", str(place)], check=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    stamp.write_text(wanted)
    return python


def versions() -> str:
    """What is measured, as one line: names and versions of the pinned packages."""
    return ", ".join(line.replace("==", " ") for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
