"""A run as `run_workflow` tells of it: journal lines, and a bar where there is a terminal."""

from __future__ import annotations

import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management.base import OutputWrapper

from workflows_app.narrating import ERASE, Narrator


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def progress(done: int, total: int = 4, message: str = "", elapsed_ms: int = 60_000) -> dict[str, Any]:
    data = {"percent": 100 * done / total, "done": done, "total": total, "message": message, "elapsedMs": elapsed_ms}
    return {"kind": "progress", "name": "", "at": "2026-03-01T09:00:00.123456+00:00", "data": data}


def log(message: str) -> dict[str, Any]:
    at = "2026-03-01T09:00:01.500000+00:00"
    return {"kind": "log", "name": "info", "at": at, "data": {"message": message, "data": None}}


def narrator(stream: StringIO, clock: Clock) -> Narrator:
    return Narrator(OutputWrapper(stream), clock)


def screen(text: str) -> list[str]:
    """What a terminal shows of it."""
    return [shown.split("\r\x1b[K")[-1] for shown in text.split("\n")]


def test_without_a_terminal_progress_is_lines_and_at_most_one_a_second() -> None:
    out, clock = StringIO(), Clock()
    telling = narrator(out, clock)
    for second, done in ((0, 1), (0.5, 2), (1.2, 3)):
        clock.now = second
        telling.tell(progress(done))
    telling.end()
    assert out.getvalue() == (
        "09:00:00.123 progress 25% (1 of 4), about 3 min left\n09:00:00.123 progress 75% (3 of 4), about 20 s left\n"
    )


@pytest.mark.parametrize("last", [3, 4])
def test_the_last_progress_is_told_however_fast_it_came(last: int) -> None:
    out = StringIO()
    telling = narrator(out, Clock())
    for done in range(1, last + 1):
        telling.tell(progress(done))
    telling.end()
    assert out.getvalue().splitlines()[-1].startswith(f"09:00:00.123 progress {25 * last}% ({last} of 4)")
    assert len(out.getvalue().splitlines()) == 2 and "\x1b" not in out.getvalue()


def test_on_a_terminal_one_line_is_drawn_anew() -> None:
    out, clock = Terminal(), Clock()
    telling = narrator(out, clock)
    for done in (1, 2):
        clock.now += 1
        telling.tell(progress(done, message="importing"))
    assert "\n" not in out.getvalue()
    assert screen(out.getvalue()) == ["█" * 12 + "░" * 12 + " 50% (2 of 4), importing, about 60 s left"]
    telling.end()
    assert screen(out.getvalue())[-1] == ""


def test_other_lines_scroll_by_above_the_bar() -> None:
    out, clock = Terminal(), Clock()
    telling = narrator(out, clock)
    telling.tell(log("before"))
    telling.tell(progress(1))
    telling.tell(log("between"))
    shown = screen(out.getvalue())
    assert shown[0].endswith("before") and shown[1].endswith("between") and "25% (1 of 4)" in shown[2]


def test_it_is_not_drawn_more_than_ten_times_a_second_but_at_the_end() -> None:
    out, clock = Terminal(), Clock()
    telling = narrator(out, clock)
    for done in range(1, 100):
        clock.now += 0.01
        telling.tell(progress(done, 100))
    drawn = out.getvalue().count(ERASE)
    assert 9 <= drawn <= 11
    telling.tell(progress(100, 100))
    assert "100% (100 of 100)" in screen(out.getvalue())[-1]


def test_a_long_message_does_not_break_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    narrator(out, Clock()).tell(progress(1, message="x\n" * 100))
    assert [len(shown) for shown in screen(out.getvalue())] == [39]


def test_it_is_not_red_as_the_errors_of_a_command_are_on_a_terminal() -> None:
    out = Terminal()
    stream = OutputWrapper(out)
    stream.style_func = lambda text: f"\x1b[31m{text}\x1b[0m"
    telling = Narrator(stream, Clock())
    telling.tell(progress(1))
    telling.tell(log("between"))
    telling.end()
    assert "\x1b[31m" not in out.getvalue()


def test_without_any_progress_nothing_is_added() -> None:
    out = Terminal()
    telling = narrator(out, Clock())
    telling.tell(log("only"))
    telling.end()
    assert out.getvalue().endswith("only\n") and ERASE not in out.getvalue()


def test_several_threads_tell_whole_lines() -> None:
    out = StringIO()
    telling = narrator(out, Clock())
    threads = [
        threading.Thread(target=lambda name=name: [telling.tell(log(name * 50)) for _ in range(200)]) for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {line[-50:] for line in out.getvalue().splitlines()} == {"a" * 50, "b" * 50}
