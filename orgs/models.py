"""The shared schema's people and organizations. Nothing here belongs to one customer's schema."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django_tenants.models import DomainMixin, TenantMixin
from uuid6 import uuid7

from orgs.permissions import role_permissions

ORG_ID_PATTERN = r"\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z"
validate_org_id = RegexValidator(
    ORG_ID_PATTERN, "Lower-case letters, digits and hyphens, at most 63, no hyphen at the ends."
)


def validate_timezone(name: str) -> None:
    """Refuses a name that is in no time zone database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a name at all; the name of a directory
        raise ValidationError(f"There is no such time zone as {name!r}.") from None


class Organization(TenantMixin):  # type: ignore[misc]  # django-tenants has no types
    """A customer, or the MSP itself. Its data lives in a schema of its own."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    schema_name = models.CharField(max_length=63, unique=True, editable=False)
    org_id = models.CharField("organization id", max_length=63, unique=True, validators=[validate_org_id])
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    ready = models.BooleanField(
        default=False, editable=False, help_text="Its schema is complete and at the newest version."
    )
    provisioned_at = models.DateTimeField(
        null=True, editable=False, help_text="When every step of making it had succeeded."
    )
    migration_error = models.TextField(blank=True, editable=False, help_text="Why its schema is behind.")
    is_msp = models.BooleanField("is the MSP", default=False, editable=False)
    tenant_id = models.CharField("Microsoft 365 tenant", max_length=64, blank=True)
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    retention_days = models.PositiveIntegerField(
        "days that records are kept", null=True, blank=True, help_text="Empty: as the platform's settings say."
    )
    config_version = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Raised whenever a config changes."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # orgs.provisioning makes and drops schemas; saving or deleting a row never does.
    auto_create_schema = False
    auto_drop_schema = False

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["is_msp"], condition=models.Q(is_msp=True), name="orgs_one_msp"),
            models.CheckConstraint(
                condition=models.Q(schema_name__regex="^org_[0-9a-f]{32}$"), name="orgs_schema_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):  # type: ignore[misc]
    """A host name under which an organization's doors are reached."""


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Sign-in: people do not mind the case of their address."""
        return super().get_by_natural_key((username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Deactivated rather than deleted, since records name people by id and name."""

    class RequestEmails(models.TextChoices):
        """When an e-mail tells a person of an own request that has ended."""

        NEEDED = "", "not where the person has seen the end"
        FAILED = "failed", "where it did not work"
        NEVER = "never", "never"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    timezone = models.CharField(
        "time zone", max_length=64, blank=True, validators=[validate_timezone], help_text="Empty: the organization's."
    )
    request_emails = models.CharField(
        "e-mails about requests",
        max_length=8,
        blank=True,
        default=RequestEmails.NEEDED,
        db_default=RequestEmails.NEEDED,
        choices=RequestEmails.choices,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.email


class Membership(models.Model):
    """A person's role in one organization; in the MSP's own, with a scope over its customers."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        OPERATOR = "operator"
        REQUESTER = "requester"
        VIEWER = "viewer"
        TECHNICIAN = "technician"
        AUDITOR = "auditor"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    all_organizations = models.BooleanField(default=False, help_text="MSP staff: every organization, also future ones.")
    organizations = models.ManyToManyField(
        Organization, blank=True, related_name="+", help_text="MSP staff: the chosen organizations."
    )
    tags = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="MSP staff: organizations with one of these tags.",
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "organization"], name="orgs_one_membership")
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"

    def clean(self) -> None:
        """Refuses a role that does not exist there, and a scope where there is none."""
        if self.organization_id is None or not self.role:
            return
        msp = self.organization.is_msp
        if not role_permissions(self.role, msp=msp):
            where = "the MSP's staff" if msp else "a customer's people"
            raise ValidationError({"role": f"This role is none of {where}."})
        if not msp and (self.all_organizations or self.tags):
            raise ValidationError("Only the MSP's staff have a scope over organizations.")


class ApiToken(models.Model):
    """A program's credential, bound to an organization or, through the MSP's own organization, to the MSP."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(
        max_length=64, unique=True, editable=False, help_text="SHA-256 of the token; the token is not kept."
    )
    hint = models.CharField(max_length=16, editable=False, help_text="First characters, to recognize it by.")
    permissions = ArrayField(models.CharField(max_length=50), default=list)
    owner = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        editable=False,
        related_name="tokens",
        help_text="Whose own it is: it may never do more than that person may.",
    )
    created_by = models.CharField(max_length=254, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class AuditEvent(models.Model):
    """One change of state that a person or a program caused. `orgs.audit` writes it in the transaction of the change;
    it is never changed, and goes when its time is over.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(db_default=TransactionNow())
    organization = models.UUIDField(null=True, help_text="Empty: an act on the platform as a whole.")
    actor_kind = models.CharField(max_length=16, help_text="user, token, command, system, ...")
    actor_id = models.CharField(max_length=100)
    actor_email = models.CharField(max_length=254, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    operation = models.CharField(max_length=220, help_text="What was done, such as execution.cancel.")
    object_kind = models.CharField(max_length=50, blank=True)
    object_id = models.CharField(max_length=250, blank=True)
    metadata = models.JSONField(default=dict, help_text="Redacted by key, and bounded.")
    execution = models.UUIDField(null=True, help_text="The execution that it was done to, or by.")
    key = models.CharField(max_length=64, null=True, help_text="A digest: what is recorded again stays one event.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(key__isnull=False), name="orgs_audit_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organization", "-id"], name="orgs_audit_organization"),
        ]

    def __str__(self) -> str:
        return self.operation


class Branding(models.Model):
    """How an organization's portal looks. Without a row, it looks like Bifrost under the organization's name."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="branding"
    )
    name = models.CharField(max_length=80, blank=True, help_text="Empty: the organization's.")
    colour = models.CharField(max_length=7, blank=True, validators=[RegexValidator(r"\A#[0-9a-f]{6}\Z")])
    logo = models.BinaryField(null=True, help_text="A PNG that `orgs.branding` has drawn itself.")
    logo_digest = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.name


class MemberGroup(models.Model):
    """Members of one organization under one name, for forms that not everybody may use."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=100)
    members = models.ManyToManyField(Membership, blank=True, related_name="groups")

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("organization", Lower("name"), name="orgs_one_group_name")
        ]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """Lets the owner of an address join an organization, once. The link's secret is not kept, only its hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Membership.Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.email


class Attempt(models.Model):
    """How often something was tried lately that must not be tried often, such as signing in to one account."""

    key = models.CharField(max_length=64, primary_key=True, help_text="A digest of what was tried, and by whom.")
    count = models.PositiveIntegerField()
    since = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
