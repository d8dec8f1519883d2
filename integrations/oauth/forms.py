"""How a person writes a connection. The client secret is typed here and shown nowhere."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from bifrost.sdk.errors import ValidationError
from integrations.oauth.connections import check
from integrations.oauth.models import Connection
from integrations.oauth.providers import PROVIDERS, Provider
from integrations.oauth.records import TENANT
from integrations.oauth.words import Grant
from orgs.records import OrganizationRecord

SECRET_KEPT = "The vault has one. Leave this empty to keep it."
SECRET_NEW = "It goes to the vault and is never shown again."


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Of the preset that the page is about. Its addresses follow from one, where the provider has them so."""

    organization: ClassVar[OrganizationRecord]  # of a subclass that the page makes for itself
    provider: ClassVar[Provider]

    base = forms.CharField(required=False, max_length=300, widget=UnfoldAdminTextInputWidget)
    secret = forms.CharField(
        label="Client secret",
        required=False,
        strip=True,
        max_length=10_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    more = forms.CharField(
        label="Further parameters",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text='A JSON object, sent with each request, such as {"audience": "https://api.example.com"}; or one each '
        'for "authorize" and "token".',
    )

    class Meta:
        model = Connection
        fields: ClassVar = [
            "name",
            "grant",
            "client_id",
            "client_authentication",
            "authorize_url",
            "token_url",
            "scopes",
            "shared",
        ]
        widgets: ClassVar = {"shared": UnfoldBooleanSwitchWidget}
        labels: ClassVar = {
            "grant": "Who signs in",
            "client_id": "Client id",
            "client_authentication": "How the client secret is sent",
            "authorize_url": "Address of the sign-in page",
            "token_url": "Address that gives tokens",
            "shared": "Customers may use it",
        }
        help_texts: ClassVar = {
            "name": "Workflows ask for it by this name, whatever its case.",
            "scopes": "Separated by spaces.",
            "shared": "Each customer's runs get access tokens by it, and nothing else.",
            "authorize_url": f"{TENANT} stands for the Microsoft tenant of whoever uses it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_new:
            self._fill_in()
        elif self.instance.extra:
            self.fields["more"].initial = json.dumps(self.instance.extra, indent=2)
        if not (self.is_new and self.provider.asks_for_base):
            self.fields.pop("base", None)
        self.fields["secret"].help_text = SECRET_KEPT if self.instance.has_secret else SECRET_NEW
        offered: Any = self.fields["grant"]
        offered.choices = [choice for choice in Grant.choices if choice[0] in self.provider.grants]

    @property
    def is_new(self) -> bool:
        return bool(self.instance._state.adding)

    def _fill_in(self) -> None:
        provider = self.provider
        self.fields["name"].initial = provider.label.partition(" (")[0] if provider.asks_for_base else ""
        self.fields["scopes"].initial = provider.scopes
        self.fields["grant"].initial = provider.grants[0]
        if provider.asks_for_base:
            base = self.fields["base"]
            base.label, base.initial, base.required = provider.base_label, provider.base, True
        else:
            self.fields["client_authentication"].initial = provider.client_authentication

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned["extra"] = self._extra(cleaned.get("more", ""))
        if self.is_new and self.provider.asks_for_base:
            addresses = self.provider.addresses(cleaned.get("base", "").strip())
            cleaned["authorize_url"], cleaned["token_url"] = addresses
            cleaned["client_authentication"] = self.provider.client_authentication
        cleaned["provider"] = self.provider.key
        if not self.errors:
            self._check(cleaned)
        return cleaned

    def _extra(self, text: str) -> dict[str, Any]:
        try:
            extra = json.loads(text or "{}")
        except ValueError:
            extra = None
        if not isinstance(extra, dict):
            self.add_error("more", "This is not a JSON object.")
            return {}
        return extra

    def _check(self, cleaned: dict[str, Any]) -> None:
        before = self.initial.get("token_url")
        row = Connection(**{name: value for name, value in cleaned.items() if name not in {"base", "secret", "more"}})
        row.has_secret = self.instance.has_secret
        kept = row.has_secret and cleaned["token_url"] == before
        try:
            check(self.organization, row, cleaned.get("secret", ""), kept=kept)
        except ValidationError as error:
            self.add_error(self._field(error.field), error.message)

    def _field(self, name: str | None) -> str | None:
        if name in self.fields:
            return name
        return "base" if name in {"authorize_url", "token_url"} and "base" in self.fields else None


def provider_of(key: str) -> Provider:
    return PROVIDERS.get(key, PROVIDERS["generic"])
