"""What is wrong with a form that is being built, each problem at the item and the setting that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.specs import WorkflowSpec
from forms_app.builder.content import Content, Item, is_field, named_in, title_of
from workflows_app.inputs.definition import MOST_ITEMS, Definition
from workflows_app.inputs.fields import CHOOSING

#: The settings that a problem may belong to, in the order in which they are suspected.
SETTINGS = ("default", "rules", "visibleWhen", "inputs", "provider", "choices", "fields", "mode", "name")


@dataclass(frozen=True)
class Trouble:
    """`item` is the number of the item, `setting` the part of it; empty where it is no one part."""

    item: int
    title: str
    message: str
    setting: str = ""


def troubles_of(content: Content) -> list[Trouble]:
    """What keeps the form from being saved, in the order of its items."""
    found: list[Trouble] = []
    before: list[str] = []
    for number, item in enumerate(content.items):
        name = str(item.get("name", ""))
        message, setting = _problem(item, before)
        if message is None and is_field(item) and name in before:
            message, setting = _("Another field has this name."), "name"
        if message is not None:
            found.append(Trouble(number, title_of(item), message, setting))
        if is_field(item):
            before.append(name)
    if len(content.items) > MOST_ITEMS:
        found.append(Trouble(MOST_ITEMS, "", _("A form has at most %d fields and texts.") % MOST_ITEMS))
    return found


def warnings_of(content: Content, workflow: WorkflowSpec | None) -> list[str]:
    """What lets the form be saved, and will stop those who fill it in."""
    if workflow is None:
        return [_("The workspace has no such workflow now, so nobody can submit this form.")]
    given = {str(item.get("name")) for item in content.items if is_field(item) and item.get("sent", True)}
    missing = [each for each in workflow.parameters if each.required and each.name not in given]
    needs = _("The workflow needs “%s”, which the form does not ask for.")
    surplus = given - {each.name for each in workflow.parameters}
    unknown = _("The workflow has no parameter “%s”. Remove the field, or choose another name.")
    return [*(needs % each.label for each in missing), *(unknown % name for name in sorted(surplus))]


def _problem(item: Item, before: list[str]) -> tuple[str | None, str]:
    message = _read(item, before)
    if message is None:
        return None, ""
    if item.get("kind") in CHOOSING and not item.get("choices") and not item.get("provider"):
        return _("Write what there is to choose from, or take a data provider."), "choices"
    without = ({word: value for word, value in item.items() if word != setting} for setting in SETTINGS)
    for setting, candidate in zip(SETTINGS, without, strict=True):
        if setting in item and _read(candidate, before) is None:
            return message, setting
    return message, "name" if not str(item.get("name", "name")).isidentifier() else ""


def _read(item: Mapping[str, Any], before: list[str]) -> str | None:
    """What `Definition.read` has against an item behind these fields. Of them it sees those that the item names."""
    wanted = [{"name": name} for name in dict.fromkeys(named_in(item)) if name in before and name.isidentifier()]
    try:
        Definition.read([*wanted, item])
    except DeclarationError as error:
        name = str(item.get("name") or item.get("title") or len(wanted) + 1)
        message = str(error).removeprefix(f'The item "{name}" ')
        # A duplicate among what was only put there for its sake is told by the caller.
        return None if item.get("name") in {each["name"] for each in wanted} else message[:1].upper() + message[1:]
    return None
