"""Identity of what happens inside a run (engine.md, section 5)."""

from __future__ import annotations

from workflows_app.engine.position import Position


def test_children_are_numbered_under_their_parent_in_the_order_they_are_made() -> None:
    root = Position()
    first, second = root.child(), root.child()
    assert [root.path, first.path, second.path, first.child().path] == ["0", "0/1", "0/2", "0/1/1"]


def test_things_of_one_kind_and_name_are_counted_from_zero() -> None:
    here = Position()
    assert [here.next("child", "a"), here.next("child", "a"), here.next("child", "b")] == [0, 1, 0]


def test_logs_are_counted_by_kind_alone_so_that_their_text_may_change() -> None:
    here = Position()
    assert [here.next("log", "info"), here.next("log", "error"), here.next("checkpoint", "x")] == [0, 1, 0]
