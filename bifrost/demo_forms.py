"""The forms that bin/up makes in the MSP's organization, shared with every customer: to try the portal with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forms_app import versions
from forms_app.models import Form
from orgs.records import COMMAND_LINE, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog

Item = Mapping[str, Any]


@dataclass(frozen=True)
class DemoForm:
    slug: str
    workflow: str
    name: str
    description: str
    category: str
    items: tuple[Item, ...]
    submit_label: str
    confirmation: str


def _choices(**labels: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in labels.items()]


def _field(name: str, kind: str, label: str, **more: Any) -> Item:
    return {"type": "field", "name": name, "kind": kind, "label": label, **more}


ONBOARDING = DemoForm(
    "onboarding",
    "welcome_colleague",
    "Onboard a new colleague",
    "Account, team and workplace for somebody who begins soon.",
    "People",
    (
        {"type": "section", "title": "Who begins"},
        _field("name", "text", "Full name", required=True, rules={"min_length": 1, "max_length": 100}),
        _field("email", "email", "E-mail address", required=True, placeholder="ann@acme.example"),
        _field(
            "employment",
            "radio",
            "Employment",
            required=True,
            default="employee",
            choices=_choices(employee="Employee", guest="Guest for some time"),
            sent=False,
        ),
        _field("start_on", "date", "First day", required=True, width="half"),
        _field(
            "ends_on",
            "date",
            "Last day",
            required=True,
            width="half",
            help="The account closes on the evening of this day.",
            visibleWhen={"field": "employment", "is": "equals", "value": "guest"},
        ),
        {"type": "section", "title": "Where", "text": "The team depends on the department."},
        _field("department", "choice", "Department", required=True, provider="get_departments", width="half"),
        _field(
            "team",
            "choice",
            "Team",
            required=True,
            provider="get_teams",
            inputs={"department": "department"},
            width="half",
        ),
        _field(
            "needs",
            "multiple_choice",
            "What to prepare",
            default=["laptop"],
            choices=_choices(laptop="Laptop", phone="Phone", desk="Desk", badge="Badge"),
        ),
    ),
    "Ask for it",
    "Thank you. Somebody looks at it today, and you are told.",
)
EQUIPMENT = DemoForm(
    "request-equipment",
    "request_equipment",
    "Request equipment",
    "Laptops, screens, phones and headsets. Above 500 € somebody approves it first.",
    "Workplace",
    (
        _field("kind", "choice", "What do you need?", required=True, provider="get_equipment_kinds", width="half"),
        _field(
            "model",
            "choice",
            "Which one?",
            required=True,
            provider="get_equipment",
            inputs={"kind": "kind"},
            width="half",
        ),
        _field("quantity", "number", "How many?", required=True, default=1, rules={"min": 1, "max": 20, "whole": True}),
        _field(
            "delivery",
            "radio",
            "Where should it go?",
            required=True,
            default="office",
            choices=_choices(office="To the office", home="To my home"),
        ),
        _field(
            "address",
            "long_text",
            "Address",
            required=True,
            visibleWhen={"field": "delivery", "is": "equals", "value": "home"},
        ),
        _field("reason", "long_text", "What is it for?", required=True, rules={"min_length": 3, "max_length": 500}),
    ),
    "Request",
    "",
)
GREETING = DemoForm(
    "say-hello",
    "my_first_workflow",
    "Say hello",
    "The shortest form there is: one field, and the answer at once.",
    "Examples",
    (_field("message", "text", "Message", required=True, placeholder="Hello World"),),
    "Say it",
    "",
)
FORMS = (ONBOARDING, EQUIPMENT, GREETING)


def prepare_forms(msp: OrganizationRecord) -> None:
    """Makes those that are missing and whose workflow the workspace in use holds; changes none that is there."""
    with org_context(msp):
        present = set(Form.objects.filter(slug__in=[form.slug for form in FORMS]).values_list("slug", flat=True))
    workflows = catalog.current().workflows
    for form in FORMS:
        if form.slug not in present and form.workflow in workflows:
            _make(msp, form)


def _make(msp: OrganizationRecord, form: DemoForm) -> None:
    made = versions.create(msp, COMMAND_LINE, form.workflow, slug=form.slug, name=form.name)
    texts = {"submit_label": form.submit_label, "confirmation": form.confirmation}
    versions.save(msp, made, list(form.items), **texts, expected=1, actor=COMMAND_LINE)
    facts = {"description": form.description, "category": form.category, "shared_all": True}
    with org_context(msp):
        Form.objects.filter(id=made).update(**facts)
    versions.publish(msp, made, COMMAND_LINE)
