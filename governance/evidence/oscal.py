"""OSCAL assessment results of packages about a control, and about a release whose gates ask for controls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from governance.checks import registry
from governance.models import Control, ControlMapping, Evaluation
from governance.queries.coverage import title_of
from governance.rules import oscal
from governance.rules.oscal import About, Assessed, Basis, Item
from releasetrain.audit.rules.package import Member
from releasetrain.tenancy.models import Organization
from trains.models import Release

from .auditing import assessments_of, rows_behind
from .collect import Subject

RESULTS, PLAN = "oscal/assessment-results.json", "oscal/assessment-plan.json"
_METHODS = {"check": "TEST", "verb": "EXAMINE", "activity": "EXAMINE", "document": "EXAMINE"}
_OUTCOMES = {"pass": oscal.PASSED, "fail": oscal.FAILED, "error": oscal.FAILED, "waived": oscal.WAIVED}
_CONCLUDED = {"effective": oscal.PASSED, "exception": oscal.FAILED}


def assessed(subject: Subject) -> list[Assessed]:
    """What the package shows about controls; read in the snapshot that everything is read in."""
    if isinstance(subject.object, Control):
        return [_of_control(subject.object, subject.starts, subject.ends)]
    if isinstance(subject.object, Release):
        return _of_release(subject.object)
    return []


def members(
    subject: Subject,
    organization: Organization,
    controls: list[Assessed],
    digests: Mapping[str, str],
    as_of: datetime,
) -> list[Member]:
    """Plan and results: no results where nothing was assessed, neither where no control is concerned."""
    if not controls:
        return []
    controls = [_with_digests(control, digests) for control in controls]
    moments = [i.at for control in controls for basis in control.bases for i in basis.items if i.at]
    starts = subject.starts or min(moments, default=as_of)
    about = About(
        organization=organization.pk,
        organization_name=organization.name,
        subject=f"{subject.kind}/{subject.object.pk if subject.object else ''}/{subject.starts}/{subject.ends}",
        title=f"{subject.title} {subject.label}",
        starts=starts,
        ends=max(subject.ends or max(moments, default=as_of), starts),
        as_of=as_of,
    )
    found = oscal.results(about, controls, "assessment-plan.json")
    files = [(PLAN, oscal.plan(about, controls)), *([(RESULTS, found)] if found else [])]
    return [Member(path, _written(document), "application/json", evidence=False) for path, document in files]


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _with_digests(control: Assessed, digests: Mapping[str, str]) -> Assessed:
    """Each item with the digest of its record in this package, where the package holds it."""
    bases = [
        Basis(
            basis.id,
            basis.title,
            basis.method,
            basis.rationale,
            [
                Item(
                    item.id,
                    item.title,
                    item.outcome,
                    item.at,
                    item.said,
                    digests.get(item.id.partition("#")[0], ""),
                    "../records.json" if item.id.partition("#")[0] in digests else "../ledger/entries.jsonl",
                )
                for item in basis.items
            ],
            basis.expected,
        )
        for basis in control.bases
    ]
    return Assessed(control.identifier, control.title, control.catalogue, bases)


def _of_control(control: Control, starts: datetime | None, ends: datetime | None) -> Assessed:
    bases = []
    for mapping, rows in rows_behind(control, starts, ends):
        items = [
            Item(f"{row.kind}:{row.id}#{number}", row.label, row.outcome, row.at, row.said)
            for number, row in enumerate(rows)
        ]
        bases.append(_basis(mapping, items))
    concluded = assessments_of(control, starts, ends).filter(state="concluded")
    items = [
        Item(
            f"controlassessment:{each.pk}",
            str(each),
            _CONCLUDED.get(each.conclusion, oscal.OPEN),
            each.concluded_at,
            each.statement,
        )
        for each in concluded.exclude(conclusion="not_assessed").order_by("pk")
    ]
    # A conclusion by a person counts where there is one; that there is none is no failure of the control.
    bases.append(Basis("assessment", "Concluded by an assessor", "EXAMINE", "", items, expected=False))
    return Assessed(control.identifier, control.title, str(control.catalogue), bases)


def _basis(mapping: ControlMapping, items: list[Item]) -> Basis:
    title = title_of(mapping.kind, mapping.target) or mapping.target
    return Basis(f"{mapping.kind} {mapping.target}", title, _METHODS[mapping.kind], mapping.rationale, items)


def _of_release(release: Release) -> list[Assessed]:
    """Controls that rest on checks which the release's gates demanded, judged by each gate's last verdict."""
    last: dict[Any, Evaluation] = {}
    of_builds = Q(artifact__in=release.artifacts.values("artifact"))
    settled = Evaluation.objects.filter(Q(release=release) | of_builds, state=Evaluation.State.DONE)
    for each in settled.select_related("gate", "gate_version").order_by("finished_at", "id"):
        last[each.gate_id] = each
    demanded: dict[str, list[tuple[Evaluation, str]]] = {}
    for evaluation in last.values():
        for spec in evaluation.gate_version.checks:
            demanded.setdefault(spec["kind"], []).append((evaluation, spec["name"]))
    mappings = (
        ControlMapping.objects.filter(
            kind=ControlMapping.Kind.CHECK,
            target__in=demanded,
            retired_at__isnull=True,
            control__applicable=True,
        )
        .select_related("control__catalogue")
        .order_by("control__catalogue__code", "control__position", "target")
    )
    found: dict[Any, tuple[Control, list[Basis]]] = {}
    for mapping in mappings:
        bases = found.setdefault(mapping.control_id, (mapping.control, []))[1]
        bases += [_demanded(mapping, evaluation, name) for evaluation, name in demanded[mapping.target]]
    return [
        Assessed(control.identifier, control.title, str(control.catalogue), bases)
        for control, bases in found.values()
    ]


def _demanded(mapping: ControlMapping, evaluation: Evaluation, name: str) -> Basis:
    """One check that a gate demanded, with its answer; without one the basis stays empty, which is never satisfied."""
    kind = registry.find(mapping.target)
    items = [
        Item(
            f"evaluation:{evaluation.pk}#{name}",
            f"{evaluation.key} {evaluation.gate.name}: {name}",
            _OUTCOMES.get(check.get("verdict") or "", oscal.OPEN),
            evaluation.finished_at,
            str(check.get("reason", "")),
        )
        for check in evaluation.checks
        if check.get("name") == name
    ]
    title = kind.title if kind else mapping.target
    return Basis(
        f"check {mapping.target} {evaluation.gate.key} {name}", title, "TEST", mapping.rationale, items
    )
