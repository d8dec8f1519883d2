"""The engine's statements name their schema, and only an organization's."""

from __future__ import annotations

import pytest

from workflows_app.engine import statements


@pytest.mark.parametrize("schema", ["public", "org_a; DROP SCHEMA public", 'org_"x"', "ORG_A", "", "org_" + "a" * 60])
@pytest.mark.parametrize("make", [statements.start, statements.append, statements.end, statements.end_unowned])
def test_a_name_that_is_no_organizations_schema_is_refused(make: object, schema: str) -> None:
    with pytest.raises(ValueError, match="is not an organization's schema"):
        make(schema)  # type: ignore[operator]


def test_every_tenant_table_is_qualified() -> None:
    for make in (statements.start, statements.append, statements.end, statements.end_unowned):
        text = make("org_1").decode()
        assert text.count("workflows_app_") == text.count("org_1.workflows_app_")
