"""People at Acme's portal, and what they read there."""

from __future__ import annotations

import re
from html import unescape

from django.core import mail
from django.core.mail import EmailMessage
from django.http import HttpResponseBase
from django.test import Client

from forms_app.portal import letters
from orgs import directory
from orgs.models import Domain, Membership, User
from orgs.records import OrganizationRecord
from tests.factories import PASSWORD, make_user

HOST = "acme.localhost"


def at_host(organization: OrganizationRecord) -> str:
    """Gives the organization a host name of its own."""
    host = f"{organization.org_id}.localhost"
    Domain.objects.get_or_create(tenant_id=organization.id, domain=host, defaults={"is_primary": True})
    directory.forget()
    return host


def visitor(organization: OrganizationRecord, user: User | None = None) -> Client:
    """A browser at the organization's host, in which the person has signed in."""
    client = Client(headers={"Host": at_host(organization)})
    if user:
        client.force_login(user)
    return client


def as_role(organization: OrganizationRecord, role: str, **fields: object) -> tuple[Client, User]:
    user = make_user(organization, role, **fields)
    return visitor(organization, user), user


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> HttpResponseBase:
    return client.post("/sign-in", {"username": email, "password": password, **more})


def membership(organization: OrganizationRecord, user: User) -> Membership:
    return Membership.objects.get(organization_id=organization.id, user=user)


def text(answer: HttpResponseBase) -> str:
    """What a reader sees of the page, on one line."""
    page = re.sub(r"(?s)<(script|style).*?</\1>", " ", html(answer))
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page))).strip()


def html(answer: HttpResponseBase) -> str:
    return answer.content.decode()  # type: ignore[attr-defined,no-any-return]


def letters_sent() -> list[EmailMessage]:
    letters.settle()
    return list(mail.outbox)


def link_in(letter: EmailMessage) -> str:
    """The path of the link that the letter carries."""
    [link] = re.findall(r"http://[^/\s]+(/\S+)", str(letter.body))
    return str(link)
