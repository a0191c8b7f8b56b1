"""Publishing how problems are handled: costs, depth of review, time to catch up, retention."""

from __future__ import annotations

import math
from typing import Annotated, Any

from governance.gates import invalidate
from problems.models import ProblemPolicy
from problems.queries.policy import STANDARD_DAYS, policy_in_force
from problems.rules.fix_risk import CLASSES, DOCUMENTS
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.refusals import refuse

explain_constraint(
    "problem_policy_version_once", "Somebody else published a version just now; look at it first."
)

SEVERITY_WORDS = ("1", "2", "3", "4")


@action(
    "problem_policy.publish", creates=ProblemPolicy, requires="problems.manage", label="Publish a version"
)
def publish(
    actor: Actor,
    *,
    reason: Annotated[str, Field("Why", long=True, max_length=2_000)],
    currency: Annotated[
        str,
        Field("Currency", help="Three letters, e.g. EUR; pts for points. Empty: as before.", max_length=3),
    ] = "",
    incident_costs: Annotated[
        dict,
        Field(
            "Cost of an incident",
            help='By severity, before its first hour, e.g. {"1": 20000, "2": 5000, "3": 500, "4": 0}. Empty: as before.',
        ),
    ] = {},  # noqa: B006 - read only
    hour_costs: Annotated[
        dict, Field("Cost of each hour until restored", help="By severity. Empty: as before.")
    ] = {},  # noqa: B006 - read only
    systemic_incidents: Annotated[
        int | None, Field("Systemic from incidents", help="Empty: as before.", min=2, max=1000)
    ] = None,
    documents: Annotated[
        dict,
        Field(
            "Depth of review",
            help=f"Risk class (low, medium, high) → list of {', '.join(DOCUMENTS)}. Empty: as before.",
        ),
    ] = {},  # noqa: B006 - read only
    catch_up_days: Annotated[
        dict, Field("Days to catch up deviations", help="By severity. Empty: as before.")
    ] = {},  # noqa: B006 - read only
    keep_days: Annotated[
        int | None, Field("Days that artefacts of critical fixes are kept", min=1, max=36_500)
    ] = None,
    keep_severity: Annotated[int | None, Field("Critical up to severity", min=1, max=4)] = None,
) -> ProblemPolicy:
    """Publish a new version; what is left empty stays as it was. What was decided before stays under its own version."""
    if actor.user_id is None:
        refuse("problem_policy.person", "A person publishes a policy.", status=403)
    if not reason.strip():
        refuse("required", "Say why.", field="reason")
    now = policy_in_force()
    if currency and not (currency.isascii() and currency.isalpha() and len(currency) == 3):
        refuse("problem_policy.currency", "A currency has three letters, like EUR.", field="currency")
    made = ProblemPolicy.objects.create(
        number=now.number + 1,
        currency=(currency.lower() if currency.lower() == "pts" else currency.upper()) or now.currency,
        incident_costs={**now.incident_costs, **_numbers(incident_costs, "incident_costs")},
        hour_costs={**now.hour_costs, **_numbers(hour_costs, "hour_costs")},
        systemic_incidents=systemic_incidents or now.systemic_incidents,
        documents={**now.documents, **_documents(documents)},
        catch_up_days={**STANDARD_DAYS, **now.catch_up_days, **_days(catch_up_days)},
        keep_days=keep_days or now.keep_days,
        keep_severity=keep_severity or now.keep_severity,
        author_id=actor.user_id,
        reason=reason.strip(),
    )
    invalidate(organization=True)
    return made


def _numbers(given: dict[str, Any], field: str) -> dict[str, float]:
    for severity, value in given.items():
        if severity not in SEVERITY_WORDS:
            refuse(
                "problem_policy.severity",
                f"{str(severity)[:20]} is no severity; they are 1 to 4.",
                field=field,
            )
        fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not fine or not 0 <= value <= 1e9:
            refuse(
                "problem_policy.cost",
                f"The value of severity {severity} is no number from 0 to 1e9.",
                field=field,
            )
    return dict(given)


def _days(given: dict[str, Any]) -> dict[str, int]:
    _numbers(given, "catch_up_days")
    for severity, value in given.items():
        if not isinstance(value, int) or not 1 <= value <= 365:
            refuse(
                "problem_policy.days",
                f"Severity {severity} takes 1 to 365 whole days.",
                field="catch_up_days",
            )
    return given


def _documents(given: dict[str, Any]) -> dict[str, list[str]]:
    for name, wanted in given.items():
        if name not in CLASSES:
            refuse(
                "problem_policy.class",
                f"{str(name)[:20]} is no risk class: {', '.join(CLASSES)}.",
                field="documents",
            )
        unknown = (
            [str(w)[:40] for w in wanted if w not in DOCUMENTS]
            if isinstance(wanted, list)
            else [str(wanted)[:40]]
        )
        if unknown:
            refuse(
                "problem_policy.document",
                f"{', '.join(unknown)} cannot be asked for.",
                remedy=f"Choose of: {', '.join(DOCUMENTS)}.",
                field="documents",
            )
    return {name: list(dict.fromkeys(wanted)) for name, wanted in given.items()}
