"""What the portal's own pages ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from forms_app.portal import words
from orgs.entering import is_open, may_enter
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.signing_in import ThrottledSignIn

LOGO_FILES = ("png", "jpg", "jpeg", "webp", "gif")
NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})
DAYS = ((30, _("30 days")), (90, _("90 days")), (365, _("one year")), (0, _("never")))

EMAILS = (
    (User.RequestEmails.NEEDED, _("When one is decided, did not work, or took longer than a minute")),
    (User.RequestEmails.FAILED, _("When one is decided or did not work")),
    (User.RequestEmails.NEVER, _("Never")),
)


class SignInForm(ThrottledSignIn):
    """For the organization's own people and the staff that it is in the scope of; others learn nothing."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("The e-mail address or the password is wrong, or the account has no access here."),
        "closed": _("This portal is closed at present. Ask your provider."),
    }

    def __init__(self, *args: Any, organization: OrganizationRecord | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget.input_type = "email"
        self.fields["password"].label = _("Password")

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        allowed = self.organization is not None and isinstance(user, User) and may_enter(user, self.organization)
        if not allowed:
            raise self.get_invalid_login_error()
        if self.organization and not is_open(self.organization):
            raise ValidationError(self.error_messages["closed"], "closed")


class JoinWithAccountForm(ThrottledSignIn):
    """Of the owner of the invited account, who is a member of another organization and gives its password."""

    error_messages = {**AuthenticationForm.error_messages, "invalid_login": _("The password is wrong.")}

    def __init__(self, request: HttpRequest, email: str) -> None:
        given = {"username": email, "password": request.POST.get("password", "")}
        super().__init__(request, data=given if request.method == "POST" else None)
        self.fields["username"].widget = forms.HiddenInput()


class JoinForm(forms.Form):
    """Of somebody who has no account yet."""

    name = forms.CharField(label=_("Your name"), max_length=200, widget=forms.TextInput({"autocomplete": "name"}))
    password = forms.CharField(label=_("A password"), strip=False, max_length=1000, widget=NEW_PASSWORD)
    again = forms.CharField(label=_("The password again"), strip=False, max_length=1000, widget=NEW_PASSWORD)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("password") and values.get("again") and values["password"] != values["again"]:
            self.add_error("again", _("The two passwords differ."))
        return values


class ResetForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput({"autocomplete": "username"})
    )


class ProfileForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput({"autocomplete": "name"}))
    timezone = forms.ChoiceField(label=_("Time zone"), required=False, help_text=_("In which times are shown to you."))
    request_emails = forms.ChoiceField(
        label=_("E-mails about your requests"),
        required=False,
        choices=EMAILS,
        help_text=_(
            "Notices are in the portal in any case. When somebody needs your approval, an e-mail tells you of it too."
        ),
    )

    def __init__(self, *args: Any, organization: OrganizationRecord, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = _("The organization's (%(zone)s)") % {"zone": organization.timezone}
        zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
        _offer(self, "timezone", [("", usual), *((zone, zone.replace("_", " ")) for zone in zones)])


class TokenForm(forms.Form):
    name = forms.CharField(label=_("What it is for"), max_length=100)
    permissions = forms.MultipleChoiceField(
        label=_("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A token never does more than you may do at the time."),
    )
    days = forms.TypedChoiceField(label=_("It ends after"), choices=DAYS, coerce=int, initial=90)

    def __init__(self, *args: Any, permissions: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "permissions", [(each, words.permission(each)) for each in permissions])

    @property
    def expires_at(self) -> datetime | None:
        days: int = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, roles: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "role", [(role, words.role_with_meaning(role)) for role in roles])


class NewGroupForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)


class GroupForm(NewGroupForm):
    members = forms.MultipleChoiceField(
        label=_("Members"), required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )

    def __init__(self, *args: Any, members: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "members", list(members))


class BrandingForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the portal"),
        required=False,
        max_length=80,
        help_text=_("Left empty, it is the organization's name."),
    )
    own_colour = forms.BooleanField(label=_("Use a colour of our own"), required=False)
    colour = forms.RegexField(
        label=_("Colour"),
        regex=r"\A#[0-9a-fA-F]{6}\Z",
        widget=forms.TextInput({"type": "color"}),
        help_text=_("Of links and buttons. Where it would be hard to read, a darker or lighter shade is taken."),
        error_messages={"invalid": _("A colour is written like #1d5fbf.")},
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        widget=forms.FileInput({"accept": ".png,.jpg,.jpeg,.webp,.gif"}),
        validators=[FileExtensionValidator(LOGO_FILES)],
        help_text=_("PNG, JPEG, WebP or GIF, at most 500 kB. It is shown 32 pixels high."),
    )
    without_logo = forms.BooleanField(label=_("Remove the logo"), required=False)

    def clean_colour(self) -> str:
        return str(self.cleaned_data["colour"]).lower()


def _offer(form: forms.Form, field: str, choices: Iterable[tuple[str, str | Promise]]) -> None:
    """What can be chosen in the field."""
    cast(forms.ChoiceField, form.fields[field]).choices = list(choices)
