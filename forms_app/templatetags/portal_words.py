"""Words for people, in templates."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.formats import date_format, time_format

from forms_app.portal import words

register = template.Library()
register.filter("role_word", words.role)
register.filter("permission_word", words.permission)
register.filter("workflow_words", words.workflow)


@register.filter(expects_localtime=True)
def moment(value: datetime) -> str:
    """A day and a time to the minute, in the time zone that holds."""
    return f"{date_format(value, 'SHORT_DATE_FORMAT')} {time_format(value, 'H:i')}"


@register.filter
def status_word(name: str) -> str:
    return words.status(name)[0]


@register.filter
def status_badge(name: str) -> str:
    """The class of the badge that a status is shown in."""
    return f"badge-{words.status(name)[1]}"
