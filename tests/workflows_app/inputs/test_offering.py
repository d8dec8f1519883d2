"""What a page says of a field's options: which there are, why there are none, or what comes first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from workflows_app import catalog
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.offering import offer, offers

PROVIDERS = """
    from bifrost import data_provider

    @data_provider(name="towns", description="x", cache_ttl_seconds=0)
    async def towns(context, country=None):
        if country == "broken":
            raise RuntimeError("the password is hunter2")
        return [{"value": f"{country} 1", "label": "One"}] if country != "nowhere" else []
"""
FORM = Definition.read(
    [
        {"name": "country", "label": "Country", "required": True},
        {"name": "town", "kind": "choice", "provider": "towns", "inputs": {"country": "country"}},
        {"name": "any", "kind": "radio", "provider": "towns", "visibleWhen": {"field": "country", "is": "empty"}},
    ]
)


@pytest.fixture(autouse=True)
def providers(tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.WORKSPACE = tmp_path / "workspace"
    (settings.WORKSPACE / "data_providers").mkdir(parents=True)
    (settings.WORKSPACE / "data_providers" / "towns.py").write_text(dedent(PROVIDERS))
    catalog.refresh()
    yield


@pytest.mark.django_db(transaction=True)
def test_what_a_provider_offers_depends_on_the_other_field(acme: OrganizationRecord) -> None:
    town = FORM.field("town")
    assert [choice.value for choice in offer(acme, FORM, town, {"country": "de"}).options] == ["de 1"]
    assert offer(acme, FORM, town, {}).first == "Country"
    assert offer(acme, FORM, town, {"country": "nowhere"}).error == "There is nothing to choose from."


@pytest.mark.django_db(transaction=True)
def test_its_failure_is_told_without_its_reason(acme: OrganizationRecord) -> None:
    failed = offer(acme, FORM, FORM.field("town"), {"country": "broken"})
    assert failed.error and "hunter2" not in failed.error and failed.options == ()


@pytest.mark.django_db(transaction=True)
def test_only_what_is_part_of_the_form_is_asked_for(acme: OrganizationRecord) -> None:
    assert set(offers(acme, FORM, {"country": "de"})) == {"town"}
    assert set(offers(acme, FORM, {})) == {"town", "any"}


@pytest.mark.django_db(transaction=True)
def test_in_a_group_each_row_has_its_own_options(acme: OrganizationRecord) -> None:
    inner = [field.as_json() for field in FORM.fields[:2]]
    form = Definition.read([{"name": "rows", "kind": "group", "fields": inner}])
    found = offers(acme, form, {"rows": [{"country": "de"}, {}]})
    assert [choice.value for choice in found["rows.0.town"].options] == ["de 1"]
    assert found["rows.1.town"].first == "Country"
