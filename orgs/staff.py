"""What of the shared tables one member of the staff may see and change: no more than that one's scope."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs import directory
from orgs.models import ApiToken, Membership, Organization, User
from orgs.permissions import MANAGE_STAFF
from orgs.records import Actor


@dataclass(frozen=True, slots=True)
class StaffScope:
    """The organizations of one person of the MSP. `staff_too` where that one also manages the MSP's own people."""

    user: User
    staff_too: bool

    @classmethod
    def of(cls, user: User, actor: Actor) -> StaffScope:
        return cls(user, actor.can(MANAGE_STAFF))

    def organizations(self) -> QuerySet[Organization]:
        """Those that the scope covers, the MSP's own among them."""
        if self.user.is_superuser:
            return QuerySet(Organization)
        covered = Q(pk__in=[])
        for membership in directory.memberships_of(self.user.id):
            if membership.is_msp:  # where one belongs as a customer, one is no member of the staff
                covered |= Q(pk=membership.organization_id)
                covered |= Q(pk__in=membership.chosen) | Q(tags__overlap=list(membership.tags))
                covered |= Q(is_msp=False) if membership.all_organizations else Q()
        return QuerySet(Organization).filter(covered)

    def manageable(self) -> QuerySet[Organization]:
        """Those whose people and tokens this one may change: the MSP's own only for those who manage its staff."""
        found = self.organizations()
        return found if self.staff_too else found.filter(is_msp=False)

    def memberships(self) -> QuerySet[Membership]:
        return Membership.objects.filter(organization__in=self.manageable())

    def tokens(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(organization__in=self.manageable())

    def users(self) -> QuerySet[User]:
        """People all of whose organizations are manageable here; superusers for superusers alone.

        Whoever can change a person's password can be that person, so it takes power over all that the person can do.
        """
        if self.user.is_superuser:
            return User.objects.all()
        elsewhere = Membership.objects.filter(user=OuterRef("pk")).exclude(organization__in=self.manageable())
        return User.objects.filter(~Exists(elsewhere), is_superuser=False)


def has_all_organizations(user: object) -> bool:
    """Whether the person is a superuser, or a member of the MSP for all of its customers."""
    if not isinstance(user, User):
        return False
    memberships = directory.memberships_of(user.id)
    return user.is_superuser or any(each.is_msp and each.all_organizations for each in memberships)
