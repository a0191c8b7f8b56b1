"""OSCAL assessment results and the plan they import, from what was found about controls.

A finding is satisfied only where everything that the control rests on operated and nothing failed. A control of which
nothing operated is left out of the reviewed controls: not assessed is never read as satisfied. Identifiers are UUIDv5
of the organization, the subject and the object, so that the same facts give the same file.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

VERSION = "1.1.3"
NAMESPACE = "urn:releasetrain:oscal"
# Observations per basis; what is left out is counted in the remarks. Whatever failed is never left out.
MOST_OBSERVATIONS = 1_000

PASSED, FAILED, WAIVED, OPEN = "passed", "failed", "waived", "open"
_REASONS = {FAILED: "fail", WAIVED: "other", OPEN: "other"}


@dataclass(frozen=True)
class Item:
    """One piece of evidence: `id` names it in the package's records, `digest` is that of its record there."""

    id: str
    title: str
    outcome: str
    at: datetime | None
    said: str = ""
    digest: str = ""
    href: str = ""


@dataclass(frozen=True)
class Basis:
    """One thing that a control rests on, with all that it did; `expected`: without an item it counts as failed."""

    id: str
    title: str
    method: str
    rationale: str
    items: Sequence[Item] = ()
    expected: bool = True

    @property
    def worst(self) -> str:
        """The worst outcome; open where nothing is there."""
        if not self.items:
            return OPEN
        found = {item.outcome for item in self.items}
        return next((word for word in (FAILED, OPEN, WAIVED) if word in found), PASSED)


@dataclass(frozen=True)
class Assessed:
    """A control with everything that it rests on."""

    identifier: str
    title: str
    catalogue: str
    bases: Sequence[Basis] = field(default=())

    @property
    def reviewed(self) -> bool:
        """Whether anything was there to be looked at."""
        return any(basis.items for basis in self.bases)

    @property
    def outcome(self) -> str:
        """The worst of all that counts."""
        counted = [basis.worst for basis in self.bases if basis.items or basis.expected]
        return next((word for word in (FAILED, OPEN, WAIVED) if word in counted), PASSED)


@dataclass(frozen=True)
class About:
    """What the results are about."""

    organization: uuid.UUID
    organization_name: str
    subject: str
    title: str
    starts: datetime
    ends: datetime
    as_of: datetime

    def ident(self, *parts: str) -> str:
        """The UUIDv5 of an object in these results."""
        return str(uuid.uuid5(self.organization, "/".join((self.subject, *parts))))


def results(about: About, controls: Sequence[Assessed], plan_href: str) -> dict[str, Any] | None:
    """The assessment-results document; None where nothing was assessed, since there are no results then."""
    reviewed = [control for control in controls if control.reviewed]
    if not reviewed:
        return None
    observations: list[dict[str, Any]] = []
    findings = []
    for control in reviewed:
        related = []
        for basis in control.bases:
            made = list(_observations(about, control, basis))
            observations += made
            related += [{"observation-uuid": each["uuid"]} for each in made]
        findings.append(_finding(about, control, related))
    result: dict[str, Any] = {
        "uuid": about.ident("result"),
        "title": about.title,
        "description": "Made by rule from recorded evidence. Each observation names the record it rests on.",
        "start": _moment(about.starts),
        "end": _moment(about.ends),
        "reviewed-controls": _reviewed(reviewed),
    }
    left_out = [control.identifier for control in controls if not control.reviewed]
    if left_out:
        result["remarks"] = (
            f"Not assessed, since nothing that they rest on operated in the period: {', '.join(left_out)}."
        )
    result |= {"observations": observations, "findings": findings}
    return {
        "assessment-results": {
            "uuid": about.ident("assessment-results"),
            "metadata": _metadata(about, f"Assessment results: {about.title}"),
            "import-ap": {"href": plan_href},
            "results": [result],
        }
    }


def plan(about: About, controls: Sequence[Assessed]) -> dict[str, Any]:
    """The assessment plan that the results import: which controls (one at least) were to be looked at, by what."""
    activities = [
        {
            "uuid": about.ident("activity", control.identifier, basis.id),
            "title": _line(f"{control.identifier}: {basis.title}"),
            "description": basis.rationale or basis.title,
            "props": [{"name": "method", "value": basis.method}],
            "related-controls": {
                "control-selections": [{"include-controls": [{"control-id": _token(control.identifier)}]}]
            },
        }
        for control in controls
        for basis in control.bases
    ]
    resource = about.ident("system")
    body: dict[str, Any] = {
        "uuid": about.ident("assessment-plan"),
        "metadata": _metadata(about, f"Assessment plan: {about.title}"),
        "import-ssp": {"href": f"#{resource}"},
        "reviewed-controls": _reviewed(controls),
        "back-matter": {
            "resources": [
                {
                    "uuid": resource,
                    "title": "System security plan",
                    "description": "Kept by the organization; it is not part of this package.",
                }
            ]
        },
    }
    if activities:
        body["local-definitions"] = {"activities": activities}
    return {"assessment-plan": body}


