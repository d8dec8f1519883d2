"""How far executions are, for those who watch in several organizations at once."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries
from uuid6 import uuid7

from orgs import provisioning
from orgs.records import OrganizationRecord
from tests.workflows_app.live.listening import log_line, running, set_status
from workflows_app.live.looking import State, look, state_of


def test_each_organization_is_asked_for_its_own(
    transactional_db: None, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    ours, theirs, empty = running(acme, lines=3), running(globex, lines=1), running(acme, lines=0)
    set_status(globex, theirs, "Suspended")
    everything = {ours, theirs, empty, uuid7()}

    assert look([(acme, everything), (globex, everything)]) == [
        {ours: State(3, "Running"), empty: State(0, "Running")},
        {theirs: State(1, "Suspended")},
    ]


def test_one_that_is_dropped_takes_no_other_with_it(transactional_db: None, acme: OrganizationRecord) -> None:
    gone = provisioning.create_organization("gone", "Gone")
    execution = running(acme)
    provisioning.drop_organization(gone)

    assert look([(gone, {execution}), (acme, {execution})]) == [{}, {execution: State(2, "Running")}]
    assert look([(gone, {execution})]) == [{}]


def test_no_name_of_a_schema_is_believed(transactional_db: None, acme: OrganizationRecord) -> None:
    forged = type("Forged", (), {"schema_name": "public; DROP TABLE x"})()

    with pytest.raises(ValueError, match="is not the name"):
        look([(forged, set())])


def test_one_execution_is_one_query(
    acme: OrganizationRecord, globex: OrganizationRecord, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    execution = running(acme, lines=2, actor="user:ada")
    log_line(acme, execution, 3)

    with django_assert_num_queries(2):  # the other sets the schema
        assert state_of(acme, execution) == State(3, "Running")
    assert state_of(acme, execution, "user:ada") == State(3, "Running")
    assert state_of(acme, execution, "user:bob") is None
    assert state_of(globex, execution) is None
