"""How people see the records of trains and governance in a package: headings, columns, and what to look at."""

from __future__ import annotations

from typing import Any

from .collect import shown
from .render.words import said

Data = dict[str, Any]


def _word(value: Any) -> str:
    return str(value or "").replace("_", " ")


def _label(value: Any) -> str:
    return str((value or {}).get("label") or (value or {}).get("name") or "")


def _release(data: Data) -> str:
    if data["state"] == "rolled_back":
        return f"{data['key']} was rolled back."
    return ""


def _scope(data: Data) -> str:
    if data["after_freeze"]:
        return f"“{data['title']}” changed after the scope freeze: {data['cause']}"
    return ""


def _deployment(data: Data) -> str:
    what = f"{_label(data['service'])} {data['version']} to {_label(data['environment'])}"
    if data["state"] in ("failed", "rolled_back"):
        return f"{what}: {_word(data['state'])}."
    if data["emergency"]:
        return f"{what} was an emergency deployment."
    return ""


def _authorisation(data: Data) -> str:
    return (
        ""
        if data["authorised"]
        else f"{_label(data['deployment'])} stood under no approved change: {data['reason']}"
    )


def _evaluation(data: Data) -> str:
    if data["verdict"] in ("fail", "error"):
        bad = (
            ", ".join(c["name"] for c in data["checks"] if c.get("verdict") in ("fail", "error"))
            or data["error"]
        )
        return f"{data['key']} of {_label(data['gate'])}: {data['verdict']} ({bad})."
    return ""


def _checks(data: Data) -> list[list[str]]:
    """The verdict, and below it each check with its reason."""
    inputs = (
        f"Inputs {data['inputs_digest'].rpartition(':')[2][:16]}…" if data["inputs_digest"] else data["error"]
    )
    whole = [_label(data["gate"]), f"{data['key']}, all checks", said(data["verdict"], "verdict"), inputs]
    rows = [[*whole, said(data["finished_at"])]]
    for check in data["checks"]:
        verdict = said(check.get("verdict"), "verdict")
        as_of = said(check.get("as_of"))
        rows.append(["", str(check.get("name", "")), verdict, str(check.get("reason", ""))[:240], as_of])
    return rows


def _waiver(data: Data) -> str:
    if data["state"] == "granted":
        return f"{data['key']}: the check {data['check_name']} was waived until {data['expires_at'][:10]}. {data['reason']}"
    return ""


def _finding(data: Data) -> str:
    if data["severity"] in ("critical", "high") and data["state"] in (
        "open",
        "reopened",
        "triaged",
        "accepted",
    ):
        return f"{data['severity'].capitalize()} finding {_word(data['state'])}: {data['title']}"
    return ""


def _vote(data: Data) -> str:
    if data["choice"] == "reject":
        return f"{_label(data['voter'])} rejected {_label(data['change'])}: {data['rationale']}"
    return ""


def _condition(data: Data) -> str:
    return "" if data["met_at"] else f"Condition not recorded as met: {data['text']}"


def _change(data: Data) -> str:
    if data["type"] == "emergency":
        return f"{data['key']} is an emergency change."
    if data["outcome"] in ("with_issues", "backed_out"):
        return f"{data['key']} ended {_word(data['outcome'])}: {data['closing_note']}"
    return ""


