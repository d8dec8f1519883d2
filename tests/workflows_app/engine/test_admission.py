"""How many callers may wait for sync executions."""

from __future__ import annotations

from contextlib import ExitStack
from uuid import UUID

import pytest

from workflows_app.engine.admission import Admission
from workflows_app.errors import TooManyWaiting

ACME, GLOBEX, INITECH = UUID(int=1), UUID(int=2), UUID(int=3)


def fill(admission: Admission, held: ExitStack, organization: UUID, callers: int) -> None:
    for _ in range(callers):
        held.enter_context(admission.wait(organization))


def test_one_organization_gets_a_quarter_of_the_threads() -> None:
    admission = Admission(threads=40)
    with ExitStack() as held:
        fill(admission, held, ACME, 10)
        with pytest.raises(TooManyWaiting) as refused:
            fill(admission, held, ACME, 1)
        assert refused.value.retry_after > 0
        fill(admission, held, GLOBEX, 10)


def test_all_together_get_half_of_the_threads() -> None:
    admission = Admission(threads=40)
    with ExitStack() as held:
        fill(admission, held, ACME, 10)
        fill(admission, held, GLOBEX, 10)
        with pytest.raises(TooManyWaiting):
            fill(admission, held, INITECH, 1)


def test_a_place_is_free_again_after_its_caller_left_also_by_an_error() -> None:
    admission = Admission(threads=4)
    for _ in range(3):
        with pytest.raises(KeyError), admission.wait(ACME):
            raise KeyError
    with admission.wait(ACME):
        pass
