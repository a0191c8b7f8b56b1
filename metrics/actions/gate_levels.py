"""Trying another level of a check on past releases: the replay of gates, with one parameter changed."""

from __future__ import annotations

from copy import deepcopy
from typing import Annotated

from governance.actions.replays import replay_gate
from governance.checks import registry
from governance.models import Gate, Replay
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse


@action("gate.try_level", on=Gate, requires="gates.manage", label="Try another level")
def try_level(
    actor: Actor,
    gate: Gate,
    *,
    check: Annotated[str, Field("Check", help="Its name in the version in force.", max_length=120)],
    parameter: Annotated[str, Field("Parameter", max_length=60)],
    value: Annotated[float, Field("Level to try")],
    days: Annotated[int, Field("Days back", min=1, max=1096)] = 365,
    most: Annotated[int, Field("Releases at most", help="The latest ones.", min=1, max=500)] = 200,
) -> Replay:
    """Replay the gate over past releases with another level of one check. Nothing is published."""
    version = gate.current_version
    if version is None:
        refuse("gate.unpublished", f"{gate} has no published version.", blocked_by=Ref.of(gate))
    checks = deepcopy(version.checks)
    chosen = next((c for c in checks if c["name"] == check), None)
    if chosen is None:
        named = ", ".join(c["name"] for c in checks)
        refuse(
            "gate.check",
            f"{gate} has no check {check[:60]}.",
            remedy=f"It has {named}.",
            field="check",
            status=422,
        )
    kind = registry.find(chosen["kind"])
    known = kind.parameters.get(parameter) if kind else None
    if known is None or known.kind not in (int, float):
        levels = ", ".join(n for n, p in (kind.parameters.items() if kind else ()) if p.kind in (int, float))
        refuse(
            "gate.parameter",
            f"{check} has no level {parameter[:60]}.",
            remedy=f"It has {levels}." if levels else "It has no level to change.",
            field="parameter",
            status=422,
        )
    if known.kind is int and value != int(value):
        refuse("gate.level", f"{known.label} is a whole number.", field="value", status=422)
    chosen["parameters"][parameter] = int(value) if known.kind is int else value
    if (known.min is not None and value < known.min) or (known.max is not None and value > known.max):
        refuse("gate.level", f"{known.label} is {known.limits}.", field="value", status=422)
    replay: Replay = replay_gate(actor, gate, checks=checks, days=days, most=most)
    return replay
