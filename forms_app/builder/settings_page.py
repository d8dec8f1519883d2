"""The settings of a form: what it is called, who may use it, which customers have it, and its public link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bifrost.sdk.errors import DeclarationError
from forms_app import public, versions
from forms_app.builder import details
from forms_app.builder.detail_forms import AboutForm, AccessForm, LinkForm, SharingForm
from forms_app.builder.drafts import Built
from forms_app.builder.pages import form_address, opened, organization_of, page_context
from forms_app.models import Form
from orgs.sites import actor_of
from orgs.staff import has_all_organizations

LINK_DAYS = 7


def settings_page(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """For those who may change forms."""
    built = opened(request, form_id)
    part = request.POST.get("part", "") if request.method == "POST" else ""
    cards = _Cards(request, built, part)
    if part and (answer := cards.saved()):
        return answer
    return TemplateResponse(request, "builder/settings.html", cards.context())


class _Cards:
    """One form for each card; `part` is the one that was sent."""

    def __init__(self, request: HttpRequest, built: Built, part: str) -> None:
        self.request, self.built, self.part = request, built, part
        self.organization, self.actor = organization_of(request), actor_of(request)
        self.now = details.details_of(self.organization, built.id)
        # A form may be shared with any customer, so it is for those alone who have them all.
        self.may_share = self.organization.is_msp and has_all_organizations(request.user)
        self.about = AboutForm(self._data("about"), instance=Form(**{name: self.now[name] for name in details.ABOUT}))
        groups = details.groups_of_members(self.organization)
        chosen = {"roles": self.now["roles"], "groups": [str(each) for each in self.now["groups"]]}
        self.access = AccessForm(groups, self._data("access"), initial=chosen)
        customers = details.customers() if self.may_share else []
        self.sharing = SharingForm(customers, self._data("sharing", "audience"), initial=self._shared())
        until = self.now["public_until"] or timezone.now() + timedelta(days=LINK_DAYS)
        link = {"until": f"{until:%Y-%m-%dT%H:%M}", "per_hour": self.now["public_per_hour"]}
        self.link = LinkForm(self._data("link"), initial=link)

    def saved(self) -> HttpResponse | None:
        """Where it leads once the part is saved; None where the page is to be shown again."""
        actions: Mapping[str, Callable[[], bool]] = {
            "about": lambda: self._changed(self.about, {}),
            "access": lambda: self._changed(self.access, {}),
            "sharing": self._share,
            "audience": lambda: False,
            "link": self._open_link,
            "end-link": self._end_link,
            "delete": self._delete,
        }
        if self.part not in actions or not actions[self.part]():
            return None
        if self.part == "delete":
            return HttpResponseRedirect(page_context(self.request, self.built, "settings")["back"])
        return HttpResponseRedirect(form_address(self.built.id, "settings"))

    def context(self) -> dict[str, Any]:
        token = public.token_of(self.organization, self.built.id)
        return {
            **page_context(self.request, self.built, "settings"),
            "now": self.now,
            "about": self.about,
            "access": self.access,
            "sharing": self.sharing,
            "is_msp": self.organization.is_msp,
            "may_share": self.may_share,
            "audience": self._audience(),
            "audience_is_saved": self.part not in ("sharing", "audience"),
            "link": self.link,
            "public_url": self._address(token) if token else "",
            "asks_to_delete": "delete" in self.request.GET,
        }

    def _data(self, *parts: str) -> Any:
        return self.request.POST if self.part in parts else None

    def _shared(self) -> dict[str, Any]:
        chosen = [str(each) for each in self.now["shared_organizations"]]
        return {**{name: self.now[name] for name in details.SHARING}, "shared_organizations": chosen}

    def _changed(self, form: forms.Form | forms.ModelForm[Form], values: Mapping[str, Any]) -> bool:
        if not form.is_valid():
            return False
        given = form.values() if isinstance(form, AccessForm | SharingForm) else form.cleaned_data
        details.change(self.organization, self.built.id, {**given, **values}, self.actor)
        messages.success(self.request, _("Saved."))
        return True

    def _share(self) -> bool:
        if not self.may_share:
            raise PermissionDenied
        return self._changed(self.sharing, {})

    def _open_link(self) -> bool:
        if not self.link.is_valid():
            return False
        until, per_hour = self.link.until_given, self.link.cleaned_data["per_hour"]
        try:
            public.open_link(self.organization, self.built.id, self.actor, until=until, per_hour=per_hour)
        except DeclarationError as refused:
            self.link.add_error(None, str(refused))
            return False
        messages.success(self.request, _("The public link is open. Links from before no longer work."))
        return True

    def _end_link(self) -> bool:
        public.end_link(self.organization, self.built.id, self.actor)
        messages.success(self.request, _("The public link is closed."))
        return True

    def _delete(self) -> bool:
        versions.delete(self.organization, self.built.id, self.actor)
        messages.success(self.request, _("The form is deleted. What was submitted with it is kept."))
        return True

    def _audience(self) -> list[tuple[str, str]]:
        """Who gets it, as the page says it now."""
        if not self.may_share:
            return []
        said = self._shared()
        if self.part in ("sharing", "audience"):
            if not self.sharing.is_valid():
                return []
            said = self.sharing.values()
        return details.audience(said["shared_all"], said["shared_tags"], said["shared_organizations"])

    def _address(self, token: str) -> str:
        return self.request.build_absolute_uri(reverse("portal-public-form", args=[token]))