shown(
    "release",
    "Releases",
    order=10,
    columns=(
        ("Release", "key"),
        ("Version", "version"),
        ("State", "state"),
        ("Tier", "tier"),
        ("Released", "released_at"),
    ),
    attention=_release,
)
shown(
    "scopeitem",
    "Scope",
    order=20,
    columns=(
        ("Item", "title"),
        ("From", "source_key"),
        ("Kind", "classification"),
        ("Tier", "tier"),
        ("Removed", "removed_at"),
    ),
    absent="No scope item is recorded.",
    gap=True,
    attention=_scope,
)
shown(
    "traindependency",
    "Dependencies on other trains",
    order=25,
    columns=(("What", "what"), ("Provider", "provider"), ("State", "state")),
)
shown(
    "artifact",
    "Builds",
    order=30,
    columns=(("Service", "service"), ("Version", "version"), ("Commit", "commit"), ("Digest", "digest")),
    absent="No build is recorded.",
    gap=True,
)
shown(
    "result",
    "Test and scan results",
    order=40,
    columns=(
        ("Kind", "kind"),
        ("Build", "artifact"),
        ("Tool", "tool"),
        ("Reported", "reported_at"),
        ("Report SHA-256", "digest"),
    ),
    absent="No test or scan result of these builds is recorded.",
    gap=True,
    sort="reported_at",
)
shown(
    "evaluation",
    "Gate verdicts",
    order=50,
    columns=(("Gate", ""), ("Check", ""), ("Verdict", ""), ("Reason", ""), ("As of", "")),
    lines=_checks,
    absent="No gate was asked.",
    gap=True,
    sort="finished_at",
    attention=_evaluation,
)
shown(
    "gateversion",
    "Gate versions that were asked",
    order=55,
    columns=(("Gate", "gate"), ("Version", "number"), ("Published", "published_at"), ("By", "published_by")),
)
shown(
    "waiver",
    "Waivers",
    order=60,
    columns=(
        ("Waiver", "key"),
        ("Check", "check_name"),
        ("State", "state"),
        ("Asked by", "requested_by"),
        ("Decided by", "granted_by"),
        ("Until", "expires_at"),
    ),
    absent="No check was waived.",
    attention=_waiver,
)
shown(
    "finding",
    "Findings",
    order=70,
    columns=(
        ("Finding", "title"),
        ("Service", "service"),
        ("Severity", "severity"),
        ("State", "state"),
        ("First seen", "first_seen_at"),
    ),
    attention=_finding,
)
shown(
    "changerequest",
    "Change requests",
    order=80,
    columns=(
        ("Change", "key"),
        ("Title", "title"),
        ("Type", "type"),
        ("Risk", "risk"),
        ("State", "state"),
        ("Approved", "approved_at"),
    ),
    absent="No change request is recorded.",
    gap=True,
    attention=_change,
)
shown(
    "vote",
    "Votes",
    order=90,
    columns=(
        ("Change", "change"),
        ("Revision", "revision"),
        ("Voter", "voter"),
        ("Choice", "choice"),
        ("Cast", "cast_at"),
        ("Rationale", "rationale"),
    ),
    absent="Nobody has voted.",
    gap=True,
    sort="cast_at",
    attention=_vote,
)
shown(
    "condition",
    "Conditions of approval",
    order=95,
    columns=(("Condition", "text"), ("Change", "change"), ("Met", "met_at"), ("By", "met_by")),
    attention=_condition,
)
shown(
    "changecontributor",
    "Who had a hand in a change",
    order=100,
    columns=(("Person", "user"), ("Act", "act"), ("Change", "change")),
)
shown(
    "meeting",
    "Board meetings",
    order=105,
    columns=(("Board", "board"), ("Starts", "starts_at"), ("State", "state"), ("Chair", "chair")),
)
shown(
    "deployment",
    "Deployments",
    order=110,
    columns=(
        ("Service", "service"),
        ("Version", "version"),
        ("Environment", "environment"),
        ("State", "state"),
        ("Started", "started_at"),
        ("By", "deployed_by"),
    ),
    absent="Nothing was deployed.",
    sort="started_at",
    attention=_deployment,
)
shown(
    "changedeployment",
    "Authorisation of deployments",
    order=115,
    columns=(
        ("Deployment", "deployment"),
        ("Change", "change"),
        ("Authorised", "authorised"),
        ("Reason", "reason"),
    ),
    attention=_authorisation,
)
shown(
    "freeze",
    "Freezes",
    order=118,
    columns=(("Freeze", "name"), ("From", "starts"), ("Until", "ends"), ("Reason", "reason")),
    sort="starts",
)
shown(
    "commit",
    "Commits",
    order=300,
    columns=(("Commit", "sha"), ("Title", "title"), ("Author", "author_name"), ("Merged", "merged_at")),
    sort="authored_at",
)
shown(
    "agendaitem",
    "Agenda items",
    order=310,
    columns=(("Meeting", "meeting"), ("Change", "change"), ("Position", "position"), ("Taken", "taken_at")),
)
shown(
    "releaseartifact",
    "Builds attached to releases",
    order=320,
    columns=(("Service", "service"), ("Build", "artifact"), ("Release", "release")),
)
shown(
    "gate",
    "Gates",
    order=330,
    columns=(("Gate", "key"), ("Name", "name"), ("Before", "environment"), ("Mode", "mode")),
)
shown(
    "board",
    "Boards",
    order=340,
    columns=(("Board", "name"), ("Kind", "kind"), ("Quorum", "quorum"), ("Rule", "rule")),
)
shown(
    "boardmember",
    "Board members",
    order=345,
    columns=(("Board", "board"), ("Member", "user"), ("Deputy of", "deputy_of"), ("Left", "removed_at")),
)
shown(
    "attachment",
    "Attached documents",
    order=347,
    columns=(("Document", "name"), ("Attached to", "object_label"), ("Note", "note"), ("By", "attached_by")),
)
shown("train", "Trains", order=350, columns=(("Train", "key"), ("Name", "name")))
shown(
    "programincrement",
    "Program Increments",
    order=355,
    columns=(("PI", "name"), ("From", "starts"), ("Until", "ends"), ("State", "state")),
)
shown(
    "service",
    "Services",
    order=360,
    columns=(("Service", "name"), ("Tier", "tier"), ("Regulated", "regulated")),
)
shown("environment", "Environments", order=365, columns=(("Environment", "name"), ("Kind", "kind")))
shown(
    "person",
    "People",
    order=900,
    columns=(("Name", "name"), ("Kind", "kind"), ("Id", "id")),
    note="Ledger entries name people by these ids.",
)
