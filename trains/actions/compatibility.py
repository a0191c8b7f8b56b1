"""Verbs of version requirements between services, and of the skew that environments may have."""

from __future__ import annotations

from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import CompatibilityRule, Environment, Service, SkewLimit
from trains.rules.version_ranges import parse_range
from trains.rules.versions import VersionError

Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("compatibility_rule_once", "This requirement is declared already; edit it instead.")
explain_constraint("skew_limit_once", "This limit is declared already; edit it instead.")


def _range(text: str, field: str) -> str:
    try:
        return parse_range(text.strip()).text
    except VersionError as error:
        return str(
            refuse(
                "range.invalid",
                str(error),
                remedy="Write a SemVer range such as ^2.1, ~1.4.2 or >=1.4 <3.",
                field=field,
            )
        )


@action("compatibility_rule.create", creates=CompatibilityRule, requires="trains.manage", within="service")
def create_compatibility_rule(
    actor: Actor,
    *,
    service: Service,
    requires: Annotated[Service, Field("Needs service")],
    range: Annotated[
        str, Field("In versions", help="A SemVer range, e.g. ^2.1 or >=1.4 <3.", max_length=200)
    ],
    versions: Annotated[
        str,
        Field("From its versions", help="Which versions of the service need it; * for all.", max_length=200),
    ] = "*",
    environment: Annotated[Environment | None, Field("Environment", help="Empty: everywhere.")] = None,
    reason: Reason = "",
) -> CompatibilityRule:
    """Declare which versions of another service a service needs."""
    if service.pk == requires.pk:
        refuse("compatibility_rule.same", "A service needs no version of itself.", field="requires")
    return CompatibilityRule.objects.create(
        service=service,
        requires=requires,
        range=_range(range, "range"),
        versions=_range(versions or "*", "versions"),
        environment=environment,
        reason=reason,
    )


@action("compatibility_rule.edit", on=CompatibilityRule, requires="trains.manage")
def edit_compatibility_rule(
    actor: Actor,
    requirement: CompatibilityRule,
    *,
    range: Annotated[str | None, Field("In versions", max_length=200)] = None,
    versions: Annotated[str | None, Field("From its versions", max_length=200)] = None,
    reason: Annotated[str | None, Field("Reason", long=True)] = None,
) -> CompatibilityRule:
    """Change the ranges; what is left empty stays."""
    if range:
        requirement.range = _range(range, "range")
    if versions:
        requirement.versions = _range(versions, "versions")
    if reason is not None:
        requirement.reason = reason
    requirement.save()
    return requirement


@action("compatibility_rule.retire", on=CompatibilityRule, requires="trains.manage", danger=True)
def retire_compatibility_rule(
    actor: Actor, requirement: CompatibilityRule, *, reason: Reason
) -> CompatibilityRule:
    """Withdraw a requirement; it no longer blocks anything."""
    if requirement.retired_at:
        refuse("compatibility_rule.retired", f"{requirement} is withdrawn already.")
    requirement.retired_at = now()
    requirement.save()
    return requirement


@action("skew_limit.create", creates=SkewLimit, requires="trains.manage")
def create_skew_limit(
    actor: Actor,
    *,
    ahead: Annotated[Environment, Field("Environment ahead", help="E.g. staging.")],
    behind: Annotated[Environment, Field("Environment behind", help="E.g. production.")],
    part: Annotated[SkewLimit.Part, Field("Counted in")] = SkewLimit.Part.MINOR,
    at_most: Annotated[int, Field("At most", min=0, max=100)] = 1,
    service: Annotated[Service | None, Field("Service", help="Empty: every service.")] = None,
    reason: Reason = "",
) -> SkewLimit:
    """Limit how far versions in one environment may be ahead of another."""
    if ahead.pk == behind.pk:
        refuse("skew_limit.same", "An environment is not ahead of itself.", field="behind")
    return SkewLimit.objects.create(
        service=service, ahead=ahead, behind=behind, part=part, at_most=at_most, reason=reason
    )


@action("skew_limit.edit", on=SkewLimit, requires="trains.manage")
def edit_skew_limit(
    actor: Actor,
    limit: SkewLimit,
    *,
    at_most: Annotated[int, Field("At most", min=0, max=100)],
    reason: Annotated[str | None, Field("Reason", long=True)] = None,
) -> SkewLimit:
    """Change how far it may be."""
    limit.at_most = at_most
    if reason is not None:
        limit.reason = reason
    limit.save()
    return limit


@action("skew_limit.retire", on=SkewLimit, requires="trains.manage", danger=True)
def retire_skew_limit(actor: Actor, limit: SkewLimit, *, reason: Reason) -> SkewLimit:
    """Withdraw a limit; it no longer blocks anything."""
    if limit.retired_at:
        refuse("skew_limit.retired", "The limit is withdrawn already.")
    limit.retired_at = now()
    limit.save()
    return limit
