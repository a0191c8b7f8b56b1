"""Gates, readiness checklists, rollback thresholds and canaries."""

from __future__ import annotations

import re
from typing import Any

from governance.actions.gates import clean_checks, publish_version
from governance.actions.readiness import edit_checklist
from governance.actions.rollbacks import edit_rule
from governance.models import Gate, ReadinessChecklist, RollbackRule
from governance.rules.readiness_review import questions_fault
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.refusals import refuse
from reviews.models import ImprovementKind
from trains.actions.canary import change_config
from trains.models import CanaryConfig
from trains.rules import rollback_thresholds as rollbacks
from trains.rules.canary_config import ConfigError, config_of

from .registry import Plan, improves, line, unchanged

_SLUG = re.compile(r"[^a-z0-9]+")


@improves(ImprovementKind.GATE)
def gate(target: Gate, change: dict[str, Any], source: str) -> Plan:
    """A check is added to the gate, or its parameters change: a new version of the gate."""
    version = target.current_version
    checks = [dict(c) for c in version.checks] if version else []
    kind, name = change["check"], str(change.get("name") or "").strip().lower().replace(" ", "-")
    wanted = dict(change.get("parameters") or {})
    age = change.get("max_age_hours")
    present = next((c for c in checks if c["kind"] == kind and name in ("", c["name"])), None)
    if present is None:
        added = {"kind": kind, "name": name or kind, "parameters": wanted}
        checks.append({**added, "max_age_hours": age} if age else added)
        fresh = clean_checks(checks)
        made = fresh[-1]
        lines = [line(f"Check {made['name']}", "", _parameters(made))]
    else:
        old = dict(present["parameters"])
        place = checks.index(present)
        checks[place] = {
            **present,
            "parameters": {**old, **wanted},
            **({"max_age_hours": age} if age else {}),
        }
        fresh = clean_checks(checks)
        new = fresh[place]
        lines = [
            line(f"{new['name']}: {key.replace('_', ' ')}", old.get(key), value)
            for key, value in new["parameters"].items()
            if old.get(key) != value
        ]
        if new["max_age_hours"] != present["max_age_hours"]:
            lines.append(line(f"{new['name']}: hours that evidence counts", present["max_age_hours"], age))
        if not lines:
            unchanged(target)
    return Plan(publish_version, target, {"checks": fresh, "note": source}, lines)


def _parameters(check: dict[str, Any]) -> str:
    said = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in check["parameters"].items())
    return f"{check['kind']}{': ' + said if said else ''}"


@improves(ImprovementKind.CHECKLIST)
def checklist(target: ReadinessChecklist, change: dict[str, Any], source: str) -> Plan:
    """A question is added to the readiness checklist; reviews that run keep theirs."""
    if target.retired_at:
        refuse("readiness_checklist.retired", f"{target} is withdrawn.", remedy="Name the one in force.")
    question = str(change["question"]).strip()
    questions = [dict(q) for q in target.questions]
    if any(q["question"].strip().casefold() == question.casefold() for q in questions):
        unchanged(target)
    key = _SLUG.sub("-", question.lower()).strip("-")[:40].strip("-") or "question"
    taken = {q["key"] for q in questions}
    number = 2
    unique = key
    while unique in taken:
        unique, number = f"{key}-{number}", number + 1
    row = {
        "key": unique,
        "area": change["area"],
        "question": question,
        "weight": change["weight"],
        "mandatory": change["mandatory"],
    }
    fault = questions_fault([*questions, row])
    if fault:
        refuse("readiness_checklist.questions", fault, field="question", status=422)
    must = "mandatory" if change["mandatory"] else "not mandatory"
    lines = [line("Question", "", f"{question} (weight {change['weight']}, {must})")]
    return Plan(edit_checklist, target, {"questions": [*questions, row], "reason": source}, lines)


@improves(ImprovementKind.ROLLBACK)
def rollback(target: RollbackRule, change: dict[str, Any], source: str) -> Plan:
    """A pre-authorised threshold is set: it takes the place of the one on the same metric."""
    if target.retired_at:
        refuse("rollback_rule.retired", f"{target} is no longer in force.")
    wanted = rollbacks.read(change["threshold"])
    if wanted is None:
        refuse(
            "rollback_rule.threshold",
            f"{change['threshold'][:80]!r} states no threshold.",
            remedy=f"Write it like: {rollbacks.EXAMPLE}.",
            field="threshold",
            status=422,
        )
    assert wanted is not None
    present = [rollbacks.stored(t) for t in target.thresholds]
    before = [
        t for t in present if (t.metric.casefold(), t.above) == (wanted.metric.casefold(), wanted.above)
    ]
    if before == [wanted]:
        unchanged(target)
    kept = [t for t in present if t not in before]
    params = {
        "roles": [Role(r) for r in target.roles],
        "restore_minutes": target.restore_minutes,
        "fallback": target.fallback,
        "fallback_roles": [Role(r) for r in target.fallback_roles],
        "thresholds": "\n".join(str(t) for t in [*kept, wanted]),
        "controls": "\n".join(target.controls),
    }
    lines = [line("Rollback without asking", "; ".join(str(t) for t in before), wanted)]
    return Plan(edit_rule, target, params, lines)


@improves(ImprovementKind.CANARY)
def canary(target: CanaryConfig, change: dict[str, Any], source: str) -> Plan:
    """A metric joins the canary's analysis, or is judged otherwise; marks may move with it."""
    if target.retired_at:
        refuse("canary_config.retired", f"{target} is retired.", remedy="Name the one in use.")
    metrics = [dict(m) for m in target.metrics]
    present = next((m for m in metrics if m["name"] == change["metric"]), None)
    wanted = {**(present or {"name": change["metric"]}), **(change.get("settings") or {})}
    lines = []
    if present is None:
        metrics.append(wanted)
        said = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in wanted.items() if k != "name")
        lines.append(line(f"Metric {wanted['name']}", "", said or "judged either way"))
    else:
        metrics[metrics.index(present)] = wanted
        lines += [
            line(f"{wanted['name']}: {key.replace('_', ' ')}", present.get(key), value)
            for key, value in wanted.items()
            if present.get(key) != value
        ]
    params: dict[str, Any] = {"metrics": metrics, "reason": source}
    for mark in ("passes", "marginal"):
        if change.get(mark) is not None and change[mark] != getattr(target, mark):
            params[mark] = change[mark]
            lines.append(line(f"Score: {mark}", getattr(target, mark), change[mark]))
    if not lines:
        unchanged(target)
    try:
        config_of(
            metrics,
            target.group_weights,
            params.get("passes", target.passes),
            params.get("marginal", target.marginal),
        )
    except ConfigError as error:
        refuse("canary_config.metrics", str(error), field="settings", status=422)
    return Plan(change_config, target, params, lines)
