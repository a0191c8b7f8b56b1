"""Who acts in the demo: the organization's people, each acting under their own name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password

from releasetrain.accounts.actions import create_grant, create_organization, create_service_account
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.demo_logins import DEMO_PASSWORD
from releasetrain.accounts.models import User
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Cast:
    """The people of one organization by role, each able to act."""

    def __init__(self, organization: Organization, people: dict[str, User], roles: dict[Role, list[str]]):
        self.organization = organization
        self.people = people
        self._roles = roles

    def actor(self, email: str) -> Actor:
        user = self.people[email]
        return Actor(
            self.organization.pk, user.pk, str(user), kind=user.kind, route="demo", reason="demo data"
        )

    def one(self, role: Role) -> Actor:
        """The first person with the role."""
        return self.actor(self._roles[role][0])

    def all(self, role: Role) -> list[Actor]:
        return [self.actor(email) for email in self._roles[role]]

    def user(self, role: Role, index: int = 0) -> User:
        return self.people[self._roles[role][index]]


def found(slug: str, name: str, time_zone: str, listed: list[tuple[str, str, tuple[Role, ...]]]) -> Cast:
    """Create the people and their organization with its roles."""
    password = make_password(DEMO_PASSWORD)
    people: dict[str, User] = {}
    roles: dict[Role, list[str]] = {}
    for person, email, held in listed:
        people[email] = User(email=email, name=person, time_zone=time_zone, password=password)
        people[email].save()
        for role in held:
            roles.setdefault(role, []).append(email)
    owner = people[roles[Role.OWNER][0]]
    organization = create_organization(
        slug=slug, name=name, owner=owner, time_zone=time_zone, demo=True, locale="en-GB"
    )
    cast = Cast(organization, people, roles)
    with tenant_scope(organization.pk, cast.one(Role.OWNER)):
        for _, email, held in listed:
            for role in held:
                if role == Role.OWNER and people[email].pk == owner.pk:
                    continue
                ends: dict[str, Any] = {"ends_at": now() + timedelta(days=90)} if role == Role.AUDITOR else {}
                create_grant(cast.one(Role.OWNER), email=email, role=role, **ends)
        account = create_service_account(cast.one(Role.OWNER), name=f"{slug}-pipeline")
    people[account.user.email] = account.user
    roles[Role.SERVICE_ACCOUNT] = [account.user.email]
    return cast
