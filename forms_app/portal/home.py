"""The first page: what one can ask for, what waits, what one asked for lately."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from forms_app import catalog
from forms_app.catalog import FormSummary
from forms_app.models import Submission
from forms_app.portal import words
from forms_app.portal.visits import Visit, page
from orgs.permissions import APPROVE
from workflows_app import queries
from workflows_app.actors import actor_key
from workflows_app.approvals.queries import list_approvals
from workflows_app.queries import Filters

# A long list is opened by its category or by searching; the page stays light.
SHOWN_OF_CATEGORY = 9
SHOWN_FOUND = 60
RECENT = 5
LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Category:
    """Forms under one heading; `more` says how many there are beside them."""

    name: str
    forms: tuple[FormSummary, ...]
    more: int


@require_safe
@page()
def show_home(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    chosen = request.GET.get("category", "")
    forms = catalog.forms_for(visit.organization, visit.actor)
    found = [form for form in forms if matches(form, text) and chosen in ("", form.category)]
    most = SHOWN_FOUND if text or chosen else SHOWN_OF_CATEGORY
    context = {
        "categories": categories_of(found, most),
        "found": len(found),
        "there_are_forms": bool(forms),
        "text": text,
        "chosen": chosen,
        "narrowed": bool(text or chosen),
    }
    if not (text or chosen):
        context |= {"recent": recent_requests(visit), "approvals": waiting_approvals(visit)}
    return render(request, "portal/home.html", context)


def matches(form: FormSummary, text: str) -> bool:
    """Whether each word of the text is somewhere in the form's name, description or category."""
    said = f"{form.name} {form.description} {form.category}".casefold()
    return all(word in said for word in text.casefold().split())


def categories_of(forms: Iterable[FormSummary], most: int) -> list[Category]:
    """By category and name, at most so many of each."""
    ordered = sorted(forms, key=lambda form: (form.category.casefold(), form.category, form.name.casefold()))
    found = []
    for name, group in groupby(ordered, key=lambda form: form.category):
        members = tuple(group)
        found.append(Category(name, members[:most], max(0, len(members) - most)))
    return found


def recent_requests(visit: Visit) -> list[dict[str, Any]]:
    """The person's last ones, under the names of their forms. Two queries."""
    own = Filters(owner=actor_key(visit.actor))
    rows = queries.list_executions(visit.organization, own, RECENT)["results"]
    ids = [row["executionId"] for row in rows]
    names = dict(Submission.objects.filter(execution__in=ids).values_list("execution", "name"))
    titles = {str(id_): name for id_, name in names.items()}
    return [
        {
            "title": titles.get(row["executionId"]) or words.workflow(row["workflowName"]),
            "status": row["status"],
            "at": datetime.fromisoformat(row["createdAt"]),
            "url": reverse("portal-request", args=[row["executionId"]]),
        }
        for row in rows
    ]


def waiting_approvals(visit: Visit) -> list[dict[str, Any]]:
    """The first few that this person may decide. One query."""
    if not visit.actor.can(APPROVE):
        return []
    rows = list_approvals(visit.organization, visit.actor, "pending", RECENT)["results"]
    return [{**row, "url": reverse("portal-approval", args=[row["approvalId"]])} for row in rows if row["canDecide"]]
