"""Making, changing and removing connections. What is secret goes to the vault, and every change into the audit log."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from bifrost.sdk.errors import ValidationError
from integrations import configs
from integrations.oauth import asking, finding, fleet, kept_tokens, leases, refreshing
from integrations.oauth.asking import Given, Refused
from integrations.oauth.kept_tokens import Kept
from integrations.oauth.models import Connection
from integrations.oauth.records import Target
from integrations.oauth.words import LIVING, ClientAuthentication, Grant, Status
from orgs import audit
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import org_context

#: What a person sets, by the names of the columns.
SETTABLE = (
    "name",
    "provider",
    "grant",
    "client_id",
    "client_authentication",
    "authorize_url",
    "token_url",
    "scopes",
    "extra",
    "shared",
)
# What a token was got with: another one of these is another account.
_OF_THE_ACCOUNT = frozenset({"grant", "client_id", "token_url", "authorize_url"})
_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,100}")
NO_CONNECTION = "There is no such connection."


def create(
    organization: OrganizationRecord, values: Mapping[str, Any], secret: str = "", actor: Actor = COMMAND_LINE
) -> UUID:
    """Raises ValidationError naming the field, VaultUnavailable; then nothing was made."""
    row = Connection(**{name: values[name] for name in SETTABLE if name in values})
    check(organization, row, secret, kept=False)
    with org_context(organization), transaction.atomic():
        row.has_secret = bool(secret)
        _save(row, force_insert=True)
        _note(organization, row, "connection.create", actor, _facts(row))
        # Last: where the vault refuses it, the row goes as well.
        if secret:
            kept_tokens.write_client_secret(organization, row.id, secret)
    return row.id


def change(
    organization: OrganizationRecord,
    connection: UUID,
    values: Mapping[str, Any],
    secret: str = "",
    actor: Actor = COMMAND_LINE,
) -> None:
    """An empty secret leaves the one that there is, unless it would be sent to another address. With another account or
    address, the tokens go. Raises ValidationError, VaultUnavailable."""
    with org_context(organization), transaction.atomic():
        row = _locked(connection)
        before = {name: getattr(row, name) for name in SETTABLE}
        for name in SETTABLE:
            setattr(row, name, values.get(name, before[name]))
        changed = sorted(name for name in SETTABLE if getattr(row, name) != before[name])
        check(organization, row, secret, kept=row.has_secret and "token_url" not in changed)
        had_secret = row.has_secret
        row.has_secret = bool(secret) or (had_secret and "token_url" not in changed)
        _save(row)
        lost = bool(_OF_THE_ACCOUNT & set(changed)) and row.status in {*LIVING, Status.EXPIRED}
        _note(organization, row, "connection.change", actor, {"fields": [*changed, *(["secret"] if secret else [])]})
        if lost:
            leases.dropped(organization, connection, Status.NEW)
            kept_tokens.delete(organization, connection, secret=had_secret and not row.has_secret)
        if secret:
            kept_tokens.write_client_secret(organization, connection, secret)
    refreshing.forget((organization.id, connection))


def disconnect(organization: OrganizationRecord, connection: UUID, actor: Actor = COMMAND_LINE) -> None:
    """Its tokens and its client secret leave the vault. What others got by it ends with the hour. VaultUnavailable."""
    with org_context(organization), transaction.atomic():
        row = _locked(connection)
        Connection.objects.filter(id=connection).update(has_secret=False)
        leases.dropped(organization, connection, Status.DISCONNECTED)
        _note(organization, row, "connection.disconnect", actor, {}, noted=True)
        kept_tokens.delete(organization, connection)
    refreshing.forget((organization.id, connection))


def delete(organization: OrganizationRecord, connection: UUID, actor: Actor = COMMAND_LINE) -> None:
    """With all that the vault has of it. Raises ValidationError where there is none, VaultUnavailable."""
    with org_context(organization), transaction.atomic():
        row = _locked(connection)
        _note(organization, row, "connection.delete", actor, {"name": row.name}, noted=True)
        row.delete()
        fleet.forget_connection(connection)
        kept_tokens.delete(organization, connection)
    refreshing.forget((organization.id, connection))


def connect_client(organization: OrganizationRecord, connection: UUID, actor: Actor = COMMAND_LINE) -> str:
    """Lets an application sign in that needs nobody for it. Raises ValidationError in the provider's words."""
    target = target_of(organization, connection)
    if target.settings.grant != Grant.CLIENT:
        raise ValidationError("Somebody has to sign in for this connection.")
    accept(target, lambda secret: asking.by_client(target, secret), actor)
    return "Connected."


