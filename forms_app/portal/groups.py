"""Groups of members, for those who manage members."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from forms_app.portal.forms import GroupForm, NewGroupForm
from forms_app.portal.visits import Visit, manages_members, page
from orgs import groups
from orgs.errors import Refused
from orgs.members import everybody


@page(manages_members)
def show_groups(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """GET lists them, POST makes one and leads to it."""
    form = NewGroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = groups.create_group(visit.organization, form.cleaned_data["name"], visit.actor)
            return HttpResponseRedirect(reverse("portal-group", args=[made]))
        except Refused as refused:
            form.add_error("name", str(refused))
    return render(request, "portal/groups.html", {"form": form, "groups": groups.list_groups(visit.organization)})


@page(manages_members)
def show_group(request: HttpRequest, visit: Visit, group: UUID) -> HttpResponseBase:
    """GET shows who is in it, POST saves that."""
    found = groups.group_with_members(visit.organization, group)
    if found is None:
        raise Http404
    known, inside = found
    choices = [(str(each.id), each.name or each.email) for each in everybody(visit.organization)]
    initial = {"name": known.name, "members": [str(each) for each in inside]}
    form = GroupForm(request.POST or None, members=choices, initial=initial)
    if request.method == "POST" and form.is_valid() and _saved(form, visit, group):
        messages.success(request, _("The group is saved."))
        return HttpResponseRedirect(reverse("portal-groups"))
    return render(request, "portal/group.html", {"form": form, "group": known})


@require_POST
@page(manages_members)
def delete_group(request: HttpRequest, visit: Visit, group: UUID) -> HttpResponse:
    try:
        groups.delete_group(visit.organization, group, visit.actor)
    except Refused:
        raise Http404 from None
    messages.success(
        request, _("The group is deleted. Forms that named it alone let nobody in until they are changed.")
    )
    return HttpResponseRedirect(reverse("portal-groups"))


def _saved(form: GroupForm, visit: Visit, group: UUID) -> bool:
    chosen = [UUID(each) for each in form.cleaned_data["members"]]
    try:
        groups.change_group(visit.organization, group, form.cleaned_data["name"], chosen, visit.actor)
    except Refused as refused:
        form.add_error("name", str(refused))
        return False
    return True
