"""The people of the demo organizations, and the password that all of them share. Loaded only by `load_demo`."""

from __future__ import annotations

from .catalogue import Role

DEMO_PASSWORD = "all aboard the release train"  # noqa: S105 - public on purpose, of demo people only

# (name, e-mail address, roles); the first of each role is printed by `manage.py up`.
NORTHWIND: list[tuple[str, str, tuple[Role, ...]]] = [
    ("Johanna Klein", "johanna.klein@northwind.example", (Role.OWNER,)),
    ("Amara Obi", "amara.obi@northwind.example", (Role.RTE,)),
    ("Lena Okafor", "lena.okafor@northwind.example", (Role.PRODUCT_MANAGER,)),
    ("Rafael Moreno", "rafael.moreno@northwind.example", (Role.BUSINESS_OWNER,)),
    ("Tomás Ribeiro", "tomas.ribeiro@northwind.example", (Role.TEAM_MEMBER,)),
    ("Sofia Marin", "sofia.marin@northwind.example", (Role.TECHNICAL_LEAD,)),
    ("Elias Brandt", "elias.brandt@northwind.example", (Role.QUALITY_OWNER,)),
    ("Priya Shah", "priya.shah@northwind.example", (Role.RELEASE_MANAGER,)),
    ("Henrik Sand", "henrik.sand@northwind.example", (Role.CHANGE_MANAGER,)),
    ("Aisha Rahman", "aisha.rahman@northwind.example", (Role.CAB_MEMBER,)),
    ("Mei Tanaka", "mei.tanaka@northwind.example", (Role.CAB_MEMBER,)),
    ("Jonas Weber", "jonas.weber@northwind.example", (Role.CAB_MEMBER,)),
    ("Noor Haddad", "noor.haddad@northwind.example", (Role.PROBLEM_MANAGER,)),
    ("Grace Lindqvist", "grace.lindqvist@northwind.example", (Role.COMPLIANCE_OFFICER,)),
    ("Peter Vance", "peter.vance@northwind.example", (Role.AUDITOR,)),
    ("Ingrid Solberg", "ingrid.solberg@northwind.example", (Role.EXECUTIVE,)),
]
CONTOSO: list[tuple[str, str, tuple[Role, ...]]] = [
    ("Maya Chen", "maya.chen@contoso-health.example", (Role.OWNER, Role.RTE)),
    ("Oskar Lind", "oskar.lind@contoso-health.example", (Role.RELEASE_MANAGER,)),
]

DEMO_LOGINS: list[tuple[str, str, str]] = [
    (role.label, email, DEMO_PASSWORD) for _, email, roles in NORTHWIND for role in roles[:1]
]