def accept(target: Target, ask: Callable[[str], Given], actor: Actor) -> None:
    """Keeps the first tokens that `ask(client secret)` gets. No transaction is open meanwhile. Raises ValidationError
    in the provider's words, VaultUnavailable, ConfigurationError."""
    settings_, owner = target.settings, target.owner
    if settings_.lacks_secret:
        raise ValidationError("Enter the client secret first: the vault has none.", field="secret")
    secret = kept_tokens.client_secret(owner, settings_.id) if settings_.has_secret else ""
    try:
        given = ask(secret)
    except Refused as refused:
        raise ValidationError(f"The provider gave no token. {refused.said}") from None
    # Greater than any that a refresh may store meanwhile, of the account before.
    kept = Kept(max(target.state.version + 1, int(given.given_at.timestamp() * 1_000_000)), given)
    kept_tokens.write(owner, settings_.id, kept)
    with org_context(owner), transaction.atomic():
        leases.connected(target, kept, actor.email or actor.name)
        row = Connection.objects.get(id=settings_.id)
        _note(owner, row, "connection.connect", actor, {"scopes": given.scopes[:500]}, noted=True)
    refreshing.keep(target.key, kept)


def test(organization: OrganizationRecord, connection: UUID) -> str:
    """Gets a new token, where it can be got without a person, and says what came of it. Raises ValidationError that
    says why not, VaultUnavailable."""
    target = target_of(organization, connection)
    if target.settings.status not in {*LIVING, Status.EXPIRED}:
        raise ValidationError("It is not connected.")
    if not target.settings.refreshable:
        if target.state.alive:
            return "There is a token, and it is valid. The provider gave no refresh token, so it cannot be renewed."
        raise ValidationError("The token has expired, and the provider gave no refresh token. Reconnect it.")
    if target.settings.status == Status.EXPIRED:
        raise ValidationError(f"It has to be reconnected. {target.state.last_error}")
    if refreshing.renew(target, force=True):
        return "The provider gave a new token."
    now = target_of(organization, connection)
    if now.state.version > target.state.version or now.state.held:
        return "Somebody else is refreshing it at this moment."
    raise ValidationError(f"The provider gave no token. {now.state.last_error}")


def target_of(organization: OrganizationRecord, connection: UUID) -> Target:
    """The organization's own connection. Raises ValidationError where there is none."""
    target = finding.find_by_id(organization, connection)
    if target is None:
        raise ValidationError(NO_CONNECTION, field="connection")
    return target


def check(organization: OrganizationRecord, row: Connection, secret: str, *, kept: bool) -> None:
    """Raises ValidationError naming the field. `kept`: whether the vault goes on having a secret for it."""
    row.name, row.client_id = row.name.strip(), row.client_id.strip()
    if not _NAME.fullmatch(row.name):
        raise ValidationError("A name has 1 to 100 characters, and no slash.", field="name")
    if not row.client_id:
        raise ValidationError("The client id is what the provider calls your application.", field="client_id")
    check_address(row.token_url, "token_url")
    if row.grant == Grant.CODE or row.authorize_url:
        check_address(row.authorize_url, "authorize_url")
    if row.grant == Grant.CLIENT and row.client_authentication == ClientAuthentication.NONE:
        raise ValidationError("An application that signs in by itself has a secret.", field="client_authentication")
    if not isinstance(row.extra, dict):
        raise ValidationError("Further parameters are a JSON object.", field="extra")
    if row.shared and not organization.is_msp:
        raise ValidationError("Only the MSP's own connections can be shared.", field="shared")
    if not secret and not kept and row.has_secret:
        raise ValidationError("Enter the client secret again: it would be sent to another address.", field="secret")


def check_address(url: str, field: str) -> None:
    """https; http only to an address that the MSP has allowed by BIFROST_PRIVATE_NETWORKS."""
    problem = "An address begins with https:// and names a host."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValidationError(problem, field=field) from None
    if not host or parts.fragment or parts.username is not None or any(letter.isspace() for letter in url):
        raise ValidationError(problem, field=field)
    if parts.scheme == "https":
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValidationError(problem, field=field) from None
    if parts.scheme != "http" or not any(address in network for network in settings.PRIVATE_NETWORKS):
        raise ValidationError(problem, field=field)


def _locked(connection: UUID) -> Connection:
    row = Connection.objects.select_for_update().filter(id=connection).first()
    if row is None:
        raise ValidationError(NO_CONNECTION, field="connection")
    return row


def _save(row: Connection, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=force_insert, update_fields=None if force_insert else [*SETTABLE, "has_secret"])
    except IntegrityError:
        raise ValidationError(f'There is a connection "{row.name}" already.', field="name") from None


def _facts(row: Connection) -> dict[str, Any]:
    return {"name": row.name, "provider": row.provider, "grant": row.grant, "shared": row.shared}


def _note(
    organization: OrganizationRecord,
    row: Connection,
    operation: str,
    actor: Actor,
    facts: Mapping[str, Any],
    *,
    noted: bool = False,
) -> None:
    if not noted:
        fleet.note(organization, row.id)
    facts = {"name": row.name, **facts}
    configs.raise_version(organization)
    audit.record(actor, operation, organization=organization, target=f"connection:{row.id}", metadata=facts)
