"""A submitting process whose tasks are files: `python -m tests.bench.submitter submit N DIRECTORY`."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from bench import submitting


def main() -> None:
    parser = submitting.arguments()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--failing", action="store_true")
    options = parser.parse_args()

    def enqueue(number: int) -> str:
        if options.failing and number == 1:
            raise ValueError("The second submit fails")
        name = f"{os.getpid()}-{uuid4()}"
        (options.directory / name).touch()
        return name

    submitting.serve(options, enqueue, lambda name: (options.directory / name).exists())


if __name__ == "__main__":
    main()
