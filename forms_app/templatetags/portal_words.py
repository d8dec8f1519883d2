"""Words for people, in templates."""

from __future__ import annotations

from django import template

from forms_app.portal import words

register = template.Library()
register.filter("role_word", words.role)
register.filter("permission_word", words.permission)
register.filter("workflow_words", words.workflow)


@register.filter
def status_word(name: str) -> str:
    return words.status(name)[0]


@register.filter
def status_badge(name: str) -> str:
    """The class of the badge that a status is shown in."""
    return f"badge-{words.status(name)[1]}"
