"""The chosen item with the settings that a person sent for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.specs import WorkflowSpec
from forms_app.builder import inner, kinds, values, when
from forms_app.builder.content import Content, Item, free_name, is_field
from forms_app.builder.controls import Typed
from workflows_app.inputs.fields import CHOOSING, TICKED

_TEXTS = ("label", "help", "placeholder")
_LENGTHS = ("min_length", "max_length")
MEGABYTE = 1_000_000
MOST_MEGABYTES = 1_000


def item_from(
    content: Content,
    number: int,
    typed: Typed,
    workflow: WorkflowSpec | None,
    arguments: Mapping[str, tuple[str, ...]],
    *,
    without: Mapping[str, int] | None = None,
) -> Item:
    """The item anew. What could not be read stays as it was, and `typed.problems` say why.

    `arguments`: those of each data provider. `without`: rows of "when" or "inner" that are to go.
    """
    item = dict(content.items[number])
    known = content.fields_before(number)
    rows = without or {}
    if is_field(item):
        _read_words(item, content, number, typed, workflow)
        # What was sent besides another kind belongs to the former one.
        if item.get("kind") == content.items[number].get("kind"):
            _read_choices(item, known, typed, workflow, arguments)
            _read_rules(item, typed)
            _read_default(item, typed)
            inner.read(item, typed, rows.get("inner"))
    else:
        for word in ("title", "text"):
            if word in typed:
                _set(item, word, typed[word].replace("\r\n", "\n").strip())
    _set(item, "visibleWhen", when.read(item, known, typed, rows.get("when")))
    return item


def end_from(content: Content, typed: Typed) -> Content:
    """The content with what is said at the end of the form."""
    label = typed["submit_label"].strip()[:60] if "submit_label" in typed else content.submit_label
    thanks = typed["confirmation"].replace("\r\n", "\n").strip() if "confirmation" in typed else content.confirmation
    return Content(content.items, label, thanks)


def parameter_type(item: Item, workflow: WorkflowSpec | None) -> str | None:
    """The type of the workflow's parameter that this field gives; None where it gives none."""
    found = (each.type for each in (workflow.parameters if workflow else ()) if each.name == item.get("name"))
    return next(found, None)


def _set(item: Item, word: str, value: Any) -> None:
    """What is empty is not said."""
    if value in (None, "", [], {}):
        item.pop(word, None)
    else:
        item[word] = value


def _read_words(item: Item, content: Content, number: int, typed: Typed, workflow: WorkflowSpec | None) -> None:
    named = typed["name"].strip() if "name" in typed else item.get("name", "")
    if "label" in typed and typed["label"].strip() != item.get("label") and str(named).startswith("field_"):
        # It was never named: it is called as its label says.
        others = [name for name in content.names() if name != item.get("name")]
        named = free_name(typed["label"], others) if named == item.get("name") else named
    if parameter_type(item, workflow) is None and "name" in typed:
        item["name"] = named
        item["sent"] = workflow is not None and named in {each.name for each in workflow.parameters}
        if item["sent"]:
            del item["sent"]
    for word in _TEXTS:
        if word in typed:
            _set(item, word, typed[word].replace("\r\n", "\n").strip())
    if "required" in typed:
        _set(item, "required", typed.ticked("required") or None)
    for word, usual in (("mode", "asked"), ("width", "full")):
        if word in typed:
            _set(item, word, typed[word] if typed[word] != usual else None)
    if "kind" in typed and typed["kind"] != item.get("kind", "text"):
        _become(item, typed["kind"])


def _become(item: Item, kind: str) -> None:
    """Another kind, without what that kind cannot have."""
    item["kind"] = kind
    _set(item, "rules", kinds.allowed_rules(kind, item.get("rules") or {}))
    if kind not in CHOOSING:
        for word in ("choices", "provider", "inputs"):
            item.pop(word, None)
    if kind == "group":
        item.setdefault("fields", [{"type": "field", "name": "value", "kind": "text", "label": _("Value")}])
    else:
        item.pop("fields", None)
    if kind in kinds.WITHOUT_DEFAULT:
        item.pop("mode", None)
    if kind in kinds.WITHOUT_DEFAULT or isinstance(item.get("default"), (list, dict, bool)):
        item.pop("default", None)


def _read_choices(
    item: Item,
    known: Mapping[str, Item],
    typed: Typed,
    workflow: WorkflowSpec | None,
    arguments: Mapping[str, tuple[str, ...]],
) -> None:
    if "provider" in typed and item.get("kind") in CHOOSING:
        before = item.get("provider") or ""
        _set(item, "provider", typed["provider"])
        if typed["provider"]:
            item.pop("choices", None)
        if typed["provider"] != before:
            takes = arguments.get(typed["provider"], ())
            _set(item, "inputs", {name: name for name in takes if name in known})
            return
    if any(f"input.{name}" in typed for name in arguments.get(item.get("provider") or "", ())):
        asked = arguments[item["provider"]]
        _set(item, "inputs", {name: typed[f"input.{name}"] for name in asked if typed[f"input.{name}"]})
    if "choices" in typed and not item.get("provider"):
        numbers = parameter_type(item, workflow) in ("int", "float")
        try:
            _set(item, "choices", values.choices_from(typed["choices"], item, numbers))
        except ValueError as error:
            typed.problems["choices"] = str(error)


def _read_rules(item: Item, typed: Typed) -> None:
    rules = dict(item.get("rules") or {})
    for rule in kinds.rules_of(str(item.get("kind", "text"))):
        if (name := f"rule.{rule}") not in typed:
            continue
        try:
            _set(rules, rule, _rule(rule, str(item.get("kind")), typed))
        except ValueError as error:
            typed.problems[name] = str(error)
    _set(item, "rules", rules)


def _rule(rule: str, kind: str, typed: Typed) -> Any:
    text = typed[f"rule.{rule}"].strip()
    if rule in ("whole", "many"):
        return typed.ticked(f"rule.{rule}") or None
    if rule == "types":
        return [each.strip() for each in text.split(",") if each.strip()]
    if not text or rule == "pattern" or kind in ("date", "datetime"):
        return text
    found = values.number(text)
    if rule == "max_bytes":
        if not 0 < found <= MOST_MEGABYTES:
            raise ValueError(_("Write a number between 0 and %d.") % MOST_MEGABYTES)
        return int(found * MEGABYTE)
    if rule in _LENGTHS and not isinstance(found, int):
        raise ValueError(_("Write a whole number."))
    return found


def _read_default(item: Item, typed: Typed) -> None:
    if "default" not in typed:
        return
    try:
        default = values.default_from(item, typed["default"])
    except ValueError as error:
        typed.problems["default"] = str(error)
        return
    # A box that is not ticked needs no word, unless nobody can tick it.
    if default is MISSING or (default is False and item.get("kind") in TICKED and item.get("mode") is None):
        item.pop("default", None)
    else:
        item["default"] = default
