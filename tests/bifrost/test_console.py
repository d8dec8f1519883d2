"""Log lines of threads that are interrupted while they write them."""

from __future__ import annotations

import io
import logging
import threading
import time

from bifrost.console import ConsoleHandler
from workflows_app.engine.threads import StopRequested, interrupt

INTERRUPTIONS = 400
LINE = "a line of some length, so that two of them are seen to mix"


def test_a_thread_that_is_interrupted_while_it_logs_holds_up_nobody_else() -> None:
    """Not each interruption meets the moment that matters: with `logging.StreamHandler` about one in a hundred does."""
    logger, stream = logging.Logger("interrupted"), io.StringIO()
    logger.addHandler(ConsoleHandler(stream))
    for _ in range(INTERRUPTIONS):
        talker = threading.Thread(target=talk, args=(logger,), daemon=True)
        talker.start()
        deadline = time.monotonic() + 10
        while talker.is_alive():
            assert time.monotonic() < deadline, "It waits for what one before it has kept."
            interrupt(talker)
            talker.join(0.001)


def test_lines_of_several_threads_do_not_mix() -> None:
    logger, stream = logging.Logger("several"), io.StringIO()
    logger.addHandler(ConsoleHandler(stream))
    threads = [threading.Thread(target=lambda: [logger.info(LINE) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert stream.getvalue() == (LINE + "\n") * 2000


def talk(logger: logging.Logger) -> None:
    try:
        while True:
            logger.info(LINE)
    except StopRequested:
        return
