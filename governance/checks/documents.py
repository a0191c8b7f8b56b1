"""The check of required documents: what the tiers of a release and of its services demand is approved and in force."""

from __future__ import annotations

from datetime import UTC, datetime, time

from django.db.models import Q

from governance.models import DocumentKind
from governance.queries.documents import in_force, missing_for
from releasetrain.kernel.refusals import Ref

from .context import CheckContext
from .parameters import texts
from .registry import Outcome, check, failed, passed, pending

_SHOWN = 5


@check(
    "required-documents",
    title="Required documents",
    parameters={
        "kinds": texts("Only these kinds", help="Short names, one a line. Empty: all that the tiers require.")
    },
    words="Every document that the tiers of the release and its services require is approved and in force.",
    max_age_hours=24,
)
def required_documents(ctx: CheckContext, *, kinds: list[str]) -> Outcome:
    """Documents by tier, with version, approval and expiry: authority to operate, recovery plan, runbook, release plan."""
    known = dict(DocumentKind.objects.filter(retired_at__isnull=True).values_list("code", "title"))
    unknown = sorted(set(kinds) - known.keys())
    if unknown:
        return Outcome(
            "error",
            f"There is no kind of document called {', '.join(unknown)}.",
            "Make it, or publish a version of the gate without it.",
        )
    if not known:
        return pending(
            "No kinds of documents are defined, so nothing says what is required.",
            "Add the standard kinds of documents.",
            facts={"kinds": []},
        )
    subjects = [*ctx.services, *([ctx.release] if ctx.release else [])]
    lacking = [(k, s) for k, s in missing_for(subjects, ctx.at) if not kinds or k.code in kinds]
    about = Q(document__service__in=ctx.services)
    if ctx.release:
        about |= Q(document__release=ctx.release)
    versions = list(in_force(ctx.at).filter(about).select_related("document"))
    facts = {
        "missing": sorted([k.code, str(s.pk)] for k, s in lacking),
        "in_force": sorted(str(v.pk) for v in versions),
        "only": sorted(kinds),
    }
    if lacking:
        said = "; ".join(f"{k} of {s}" for k, s in lacking[:_SHOWN])
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        return failed(
            f"Not approved or not in force: {said}{more}.",
            "Write it, and have somebody else approve it.",
            evidence=[Ref.of(s) for _, s in lacking[:20]],
            facts=facts,
        )
    ends = [v.expires_on for v in versions if v.expires_on]
    until = datetime.combine(min(ends), time(), UTC) if ends else None
    said = (
        f"{len(versions)} documents are approved and in force."
        if versions
        else "The tiers of what is released require no document."
    )
    return passed(said, evidence=[v.document for v in versions[:20]], facts=facts, valid_until=until)
