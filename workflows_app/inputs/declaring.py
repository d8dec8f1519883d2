"""Whether what a field says of itself makes sense: DeclarationError is the end of a sentence that begins with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.forms import MAX_NAME
from workflows_app.inputs import conditions
from workflows_app.inputs.judging import CHOOSING
from workflows_app.inputs.uploads import TYPE

if TYPE_CHECKING:
    from workflows_app.inputs.fields import Field

MODES = ("asked", "fixed", "hidden")
ITEMS = ("text", "number", "whole")
LONGEST_TEXT = 2_000
MOST_IN_GROUP = 30
# What would not work in rows, or would be kept in the clear: only a secret of the form itself is known as one.
_NOT_IN_GROUPS = ("group", "file", "secret")


def check(field: Field, kinds: Collection[str], before: set[str]) -> None:
    """`before`: the fields that it may refer to."""
    _check_name(field)
    if not isinstance(field.kind, str) or field.kind not in kinds:
        raise DeclarationError(f"has the unknown kind {field.kind!r:.100}; kinds are {', '.join(kinds)}")
    if field.mode not in MODES:
        raise DeclarationError(f"has the unknown mode {field.mode!r:.100}; modes are {', '.join(MODES)}")
    if field.mode != "asked" and not field.has_default:
        raise DeclarationError(f"is {field.mode} and needs the value that it always has, as its default")
    if field.kind == "secret" and field.has_default:
        raise DeclarationError("is a secret and cannot have a default, which everybody could read")
    if field.width not in ("full", "half"):
        raise DeclarationError("is neither full nor half wide")
    for name in ("required", "sent"):
        if not isinstance(getattr(field, name), bool):
            raise DeclarationError(f"has a {name} that is neither true nor false")
    check_rules(field)
    _check_references(field, before)
    _check_group(field)


def check_rules(field: Field) -> None:
    """The rules of its kind; those of its parameter's type are checked with the parameter."""
    if not isinstance(field.rules, Mapping):
        raise DeclarationError("has rules that are not an object")
    for rule, (means, words) in _RULES.get(field.kind, {}).items():
        if rule in field.rules and not means(field.rules[rule]):
            raise DeclarationError(f"has the rule {rule!r}, which must be {words}")


def _check_name(field: Field) -> None:
    name: object = field.name
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isidentifier():
        raise DeclarationError(f"needs a name of letters, digits and underscores, not {name!r:.100}")
    for part in ("label", "help", "placeholder"):
        text = getattr(field, part)
        if not isinstance(text, str) or len(text) > LONGEST_TEXT:
            raise DeclarationError(f"has a {part} that is not text of at most {LONGEST_TEXT:,} characters")


def _check_references(field: Field, before: set[str]) -> None:
    if not isinstance(field.provider, (str, type(None))) or field.provider == "":
        raise DeclarationError("has a data provider that is not a name")
    if field.kind in CHOOSING and bool(field.choices) == bool(field.provider):
        raise DeclarationError("needs either choices or a data provider")
    if (field.choices or field.provider) and field.kind not in CHOOSING:
        raise DeclarationError("has choices and is nothing to choose from")
    if not isinstance(field.inputs, Mapping) or (field.inputs and not field.provider):
        raise DeclarationError("has inputs that are not those of a data provider")
    for argument, name in field.inputs.items():
        if not isinstance(name, str) or name not in before:
            raise DeclarationError(f"takes {argument!r:.100} from {name!r:.100}, which is no field before it")
    if field.visible_when is not None:
        conditions.check(field.visible_when, before)


def check_inputs(field: Field, before: Mapping[str, Field]) -> None:
    """A data provider is asked with plain values: none that are secret, a file, or rows of several."""
    for name in field.inputs.values():
        if before[name].kind in ("secret", "file", "group", "key_value"):
            raise DeclarationError(f"takes {name!r} for its data provider, which is a {before[name].kind}")


def _check_group(field: Field) -> None:
    if bool(field.fields) != (field.kind == "group"):
        raise DeclarationError("is a group without fields" if field.kind == "group" else "has fields and is no group")
    if len(field.fields) > MOST_IN_GROUP:
        raise DeclarationError(f"is a group of more than {MOST_IN_GROUP} fields")
    for each in field.fields:
        if each.kind in _NOT_IN_GROUPS:
            raise DeclarationError(f"is a group whose {each.name!r} cannot be in one: no group, file or secret can")


def _is_true_or_false(value: Any) -> bool:
    return isinstance(value, bool)


def _is_above_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


def _are_types(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and TYPE.fullmatch(each) for each in value)


def _is_item(value: Any) -> bool:
    return isinstance(value, str) and value in ITEMS


_Rule = tuple[Callable[[Any], bool], str]
_FLAG: _Rule = (_is_true_or_false, "true or false")
# What a field's rules may say beside those of its parameter's type, and what they must be.
_RULES: Mapping[str, Mapping[str, _Rule]] = {
    "number": {"whole": _FLAG, "step": (_is_above_zero, "a number above 0")},
    "list": {"items": (_is_item, f"one of {', '.join(ITEMS)}")},
    "file": {
        "max_bytes": (_is_above_zero, "a number of bytes"),
        "types": (_are_types, 'a list such as [".pdf", "image/*"], in lower case'),
        "many": _FLAG,
    },
}
EXTRA_RULES: Mapping[str, tuple[str, ...]] = {kind: tuple(rules) for kind, rules in _RULES.items()}
