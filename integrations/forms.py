"""How a person writes a config."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.sanitizing import is_secret_key
from integrations.config_values import check_key, parse, written
from integrations.models import Config


def is_hidden(config: Config) -> bool:
    """Whether the value is not shown: its key says that it is a secret, and it does not merely name one."""
    return is_secret_key(config.key) and config.type != Config.Type.SECRET


class ConfigForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    text = forms.CharField(
        label="Value",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget,
        help_text="For the type secret, the name of a secret in the vault; never the secret itself.",
    )

    class Meta:
        model = Config
        fields: ClassVar = ["key", "tag", "type"]
        help_texts: ClassVar = {"tag": "Only for organizations that carry this tag. Empty: for all."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept = self.instance.value if not self.instance._state.adding and is_hidden(self.instance) else None
        if self.kept is not None:
            self.fields["text"].help_text = "The value is not shown. Leave this empty to keep it."
        elif not self.instance._state.adding:
            self.fields["text"].initial = written(self.instance.value, self.instance.type)

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"])
        try:
            check_key(key)
        except ValidationError as error:
            raise forms.ValidationError(error.message) from None
        return key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        same = Config.objects.filter(key=cleaned.get("key"), tag=cleaned.get("tag", ""))
        if self.instance._state.adding and same.exists():
            self.add_error("key", "A config of this key already exists.")
        try:
            cleaned["value"] = self._value(cleaned)
        except ValidationError as error:
            self.add_error("type" if error.field == "type" else "text", error.message)
        return cleaned

    def _value(self, cleaned: dict[str, Any]) -> Any:
        kept = self.kept is not None and not cleaned.get("text") and cleaned.get("type") == self.initial["type"]
        # A browser sends line ends as CRLF.
        return self.kept if kept else parse(cleaned.get("text", "").replace("\r\n", "\n"), cleaned.get("type", ""))