def _observations(about: About, control: Assessed, basis: Basis) -> Iterator[dict[str, Any]]:
    kept, left_out = _kept(basis.items)
    for item in kept:
        observation: dict[str, Any] = {
            "uuid": about.ident("observation", control.identifier, basis.id, item.id),
            "title": _line(item.title),
            "description": item.said or f"{basis.title}: {item.outcome}.",
            "props": [
                {"name": "basis", "ns": NAMESPACE, "value": _line(basis.id)},
                {"name": "outcome", "ns": NAMESPACE, "value": item.outcome},
            ],
            "methods": [basis.method],
            "types": ["control-objective" if item.outcome == PASSED else "finding"],
            "collected": _moment(item.at or about.as_of),
        }
        if item.digest:
            observation["props"].append({"name": "record-digest", "ns": NAMESPACE, "value": item.digest})
        if item.href:
            observation["relevant-evidence"] = [{"href": item.href, "description": _line(item.id)}]
        yield observation
    if left_out or (basis.expected and not basis.items):
        said = (
            f"{left_out} further pieces of evidence passed; they are in the records."
            if left_out
            else "Nothing was recorded in the period."
        )
        yield {
            "uuid": about.ident("observation", control.identifier, basis.id, "rest"),
            "title": _line(basis.title),
            "description": said,
            "props": [{"name": "basis", "ns": NAMESPACE, "value": _line(basis.id)}],
            "methods": [basis.method],
            "types": ["control-objective" if left_out else "finding"],
            "collected": _moment(about.as_of),
        }


def _kept(items: Sequence[Item]) -> tuple[list[Item], int]:
    """Everything that did not pass, and as much of what passed as there is room for."""
    bad = [item for item in items if item.outcome != PASSED]
    good = [item for item in items if item.outcome == PASSED]
    room = max(0, MOST_OBSERVATIONS - len(bad))
    return bad + good[:room], len(good) - len(good[:room])


def _finding(about: About, control: Assessed, related: list[dict[str, str]]) -> dict[str, Any]:
    outcome = control.outcome
    satisfied = outcome == PASSED
    status: dict[str, Any] = {
        "state": "satisfied" if satisfied else "not-satisfied",
        "reason": "pass" if satisfied else _REASONS[outcome],
    }
    return {
        "uuid": about.ident("finding", control.identifier),
        "title": _line(f"{control.identifier} {control.title}"),
        "description": " ".join(_sentences(control)),
        "target": {
            "type": "objective-id",
            "target-id": _token(control.identifier),
            "status": status,
        },
        "related-observations": related,
    }


def _sentences(control: Assessed) -> Iterator[str]:
    for basis in control.bases:
        counted = {
            word: sum(item.outcome == word for item in basis.items) for word in (PASSED, FAILED, WAIVED, OPEN)
        }
        said = ", ".join(f"{count} {word}" for word, count in counted.items() if count)
        yield f"{basis.title}: {said or 'nothing recorded'}."


def _reviewed(controls: Iterable[Assessed]) -> dict[str, Any]:
    ids = sorted({_token(control.identifier) for control in controls})
    return {"control-selections": [{"include-controls": [{"control-id": ident} for ident in ids]}]}


def _metadata(about: About, title: str) -> dict[str, Any]:
    party = about.ident("organization")
    return {
        "title": _line(title),
        "last-modified": _moment(about.as_of),
        "version": _moment(about.as_of),
        "oscal-version": VERSION,
        "roles": [{"id": "assessor", "title": "Assessed by rule"}],
        "parties": [{"uuid": party, "type": "organization", "name": _line(about.organization_name)}],
        "responsible-parties": [{"role-id": "assessor", "party-uuids": [party]}],
    }


def _moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _line(text: str) -> str:
    """One line, as titles are."""
    return " ".join(text.split()) or "–"


def _token(text: str) -> str:
    """An OSCAL token: starts with a letter or underscore; letters, digits, dots, hyphens."""
    clean = "".join(c if c.isalnum() or c in "._-" else "-" for c in text.strip()) or "_"
    return clean if clean[0].isalpha() or clean[0] == "_" else f"_{clean}"
