"""Verbs of advisories: a feed of published vulnerabilities is posted."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from governance import advisories, files
from governance.models import Advisory
from governance.rules import isolation
from governance.rules.intake.errors import LIMITS, ReportError
from releasetrain.audit.doorway import action
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import refuse

_SAID = (
    "aliases",
    "title",
    "severity",
    "score",
    "vector",
    "affected",
    "published_at",
    "modified_at",
    "withdrawn_at",
)
_MOMENTS = ("published_at", "modified_at", "withdrawn_at")


@action("advisory.post", creates=Advisory, requires="results.post", label="Post advisories")
def post_advisories(
    actor: Actor,
    *,
    file: Annotated[
        Upload,
        Field(
            "Feed",
            help="OSV as JSON or JSON Lines; CycloneDX with affected versions; or CSV with id, package, affected, severity.",
            max=LIMITS["scan"],
        ),
    ],
    source: Annotated[str, Field("Source", help="Whose feed it is.", max_length=120)] = "",
) -> dict[str, Any]:
    """Post published vulnerabilities: components of what is deployed are matched, and verdicts about them asked again.

    The same feed again changes nothing.
    """
    try:
        read = isolation.advisories(file.content)
    except ReportError as error:
        refuse(
            f"report.{error.code}",
            str(error),
            remedy="Post the feed as it was published; nothing of it was stored.",
            field="file",
        )
    except isolation.Busy:
        refuse(
            "report.busy",
            "Too many large files are being read.",
            remedy="Post it again in a minute.",
            status=503,
        )
    by_name = {row["identifier"]: _values(row) for row in read}
    known = {
        a.identifier: a for a in Advisory.objects.select_for_update().filter(identifier__in=list(by_name))
    }
    stored = files.keep(file.content, name=file.name)
    created, changed, withdrawn = [], [], []
    for name, values in by_name.items():
        advisory = known.get(name)
        if advisory is None:
            advisory = Advisory(identifier=name, source=source, file=stored, **values)
            created.append(advisory)
        elif any(getattr(advisory, field) != values[field] for field in _SAID):
            if values["withdrawn_at"] and not advisory.withdrawn_at:
                withdrawn.append(advisory)
            for field, value in values.items():
                setattr(advisory, field, value)
            advisory.file = stored
            changed.append(advisory)
    bulk_create_tracked(created)
    bulk_update_tracked(changed, [*_SAID, "packages", "file"])
    living = [a for a in (*created, *changed) if a.withdrawn_at is None]
    matched = advisories.match(living) if living else {"opened": 0, "builds": 0}
    return {
        "advisories": len(by_name),
        "created": len(created),
        "changed": len(changed),
        "unchanged": len(by_name) - len(created) - len(changed),
        "findings_opened": matched["opened"],
        "builds_affected": matched["builds"],
        "findings_withdrawn": advisories.withdraw(withdrawn),
    }


def _values(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of an advisory from what was read."""
    moments = {name: datetime.fromisoformat(row[name]) if row[name] else None for name in _MOMENTS}
    affected = list(row["affected"])
    return {
        "aliases": list(row["aliases"]),
        "title": row["title"],
        "severity": row["severity"],
        "score": Decimal(row["score"]) if row["score"] is not None else None,
        "vector": row["vector"],
        "affected": affected,
        "packages": sorted({entry["package"] for entry in affected}),
        **moments,
    }
