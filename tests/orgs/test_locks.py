from __future__ import annotations

from threading import Event, Thread

import pytest
from django.db import OperationalError, connection, transaction

from orgs import locks

committed = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_LONGEST_WAIT", "100ms")


def is_free(name: str) -> bool:
    try:
        with locks.alone(name):
            return True
    except OperationalError:
        return False


@committed
def test_one_at_a_time_is_inside() -> None:
    with locks.alone("a"):
        assert not is_free("a")
        assert is_free("b")
    assert is_free("a")


@committed
def test_the_next_one_enters_when_the_first_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_LONGEST_WAIT", "10s")
    entered = Event()

    def second() -> None:
        with locks.alone("a"):
            entered.set()
        connection.close()

    with locks.alone("a"):
        thread = Thread(target=second)
        thread.start()
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()


@committed
def test_a_failure_inside_frees_the_lock() -> None:
    with pytest.raises(KeyError), locks.alone("a"):
        raise KeyError
    assert is_free("a")


@committed
def test_many_hold_off_until_their_transactions_end() -> None:
    with transaction.atomic():
        locks.hold_off("a")
        locks.hold_off("a")
        assert not is_free("a")
    assert is_free("a")


@committed
def test_holding_off_needs_a_transaction() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="inside a transaction"):
        locks.hold_off("a")
