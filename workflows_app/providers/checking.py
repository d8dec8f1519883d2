"""Whether what somebody chose is among the options that the data provider offers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.fields import Fields
from bifrost.sdk.specs import WorkflowSpec
from bifrost.sdk.tolerant import JSON
from orgs.records import OrganizationRecord
from workflows_app import catalog
from workflows_app.errors import ProviderFailed, UnknownDataProvider
from workflows_app.inputs.definition import invalid
from workflows_app.inputs.naming import option_text
from workflows_app.providers import asking
from workflows_app.providers.asking import Pending
from workflows_app.providers.options import Options, identity

NOT_AMONG = "is not among the options"
# Other processes may have newer options than this one keeps: before a value is refused, they are asked for anew.
FRESH = timedelta(seconds=2)

Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen in a field whose options a provider gives for these values of others. `value`: one, or a list of
    several."""

    field: str
    provider: str
    inputs: Mapping[str, JSON]
    value: JSON

    def asked(self) -> Hashable:
        """What is the same where the same value is looked for among the same options."""
        inputs = {name: value for name, value in self.inputs.items() if value is not None}
        return self.provider, identity(inputs), identity(self.value)


def check_options(organization: OrganizationRecord, chosen: Iterable[Chosen]) -> dict[str, dict[str, str]]:
    """The labels of what was chosen: of each field, by the value as `option_text` writes it.

    Raises ValidationError with one entry for each bad field; ProviderFailed where that cannot be known.
    """
    problems, labels = _checked(organization, list(chosen))
    if problems:
        raise invalid(problems)
    return labels


def check_parameters(
    organization: OrganizationRecord,
    spec: WorkflowSpec,
    values: Mapping[str, JSON],
    *,
    touched: Set[str] | None = None,
    found: Iterable[Chosen] = (),
) -> None:
    """The same for a workflow's own parameters and their valid values. `touched`: only for these, and for those whose
    options depend on one of these.

    Not looked at: a value that the author gives as the default, and a parameter that is free text, since its provider
    does not exist or depends on what is no parameter. Nor what the caller has `found` among the same options just now.
    """
    known = {each.asked() for each in found}
    chosen = [each for each in _chosen(spec, values, touched) if each.asked() not in known]
    problems, _labels = _checked(organization, chosen)
    if problems:
        raise Fields(())._invalid(problems)


def _chosen(spec: WorkflowSpec, values: Mapping[str, JSON], touched: Set[str] | None) -> Iterable[Chosen]:
    providers = catalog.current().data_providers
    names = [parameter.name for parameter in spec.parameters]
    for parameter in spec.parameters:
        name, value = parameter.data_provider, values.get(parameter.name)
        if name is None or name not in providers or (parameter.default is not MISSING and value == parameter.default):
            continue
        asked = providers[name].spec
        if asked.not_given(names) or not (touched is None or touched & {parameter.name, *asked.depends_on}):
            continue
        inputs = {each: values[each] for each in asked.depends_on if each in values}
        yield Chosen(parameter.name, name, inputs, value)


def _checked(
    organization: OrganizationRecord, chosen: Sequence[Chosen]
) -> tuple[list[Problem], dict[str, dict[str, str]]]:
    """What is wrong, and the labels of what is not. All providers are asked at once."""
    begun = [(each, _begun(organization, each)) for each in chosen if each.value not in (None, "", [])]
    answered = [(each, found if isinstance(found, str) else found.result()) for each, found in begun]
    doubtful = [each for each, found in answered if not isinstance(found, str) and _is_doubtful(found, each)]
    again = {id(each): _begun(organization, each, refresh=True) for each in doubtful}
    problems: list[Problem] = []
    labels: dict[str, dict[str, str]] = {}
    for each, found in answered:
        newer = again.get(id(each), found)
        newest = newer.result() if isinstance(newer, Pending) else newer
        if isinstance(newest, str):
            problems.append((each.field, newest))
        elif not _is_among(newest, each.value):
            problems.append((each.field, NOT_AMONG))
        else:
            labels[each.field] = _labels(newest, each.value)
    return problems, labels


def _labels(found: Options, value: JSON) -> dict[str, str]:
    wanted = {identity(each) for each in (value, *(value if isinstance(value, list) else ()))}
    return {option_text(each.value): each.label for each in found.options if identity(each.value) in wanted}


def _begun(organization: OrganizationRecord, chosen: Chosen, *, refresh: bool = False) -> Pending | str:
    """Its options, on their way; or why there are none for these values."""
    try:
        return asking.begin(organization, chosen.provider, chosen.inputs, refresh=refresh)
    except UnknownDataProvider as unknown:
        said = asking.failed(chosen.provider, "there is no such data provider.")
        raise ProviderFailed(said.message, chosen.provider, unknown.message) from None
    except ValidationError as error:
        return f"has no options for these values. {error.message}"


def _is_doubtful(found: Options, chosen: Chosen) -> bool:
    old = found.cached and timezone.now() - found.computed_at > FRESH
    return old and not _is_among(found, chosen.value)


def _is_among(found: Options, value: JSON) -> bool:
    known = found.identities()
    if identity(value) in known:
        return True
    return isinstance(value, list) and all(identity(each) in known for each in value)
