"""What a stream says while an execution goes on, and when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection

from orgs.models import Membership, User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change, make_user
from tests.workflows_app.engine.conftest import Run, Workspace, caller
from tests.workflows_app.engine.working import eventually
from tests.workflows_app.live.conftest import Listen
from tests.workflows_app.live.listening import Served, cookies_of, log_line, running, serving, set_status
from workflows_app.live import streaming, watching
from workflows_app.models import Execution

SOON = 0.3


def nobody_watches(served: Served) -> None:
    """No place is taken, and the thread is gone with its connection."""
    eventually(lambda: not len(served.streams.watchers), "end of the watch")
    eventually(lambda: not [each for each in threading.enumerate() if each.name == "live-journal"], "end of the thread")


# --- what it says -----------------------------------------------------------------------------------------------------


def test_each_change_is_told_with_the_last_line_and_the_status(
    served: Served, listen: Listen, acme: OrganizationRecord
) -> None:
    execution = running(acme, lines=2)
    stream = listen(served, execution)
    assert stream.next() == ("change", {"seq": 2, "status": "Running"})

    log_line(acme, execution, 3)
    assert stream.next() == ("change", {"seq": 3, "status": "Running"})
    set_status(acme, execution, "Suspended")
    assert stream.next() == ("change", {"seq": 3, "status": "Suspended"})


def test_only_what_came_after_the_page_is_told(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    execution = running(acme, lines=5)
    stream = listen(served, execution, "?after=5")

    log_line(acme, execution, 6)

    assert stream.next() == ("change", {"seq": 6, "status": "Running"})


def test_a_browser_that_comes_again_goes_on_where_it_was(
    served: Served, listen: Listen, acme: OrganizationRecord
) -> None:
    execution = running(acme, lines=5)
    stream = listen(served, execution, "?after=2", **{"Last-Event-ID": "5"})

    log_line(acme, execution, 6)

    assert stream.next() == ("change", {"seq": 6, "status": "Running"})


@pytest.mark.parametrize("status", ["Success", "CompletedWithErrors", "Failed", "Compensated", "Cancelled", "Rejected"])
def test_the_end_is_told_and_ends_the_stream(
    served: Served, listen: Listen, acme: OrganizationRecord, status: str
) -> None:
    execution = running(acme, lines=2)
    stream = listen(served, execution, "?after=2")

    set_status(acme, execution, status)

    assert [stream.next(), stream.next()] == [("end", {"seq": 2, "status": status}), None]
    nobody_watches(served)


def test_last_lines_are_told_before_the_end(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    execution = running(acme, lines=2)
    set_status(acme, execution, "Success")

    known, unknown = listen(served, execution, "?after=2"), listen(served, execution, "?after=1")

    end = ("end", {"seq": 2, "status": "Success"})
    assert [known.next(), known.next()] == [end, None]
    assert [unknown.next(), unknown.next(), unknown.next()] == [("change", {"seq": 2, "status": "Success"}), end, None]


def test_each_hears_of_its_own_execution_alone(
    served: Served, listen: Listen, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    globex_cookies = cookies_of(make_user(globex, "viewer"))
    first, second, foreign = running(acme), running(acme), running(globex)
    streams = [listen(served, each, "?after=2") for each in (first, second)]
    theirs = listen(served, foreign, "?after=2", organization=globex, cookies=globex_cookies)

    log_line(acme, second, 3)
    log_line(globex, foreign, 3)
    log_line(globex, foreign, 4)
    log_line(acme, first, 3)

    assert [stream.next() for stream in streams] == [("change", {"seq": 3, "status": "Running"})] * 2
    told = [theirs.next()]
    told += [theirs.next()] if told != [("change", {"seq": 4, "status": "Running"})] else []
    assert told[-1] == ("change", {"seq": 4, "status": "Running"})


def test_a_quiet_stream_shows_that_it_lives(
    served: Served, listen: Listen, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BEAT_SECONDS", 0.05)
    stream = listen(served, running(acme), "?after=2")

    eventually(lambda: stream.comments >= 2, "second comment")


def test_a_line_of_a_run_is_announced_soon(
    run: Run, workspace: Workspace, served: Served, listen: Listen, acme: OrganizationRecord, tmp_path: Any
) -> None:
    gate = tmp_path / "gate"
    workspace.add(f"""
        @workflow
        async def tells(context):
            import pathlib
            while not pathlib.Path({str(gate)!r}).exists():
                await asyncio.sleep(0.01)
            context.log("info", "here")
            moment = time.time()
            await asyncio.sleep(1.5)
            return moment
    """)
    outcomes: list[Any] = []
    thread = caller(lambda: outcomes.append(run("tells")))
    execution = eventually(lambda: the_execution(acme), "execution")
    stream = listen(served, execution)
    first = stream.next()
    gate.touch()
    told = [first, stream.next()]
    thread.join()

    assert told[1] is not None and told[1][1]["status"] == "Running"
    assert 0 < stream.moments[1] - outcomes[0].result < 1.2  # 0.25 s until it is written, 0.1 s until it is seen


def the_execution(organization: OrganizationRecord) -> UUID | None:
    with org_context(organization):
        return Execution.objects.values_list("id", flat=True).first()


# --- when it ends -----------------------------------------------------------------------------------------------------


def sign_out(user: User, cookies: dict[str, str]) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore(cookies["sessionid"]).delete()


def shut_out(user: User, cookies: dict[str, str]) -> None:
    User.objects.filter(id=user.id).update(is_active=False)


def leave(user: User, cookies: dict[str, str]) -> None:
    Membership.objects.filter(user=user).delete()


def may_see_less(user: User, cookies: dict[str, str]) -> None:
    Membership.objects.filter(user=user).update(role="requester")


def suspend(user: User, cookies: dict[str, str]) -> None:
    organization = Membership.objects.get(user=user).organization
    change(organization, status="suspended")  # type: ignore[arg-type]


@pytest.mark.parametrize("ends", [sign_out, shut_out, leave, may_see_less, suspend])
def test_it_ends_by_itself_when_whoever_watches_may_not_any_more(
    live_settings: Callable[..., None],
    listen: Listen,
    acme: OrganizationRecord,
    ends: Callable[[User, dict[str, str]], None],
) -> None:
    live_settings(look_again_seconds=SOON)
    user = make_user(acme, "viewer")
    cookies = cookies_of(user)
    with serving() as served:
        stream = listen(served, running(acme), "?after=2", cookies=cookies)
        assert stream.status == 200

        ends(user, cookies)

        assert stream.next() is None
        nobody_watches(served)


def test_it_goes_on_for_those_who_still_may(
    live_settings: Callable[..., None], listen: Listen, acme: OrganizationRecord
) -> None:
    live_settings(look_again_seconds=0.05)
    execution = running(acme)
    with serving() as served:
        asked: list[object] = []
        ask = served.streams._ask

        async def counted(scope: Any, extra: Any) -> Any:
            asked.append(scope)
            return await ask(scope, extra)

        served.streams._ask = counted
        stream = listen(served, execution, "?after=2")
        eventually(lambda: len(asked) > 3, "third look whether it may")
        log_line(acme, execution, 3)

        assert stream.next() == ("change", {"seq": 3, "status": "Running"})


def test_it_ends_when_the_execution_is_gone(served: Served, listen: Listen, acme: OrganizationRecord) -> None:
    execution = running(acme)
    stream = listen(served, execution, "?after=2")

    with org_context(acme):
        Execution.objects.filter(id=execution).delete()

    assert stream.next() is None


def test_when_the_process_stops_all_end_at_once_and_none_begins(
    served: Served, listen: Listen, acme: OrganizationRecord
) -> None:
    execution = running(acme)
    streams = [listen(served, execution, "?after=2") for _ in range(5)]

    began = time.monotonic()
    served.streams.stop()

    assert [stream.next(2) for stream in streams] == [None] * 5
    assert time.monotonic() - began < 2
    refused = listen(served, execution)
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")


# --- many, few, none --------------------------------------------------------------------------------------------------


def test_watchers_are_bounded_and_one_organization_leaves_room_for_others(
    live_settings: Callable[..., None], listen: Listen, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    live_settings(most_watchers=6)
    execution, theirs = running(acme), running(globex)
    cookies = cookies_of(make_user(globex, "viewer"))
    with serving() as served:
        first, *others = [listen(served, execution) for _ in range(4)]
        assert [stream.status for stream in (first, *others)] == [200, 200, 200, 503]
        assert listen(served, theirs, organization=globex, cookies=cookies).status == 200

        first.hang_up()
        eventually(lambda: len(served.streams.watchers) == 3, "a free place")

        assert listen(served, execution).status == 200


def test_many_watch_with_one_query_for_each_organization(
    served: Served, listen: Listen, acme: OrganizationRecord, looks: list[set[UUID]]
) -> None:
    executions = [running(acme) for _ in range(10)]
    streams = [listen(served, each, "?after=2") for each in executions for _ in range(3)]
    for execution in executions:
        log_line(acme, execution, 3)

    assert [stream.next() for stream in streams] == [("change", {"seq": 3, "status": "Running"})] * 30
    assert set(executions) in looks
    assert len([each for each in threading.enumerate() if each.name == "live-journal"]) == 1


def test_who_hangs_up_leaves_nothing_behind_and_nobody_is_looked_for(
    served: Served, listen: Listen, acme: OrganizationRecord, looks: list[set[UUID]]
) -> None:
    execution = running(acme)
    connections_before = connections_open()
    for stream in [listen(served, execution, "?after=2") for _ in range(10)]:
        stream.hang_up()
    nobody_watches(served)
    looked = len(looks)
    eventually(lambda: connections_open() == connections_before, "end of the connections")

    assert (len(looks), served.streams.watchers._watches) == (looked, set())
    assert listen(served, execution).next() == ("change", {"seq": 2, "status": "Running"})  # and it begins anew


def connections_open() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        count: int = cursor.fetchone()[0]
    return count


def test_it_looks_ten_times_a_second_and_not_more(
    served: Served, listen: Listen, acme: OrganizationRecord, looks: list[set[UUID]]
) -> None:
    listen(served, running(acme), "?after=2")
    began = time.monotonic()
    eventually(lambda: len(looks) >= 10, "tenth look")

    assert len(looks) <= (time.monotonic() - began) / watching.LOOK_SECONDS + 2


def test_it_goes_on_when_the_database_was_away(
    served: Served, listen: Listen, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch, looks: list[set[UUID]]
) -> None:
    monkeypatch.setattr(watching, "AWAY_SECONDS", 0.1)
    execution = running(acme)
    stream = listen(served, execution, "?after=2")
    eventually(lambda: looks, "first look")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    log_line(acme, execution, 3)

    assert stream.next() == ("change", {"seq": 3, "status": "Running"})
