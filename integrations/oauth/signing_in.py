"""The way through a provider's page and back, by the authorization code grant with PKCE.

The state is good once, for ten minutes, for the session of the person that was sent, and for that one connection. Only
its digest is stored. The verifier is stored nowhere: it follows from the state and the platform's own key, so whoever
sees the state or the code on its way cannot use it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets as randomness
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from bifrost.sdk.errors import ValidationError
from integrations.fleet.models import SignIn
from integrations.oauth import asking
from integrations.oauth.connections import accept, target_of
from integrations.oauth.words import Grant
from orgs import audit
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import shared_context

GOOD_FOR = timedelta(minutes=10)
START_AGAIN = "This sign-in is not known, was used, or took longer than ten minutes. Begin again with Connect."


def begin(organization: OrganizationRecord, connection: UUID, actor: Actor, session: str, redirect_uri: str) -> str:
    """The provider's page to which the person is sent. Raises ValidationError, ConfigurationError."""
    target = target_of(organization, connection)
    if target.settings.grant != Grant.CODE:
        raise ValidationError("Nobody has to sign in for this connection.")
    if target.settings.lacks_secret:
        raise ValidationError("Enter the client secret first: the vault has none.", field="secret")
    state = f"{randomness.token_urlsafe(32)}.{organization.org_id}"
    address = asking.sign_in_address(target, redirect_uri, state, _verifier(state))
    with shared_context(), transaction.atomic():
        SignIn.objects.filter(started_at__lt=Now() - GOOD_FOR).delete()
        SignIn.objects.create(
            digest=_digest(state),
            organization=organization.id,
            connection=connection,
            person=actor.id,
            session=_digest(session),
            redirect_uri=redirect_uri,
            started_at=Now(),
        )
    return address


def finish(organization: OrganizationRecord, state: str, code: str, actor: Actor, session: str) -> UUID:
    """Somebody is back: keeps the tokens, and says of which connection. Raises ValidationError, VaultUnavailable."""
    connection, redirect_uri = _used(organization, state, actor, session)
    target = target_of(organization, connection)
    accept(target, lambda secret: asking.by_code(target, secret, code, redirect_uri, _verifier(state)), actor)
    return connection


def give_up(organization: OrganizationRecord, state: str, error: str, actor: Actor, session: str) -> UUID:
    """Somebody is back whom the provider refused, or who did. Raises ValidationError where the state is bad."""
    connection, _ = _used(organization, state, actor, session)
    with transaction.atomic():
        facts = {"error": error[:100]}
        audit.record(
            actor,
            "connection.refused",
            organization=organization,
            target=f"connection:{connection}",
            metadata=facts,
        )
    return connection


def organization_in(state: str) -> str:
    """The org_id that the state names, whether or not the state is good; "" where it has none."""
    return state.partition(".")[2][:100]


def _used(organization: OrganizationRecord, state: str, actor: Actor, session: str) -> tuple[UUID, str]:
    """Uses the state up. Of two that come at once with the same one, one finds it."""
    rows = SignIn.objects.filter(
        digest=_digest(state),
        organization=organization.id,
        session=_digest(session),
        person=actor.id,
        started_at__gt=Now() - GOOD_FOR,
    )
    with shared_context(), transaction.atomic():
        found = rows.select_for_update().values_list("id", "connection", "redirect_uri").first()
        if found is None or not SignIn.objects.filter(id=found[0]).delete()[0]:
            raise ValidationError(START_AGAIN, field="state")
    return found[1], found[2]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _verifier(state: str) -> str:
    key = hashlib.sha256(b"bifrost oauth verifier " + settings.SECRET_KEY.encode()).digest()
    made = hmac.new(key, state.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
