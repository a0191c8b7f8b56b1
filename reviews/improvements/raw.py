"""Service level objectives: the verb of the app that owns them, with its own parameters."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError

from releasetrain.audit.doorway import Action, actions_on
from releasetrain.interface.parameters import choices_of, validated
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from releasetrain.tenancy.scope import require_scope
from reviews.models import ImprovementKind

from .registry import Plan, improves, line, unchanged

# What a proposal may use of another app: changing what is there, never starting, approving or ending anything.
EDITING = ("adjust", "edit", "change")


@improves(ImprovementKind.SLO)
def slo(target: Any, change: dict[str, Any], source: str) -> Plan:
    """An objective is adjusted."""
    return _edited(target, change, source)


def editor_of(model: Any) -> Action | None:
    """The verb by which a kind of record is changed."""
    found = {a.tail: a for a in actions_on(model)}
    return next((found[tail] for tail in EDITING if tail in found), None)


def _edited(target: Any, change: dict[str, Any], source: str) -> Plan:
    act = editor_of(type(target))
    if act is None:
        refuse("improvement.no_verb", f"{target} cannot be changed.", field="target", status=422)
    assert act is not None
    given = dict(change["parameters"])
    names = {p.name for p in act.parameters}
    for name in ("reason", "note"):
        if name in names and name not in given:
            given[name] = source
    system = Actor.system(require_scope().organization_id, source)
    try:
        params = validated(act, given, system, target)
    except ValidationError as error:
        raise Refused(*_faults(error)) from error
    lines = []
    for parameter in act.parameters:
        if parameter.name not in change["parameters"]:
            continue
        before, after = getattr(target, parameter.name, None), params.get(parameter.name)
        if before != after:
            labels = dict(choices_of(parameter) or [])
            lines.append(
                line(parameter.label, labels.get(str(before), before), labels.get(str(after), after))
            )
    if not lines:
        unchanged(target)
    return Plan(act, target, params, lines)


def _faults(error: ValidationError) -> list[Refusal]:
    detail = error.detail if isinstance(error.detail, dict) else {"parameters": error.detail}
    return [
        Refusal("improvement.parameters", _words(said), field=f"parameters/{name}", status=422)
        for name, said in detail.items()
    ]


def _words(said: Any) -> str:
    while isinstance(said, list | dict) and said:
        said = next(iter(said.values())) if isinstance(said, dict) else said[0]
    return str(said)
