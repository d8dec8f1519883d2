"""What the process says beside its log: prints and threads that fail keep a run's secrets too."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bifrost.sdk.sanitizing import Scrubber
from workflows_app.engine import logs
from workflows_app.engine.current import current_run

SECRET = "hunter2hunter2"


@pytest.fixture
def scrubbing() -> Iterator[None]:
    """As inside a run that has read the secret."""
    scrubber = Scrubber()
    scrubber.add(SECRET)
    facts = SimpleNamespace(organization=SimpleNamespace(org_id="acme"), id="1")
    token = current_run.set(cast(Any, SimpleNamespace(scrubber=scrubber, facts=facts)))
    yield
    current_run.reset(token)


def test_what_a_run_prints_holds_no_secret(scrubbing: None) -> None:
    written = io.StringIO()
    output = logs.Output(written)

    print("before", SECRET, file=cast(io.StringIO, output))
    output.writelines([f"{SECRET}\n", "after\n"])
    output.flush()

    assert written.getvalue() == "before REDACTED\nREDACTED\nafter\n"


def test_what_the_platform_prints_is_passed_on_as_it_is() -> None:
    written = io.StringIO()

    print(SECRET, file=cast(io.StringIO, logs.Output(written)))

    assert written.getvalue() == f"{SECRET}\n"


def ended_by(error: BaseException) -> threading.ExceptHookArgs:
    try:
        raise error
    except (ValueError, SystemExit) as raised:
        thread = threading.Thread(name="of an author")
        return threading.ExceptHookArgs((type(raised), raised, raised.__traceback__, thread))


def test_what_ended_a_thread_is_told_by_its_type_and_place_alone(caplog: pytest.LogCaptureFixture) -> None:
    logs.report_thread(ended_by(ValueError(SECRET)))

    assert "of an author" in caplog.text and "ValueError" in caplog.text and "test_logs.py" in caplog.text
    assert SECRET not in caplog.text


def test_a_thread_that_leaves_by_itself_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    logs.report_thread(ended_by(SystemExit(SECRET)))

    assert caplog.text == ""
