"""The organization's people, for those among them who manage them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from forms_app.portal import letters, words
from forms_app.portal.forms import InviteForm
from forms_app.portal.visits import Visit, manages_members, page
from orgs import directory, invitations, members
from orgs.errors import Refused

LONGEST_SEARCH = 100


@require_safe
@page(manages_members)
def show_members(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    number = request.GET.get("page", "1")
    page_number = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
    context = {
        "listed": members.list_members(visit.organization, text, page_number),
        "invitations": invitations.list_invitations(visit.organization),
        "text": text,
        "own_id": visit.user.id,
    }
    return render(request, "portal/members.html", context)


@page(manages_members)
def show_member(request: HttpRequest, visit: Visit, membership: UUID) -> HttpResponseBase:
    """GET shows one, POST changes the role."""
    if request.method == "POST":
        return _done(
            request,
            lambda: members.change_role(visit.organization, membership, request.POST.get("role", ""), visit.actor),
            _("The role is changed."),
        )
    found = members.member(visit.organization, membership)
    if found is None:
        raise Http404
    roles = members.roles_to_give(visit.organization, visit.actor)
    fixed = found.user_id == visit.user.id or found.role not in roles
    context = {
        "member": found,
        "fixed": fixed,
        "roles": [(role, words.role_with_meaning(role)) for role in roles],
    }
    return render(request, "portal/member.html", context)


@require_POST
@page(manages_members)
def remove_member(request: HttpRequest, visit: Visit, membership: UUID) -> HttpResponse:
    return _done(
        request,
        lambda: members.remove(visit.organization, membership, visit.actor),
        _("The person is no member any more."),
    )


@page(manages_members)
def invite(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """GET asks for an address, POST writes to it. Where no e-mail is sent, the page shows the link instead."""
    roles = members.roles_to_give(visit.organization, visit.actor)
    form = InviteForm(request.POST or None, roles=roles, initial={"role": "requester"})
    if request.method == "POST" and form.is_valid():
        email, role = form.cleaned_data["email"].strip().lower(), form.cleaned_data["role"]
        try:
            secret = invitations.invite(visit.organization, email, role, visit.actor)
        except Refused as refused:
            form.add_error("email", str(refused))
        else:
            return _sent(request, visit, email, request.build_absolute_uri(reverse("portal-join", args=[secret])))
    return render(request, "portal/invite.html", {"form": form})


def _sent(request: HttpRequest, visit: Visit, email: str, link: str) -> HttpResponseBase:
    if not letters.can_send():
        return render(request, "portal/invited.html", {"email": email, "link": link})
    name = directory.branding_of(visit.organization.id).name or visit.organization.name
    days = invitations.VALID_FOR.days
    context = {"organization": name, "by": visit.actor.name, "link": link, "days": days}
    letters.send(email, _("Your access to %(name)s") % {"name": name}, "portal/letters/invitation.txt", context)
    messages.success(request, _("An invitation goes to %(email)s.") % {"email": email})
    return HttpResponseRedirect(reverse("portal-members"))


@require_POST
@page(manages_members)
def withdraw(request: HttpRequest, visit: Visit, invitation: UUID) -> HttpResponse:
    invitations.withdraw(visit.organization, invitation, visit.actor)
    messages.success(request, _("The invitation is withdrawn."))
    return HttpResponseRedirect(reverse("portal-members"))


def _done(request: HttpRequest, change: Callable[[], None], said: str) -> HttpResponse:
    """Makes the change, and says on the list of members how it went."""
    try:
        change()
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)
    return HttpResponseRedirect(reverse("portal-members"))
