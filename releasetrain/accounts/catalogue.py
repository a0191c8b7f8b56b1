"""The role catalogue: which permissions there are, and which bundle each role carries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

PERMISSIONS: dict[str, str] = {
    "organization.view": "See the organization's plans, releases and records",
    "organization.manage": "Change the organization's settings",
    "members.manage": "Invite people and grant roles",
    "tokens.manage": "Create service accounts and issue tokens",
    "audit.read": "Read the audit trail",
    "trains.manage": "Change trains, teams, services, environments and cadence",
    "calendar.manage": "Set freezes and windows",
    "releases.manage": "Cut releases and change their scope",
    "deployments.record": "Record deployments",
    "deployments.rollback": "Order a rollback",
    "imports.run": "Import data",
    "planning.edit": "Write features and dependencies",
    "planning.score": "Score features",
    "planning.plan": "Move features on the program board",
    "planning.commit": "Commit a Program Increment",
    "planning.report": "Put reports from production on the backlog",
    "planning.refine": "Sign the refinement of features, as technical lead",
    "planning.assure": "Agree test strategies, as quality owner",
    "planning.endorse": "Endorse high-impact features",
    "changes.author": "Write and submit change requests",
    "changes.vote": "Vote on change requests",
    "changes.chair": "Run the change advisory board",
    "gates.manage": "Define release gates",
    "gates.ask": "Ask a gate for its verdict",
    "results.post": "Post test and scan results",
    "findings.manage": "Triage findings",
    "waivers.grant": "Waive a failing check",
    "evidence.build": "Build evidence packages",
    "evidence.read": "Read evidence packages",
    "controls.manage": "Map controls",
    "incidents.record": "Record incidents",
    "problems.manage": "Manage problems",
    "problems.validate": "Validate root causes and closures",
    "reviews.contribute": "Contribute to post-release reviews",
    "reviews.facilitate": "Facilitate post-release reviews",
    "metrics.manage": "Define metrics and targets",
}


class Role(models.TextChoices):
    """The roles of the product, in the field's words."""

    OWNER = "owner", "Organization owner"
    RTE = "rte", "Release Train Engineer"
    PRODUCT_MANAGER = "product_manager", "Product manager"
    BUSINESS_OWNER = "business_owner", "Business owner"
    TEAM_MEMBER = "team_member", "Team member"
    TECHNICAL_LEAD = "technical_lead", "Technical lead"
    QUALITY_OWNER = "quality_owner", "Quality owner"
    RELEASE_MANAGER = "release_manager", "Release manager"
    CHANGE_MANAGER = "change_manager", "Change manager"
    CAB_MEMBER = "cab_member", "CAB member"
    PROBLEM_MANAGER = "problem_manager", "Problem manager"
    COMPLIANCE_OFFICER = "compliance_officer", "Compliance officer"
    AUDITOR = "auditor", "Auditor"
    EXECUTIVE = "executive", "Executive"
    SERVICE_ACCOUNT = "service_account", "Service account"


@dataclass(frozen=True)
class Bundle:
    permissions: frozenset[str]
    scopes: tuple[str, ...]


def _bundle(permissions: str, *scopes: str) -> Bundle:
    named = frozenset(permissions.split()) | {"organization.view"}
    unknown = named - PERMISSIONS.keys()
    if unknown:
        raise ValueError(f"unknown permissions {sorted(unknown)}")
    return Bundle(named, scopes)


# The RTE facilitates: the role holds no right to approve anything. Nobody holds both sides of a segregated act by role
# alone, except that grants of several roles to one person are possible and are then caught act by act.
ROLES: dict[Role, Bundle] = {
    Role.OWNER: _bundle(
        "organization.manage members.manage tokens.manage audit.read trains.manage imports.run metrics.manage",
        "organization",
    ),
    Role.RTE: _bundle(
        "trains.manage calendar.manage imports.run planning.edit planning.score planning.plan planning.commit releases.manage"
        " reviews.contribute reviews.facilitate incidents.record planning.report",
        "train",
        "organization",
    ),
    Role.PRODUCT_MANAGER: _bundle(
        "planning.edit planning.score planning.plan planning.commit releases.manage imports.run reviews.contribute planning.report",
        "train",
        "organization",
    ),
    Role.BUSINESS_OWNER: _bundle(
        "planning.endorse planning.score reviews.contribute planning.report", "train", "organization"
    ),
    Role.TEAM_MEMBER: _bundle(
        "planning.edit planning.score planning.plan reviews.contribute incidents.record planning.report changes.author",
        "team",
        "train",
        "organization",
    ),
    # Who signs a refinement may write it too; who agrees a test strategy did not write it (checked act by act).
    # Leads take turns in facilitating reviews of other teams.
    Role.TECHNICAL_LEAD: _bundle(
        "planning.edit planning.score planning.plan planning.refine reviews.contribute reviews.facilitate incidents.record"
        " planning.report changes.author",
        "team",
        "train",
        "organization",
    ),
    Role.QUALITY_OWNER: _bundle(
        "planning.edit planning.assure gates.ask results.post reviews.contribute planning.report waivers.grant",
        "train",
        "organization",
    ),
    Role.RELEASE_MANAGER: _bundle(
        "releases.manage calendar.manage deployments.record deployments.rollback changes.author results.post gates.ask gates.manage"
        " evidence.build evidence.read incidents.record planning.report reviews.contribute reviews.facilitate imports.run",
        "train",
        "organization",
    ),
    Role.CHANGE_MANAGER: _bundle(
        "changes.vote changes.chair changes.author gates.ask evidence.read waivers.grant",
        "board",
        "organization",
    ),
    Role.CAB_MEMBER: _bundle("changes.vote evidence.read", "board", "organization"),
    Role.PROBLEM_MANAGER: _bundle(
        "incidents.record planning.report problems.manage problems.validate changes.vote reviews.contribute reviews.facilitate evidence.read"
        " waivers.grant",
        "organization",
    ),
    Role.COMPLIANCE_OFFICER: _bundle(
        "controls.manage waivers.grant findings.manage audit.read evidence.build evidence.read changes.vote problems.validate",
        "organization",
    ),
    Role.AUDITOR: _bundle("audit.read evidence.read evidence.build", "train", "organization"),
    Role.EXECUTIVE: _bundle("evidence.read", "organization"),
    Role.SERVICE_ACCOUNT: _bundle(
        "deployments.record results.post gates.ask incidents.record planning.report",
        "train",
        "service",
        "organization",
    ),
}
