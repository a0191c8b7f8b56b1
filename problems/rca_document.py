"""The document of a root cause analysis: written out when it is validated, kept by digest, travelling with the release."""

from __future__ import annotations

from governance.files import keep
from governance.models import StoredFile
from problems.models import RootCause
from problems.rules.analysis import grouped
from releasetrain.kernel.clock import now


def document_of(cause: RootCause, validator: str) -> str:
    """The analysis as Markdown, for people without this product."""
    problem = cause.problem
    incidents = [link.incident for link in problem.incidents.select_related("incident").order_by("id")]
    lines = [
        f"# Root cause of {problem.key}: {problem.title}",
        "",
        f"- Service: {problem.service.name}",
        f"- Severity: {problem.get_severity_display()}",
        f"- Category: {cause.get_category_display()}",
        f"- Method: {cause.get_method_display()}",
        f"- Author: {cause.author}",
        f"- Validated: {now():%Y-%m-%d %H:%M} UTC by {validator}",
        "",
        "## Root cause",
        "",
        cause.statement,
        "",
        "## Steps",
        "",
        *(_steps(cause) or ["No steps were written down."]),
        "",
        "## Evidence",
        "",
        *(f"- {each}" for each in cause.evidence),
        "",
        "## Incidents",
        "",
        *(
            [f"- {i.key} {i.title} ({i.detected_at:%Y-%m-%d %H:%M} UTC)" for i in incidents]
            or ["None is linked."]
        ),
    ]
    if cause.note:
        lines += ["", "## What convinced the validator", "", cause.note]
    return "\n".join(lines) + "\n"


def _steps(cause: RootCause) -> list[str]:
    if cause.method == RootCause.Method.FISHBONE:
        return [f"- {branch}: {'; '.join(texts)}" for branch, texts in grouped(cause.analysis)]
    if cause.method in (RootCause.Method.FIVE_WHYS, RootCause.Method.REPRODUCTION):
        return [
            f"{n}. {step['label'] + ' ' if step['label'].endswith('?') else ''}{step['text']}"
            for n, step in enumerate(cause.analysis, 1)
        ]
    return [f"- {step['label']}: {step['text']}" for step in cause.analysis]


def keep_document(cause: RootCause, validator: str) -> StoredFile:
    """Store the document as it is validated."""
    text = document_of(cause, validator)
    return keep(
        text.encode(), name=f"root-cause-{cause.problem.key}-{cause.pk}.md", media_type="text/markdown"
    )
