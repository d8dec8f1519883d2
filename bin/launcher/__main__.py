"""`python bin/launcher up|test [arguments]`: the first stage makes the virtual environment, the second runs in it."""

from __future__ import annotations

import sys
from pathlib import Path

# Run as a directory, Python puts the package itself on the path, where its modules would hide the standard library's.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from launcher import environment, test, up  # noqa: E402
from launcher.waiting import StartFailed  # noqa: E402


def main(name: str, arguments: list[str]) -> int:
    command = {"up": up, "test": test}[name]
    options = command.parse(arguments)
    try:
        environment.prepare(command.REQUIREMENTS)
        environment.enter([name, *arguments])
        status: int = command.run_command(options)
        return status
    except StartFailed as failure:
        print(f"{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
