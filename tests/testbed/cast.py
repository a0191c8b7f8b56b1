"""Two organizations with the full cast, put into the template once: every test has both.

Run as a module, as the application's role: `python -m tests.testbed.cast`.
"""

from __future__ import annotations

import os

ORGANIZATIONS = {"northwind": "Northwind Bank", "contoso-health": "Contoso Health"}
PASSWORD = "correct horse battery staple"
NOBODY = "nobody"


def email(role: str, slug: str) -> str:
    return f"{role.replace('_', '-')}@{slug}.example"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releasetrain.settings")
    import django

    django.setup()
    from django.contrib.auth.hashers import make_password

    from releasetrain.accounts.actions import create_organization, grant, scope_for
    from releasetrain.accounts.catalogue import Role
    from releasetrain.accounts.models import Membership, User
    from releasetrain.audit import ledger
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.scope import tenant_scope

    hashed = make_password(PASSWORD)
    for slug, name in ORGANIZATIONS.items():
        people = {
            role: User(
                email=email(role, slug),
                name=role.replace("_", " ").title(),
                kind="service" if role == Role.SERVICE_ACCOUNT else "person",
                password=hashed,
            )
            for role in [*Role.values, "developer", "second_cab_member", "third_cab_member", NOBODY]
        }
        for person in people.values():
            person.save()
        organization = create_organization(slug=slug, name=name, owner=people[Role.OWNER])
        same_role = {
            "developer": Role.TEAM_MEMBER,
            "second_cab_member": Role.CAB_MEMBER,
            "third_cab_member": Role.CAB_MEMBER,
        }
        system = Actor.system(organization.pk, "test cast", route="command")
        with tenant_scope(organization.pk, system):
            ledger.append(system, "grant.create", organization, {"people": len(people)})
            for role, person in people.items():
                if role == Role.OWNER:
                    continue
                Membership.objects.create(user=person, organization=organization)
                if role != NOBODY:
                    grant(person, Role(same_role.get(role, role)), scope_for(organization))


if __name__ == "__main__":
    main()
