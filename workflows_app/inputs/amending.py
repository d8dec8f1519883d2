"""Values that are there, on a page that changes them: the input of a run before it is approved, what a schedule gives.

What the page did not touch is as it was: redacted values, and values that its inputs show less exactly than they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from orgs.records import Actor, OrganizationRecord
from workflows_app.inputs.changing import changes, with_added, without_removed
from workflows_app.inputs.conditions import is_empty, same
from workflows_app.inputs.definition import Definition, value_of
from workflows_app.inputs.fields import Choice, Field
from workflows_app.inputs.fitting import Labels, fitted, label_of
from workflows_app.inputs.keeping import files_of
from workflows_app.inputs.naming import option_text
from workflows_app.inputs.offering import Offer, offer, offers
from workflows_app.inputs.reading import read
from workflows_app.inputs.rendering import Asked
from workflows_app.inputs.untouched import as_sent

Uploads: TypeAlias = "MultiValueDict[str, UploadedFile[Any]]"
NOT_GIVEN: Labels = {}


@dataclass(frozen=True)
class Changed:
    """What a page says. `values`: what was changed; `left_out`: what was emptied, or is not asked any more by what was
    changed; `asked`: the page again, with what is wrong."""

    values: Mapping[str, JSON]
    left_out: frozenset[str]
    asked: Asked

    @property
    def touched(self) -> frozenset[str]:
        return self.left_out.union(self.values)

    @property
    def wrong(self) -> bool:
        return bool(self.asked.problems)


@dataclass(frozen=True)
class Page:
    """Whose page it is. `options_url`: as of `Asked`; without it all options are there at once."""

    organization: OrganizationRecord
    actor: Actor
    zone: ZoneInfo
    options_url: str = ""


@dataclass(frozen=True)
class Changes:
    """`values`: as they are shown, redacted, by the names that are known of them. `definition` may ask for more, and
    less. `labels`: of options that were chosen."""

    page: Page
    given: Definition
    values: Mapping[str, JSON]
    known: frozenset[str]
    labels: Labels = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        page: Page,
        definition: Definition,
        values: Mapping[str, JSON],
        known: Sequence[str],
        labels: Labels = NOT_GIVEN,
    ) -> Changes:
        """`known`: the fields whose values are there to be changed; what else the definition asks is left away."""
        sent = {each.name for each in definition.fields if each.sent}
        return cls(page, definition, values, frozenset(known) & sent, labels)

    @cached_property
    def definition(self) -> Definition:
        return fitted(self.given, self.values, self.known, self.labels)

    @cached_property
    def shown(self) -> dict[str, JSON]:
        """The values that the page begins with: no secrets."""
        secret = {each.name for each in self.definition.fields if each.kind == "secret"}
        return {name: value for name, value in self.values.items() if name in self.known - secret}

    def begin(self) -> Asked:
        asked = self._asked(self.shown)
        return asked if self.page.options_url else self._with_offers(asked)

    def again(self, data: QueryDict, uploads: Uploads | None = None) -> Asked | None:
        """The page as a button on it has changed it; None where none of these was pressed."""
        if not changes(data):
            return None
        values, _problems = self._read(without_removed(data), uploads)
        return self._with_offers(self._asked({**self.shown, **with_added(self.definition, values, data)}))

    def read(self, data: QueryDict, uploads: Uploads | None = None) -> Changed:
        given, problems = self._read(data, uploads)
        before, _unread = self._read(as_sent(self._asked(self.shown)))
        values = {**self.shown, **given}
        found: dict[str, JSON] = {}
        left_out = self._not_asked_any_more(values)
        for each in self.definition.visible(values):
            if not isinstance(each, Field) or each.name not in given or _is_as_before(each, given, before):
                continue
            wrong = _check(each, given[each.name], found)
            known = {place for place, _problem in problems}
            problems += [problem for problem in wrong if problem[0] not in known]
            if not wrong and each.name not in found:
                left_out.add(each.name)
        asked = self._asked(values)
        if problems:
            asked = self._with_offers(replace(asked, problems=tuple(problems)))
        return Changed(found, frozenset(left_out), asked)

    def refused(self, asked: Asked, invalid: ValidationError) -> Asked:
        """The page again, with what is wrong beside its fields."""
        return self.told(asked, problems_of(invalid, within="values"))

    def told(self, asked: Asked, problems: Sequence[tuple[str, str]]) -> Asked:
        """The page again, with these problems."""
        return self._with_offers(replace(asked, problems=tuple(problems)))

    def offer(self, definition: Definition, asked: Field, values: Mapping[str, JSON], refresh: bool) -> Offer:
        """The options of one field for these values, as the page gets them later."""
        made = offer(self.page.organization, definition, asked, values, refresh=refresh)
        return self._kept(asked, values, made) if definition is self.definition else made

    def _read(self, data: QueryDict, uploads: Uploads | None = None) -> tuple[dict[str, JSON], list[tuple[str, str]]]:
        keeping = files_of(self.page.organization, self.page.actor)
        return read(self.definition, data, uploads, zone=self.page.zone, keeping=keeping)

    def _asked(self, values: Mapping[str, JSON]) -> Asked:
        token = files_of(self.page.organization, self.page.actor).token
        return Asked(self.definition, values, options_url=self.page.options_url, zone=self.page.zone, token=token)

    def _with_offers(self, asked: Asked) -> Asked:
        found = offers(self.page.organization, self.definition, asked.values)
        by_name = {each.name: each for each in self.definition.fields}
        kept = {
            place: self._kept(by_name[place], asked.values, made) if place in by_name else made
            for place, made in found.items()
        }
        return replace(asked, offers=kept)

    def _kept(self, asked: Field, values: Mapping[str, JSON], made: Offer) -> Offer:
        """With what was asked for, though it is offered no more; not where what it hangs on was changed."""
        value = self.shown.get(asked.name)
        hangs_on = (self.definition.field(name) for name in asked.inputs.values())
        if made.first or not all(same(value_of(each, values), value_of(each, self.shown)) for each in hangs_on):
            return made
        offered = [choice.value for choice in made.options]
        chosen = [each for each in (value if isinstance(value, list) else [value]) if not is_empty(each)]
        labels = self.labels.get(asked.name, {})
        missing = (each for each in chosen if not any(same(each, known) for known in offered))
        more = tuple(Choice(each, labels.get(option_text(each)) or label_of(each)) for each in missing)
        return replace(made, options=(*made.options, *more))

    def _not_asked_any_more(self, values: Mapping[str, JSON]) -> set[str]:
        """The fields that were part of the form, and are no longer where these are its values."""
        before, now = (
            {each.name for each in self.definition.visible(of) if isinstance(each, Field)}
            for of in (self.shown, values)
        )
        return {name for name in before - now if not is_empty(self.values.get(name))}


def problems_of(invalid: ValidationError, within: str = "") -> list[tuple[str, str]]:
    """What is wrong, by the places of the fields. `within`: what they are parts of where this was refused."""
    errors = invalid.details.get("errors") or [{"field": invalid.field, "message": invalid.message}]
    said = ((str(each["field"] or ""), str(each["message"])) for each in errors)
    return [("" if within and place == within else place.removeprefix(f"{within}."), word) for place, word in said]


def _is_as_before(asked: Field, given: Mapping[str, JSON], before: Mapping[str, JSON]) -> bool:
    """What the page did not show until now was not there before."""
    return asked.name in before and same(given[asked.name], before[asked.name])


def _check(asked: Field, value: JSON, found: dict[str, JSON]) -> list[tuple[str, str]]:
    """What is wrong with a changed value; where nothing is and it is not empty, it goes into `found`."""
    alone = Definition((replace(asked, visible_when=None),))
    try:
        checked = alone.sent(alone.validate({asked.name: value}))
    except ValidationError as invalid:
        return [(str(each["field"] or ""), str(each["message"])) for each in invalid.details["errors"]]
    # 7 is 7.0 to a field that takes any number, and not to a workflow that takes whole ones.
    found |= {name: value if same(value, sent) else sent for name, sent in checked.items()}
    return []
