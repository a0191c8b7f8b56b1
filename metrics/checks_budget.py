"""Gate checks that metrics supply."""

from __future__ import annotations

from governance.checks.parameters import Parameter, flag
from governance.checks.registry import CheckContext, Outcome, check, failed, passed, pending
from metrics.queries import slos
from metrics.rules.budgets import BudgetState


@check(
    "error-budget",
    title="Error budget",
    parameters={
        "least": Parameter(
            int, "At least left, in per cent", 10, "Of the budget of each objective.", min=0, max=100
        ),
        "required": flag("Objectives are required", False, "A service without any does not pass."),
    },
    words=lambda least, required: (
        f"Each objective of the services has at least {least} % of its error budget left"
        + ("; each service has one." if required else ".")
    ),
    max_age_hours=1,
)
def error_budget(ctx: CheckContext, *, least: int, required: bool) -> Outcome:
    """What users were promised leaves room for a change that may fail."""
    found = slos.live(ctx.services)
    covered = {slo.service_id for slo in found}
    without = sorted(service.name for service in ctx.services if service.pk not in covered)
    if required and without:
        return failed(
            f"{', '.join(without[:5])}: no service level objective.",
            "Add objectives for these services.",
            facts={"without": without},
        )
    if not found:
        return passed("The services have no objectives.", facts={"objectives": []})
    standing = slos.budgets(found, ctx.at)
    facts = {
        "objectives": [[slo.key, str(standing[slo.pk].state), standing[slo.pk].left_percent] for slo in found]
    }
    unknown = [slo for slo in found if standing[slo.pk].state is BudgetState.UNKNOWN]
    spent = [slo for slo in found if slo not in unknown and 100 * (standing[slo.pk].left or 0.0) < least]
    if spent:
        said = ", ".join(
            f"{slo.key} ({slo.service}) has {standing[slo.pk].left_percent} %" for slo in spent[:5]
        )
        return failed(
            f"{said} of the error budget left; {least} % are needed.",
            "Ship what makes the services more reliable first, or adjust the objective for a reason.",
            evidence=spent,
            facts=facts,
        )
    if unknown:
        said = ", ".join(f"{slo.key}: {standing[slo.pk].reason}" for slo in unknown[:5])
        return pending(
            said, "Let the values of these series be posted or pulled.", evidence=unknown, facts=facts
        )
    return passed(
        f"Each of {len(found)} objectives has at least {least} % left.", evidence=found, facts=facts
    )
