"""Runbooks and every other document of the register: a new version, which a second person approves."""

from __future__ import annotations

from typing import Any

from governance.actions.documents import revise_document
from governance.models import Document
from releasetrain.kernel.refusals import refuse
from reviews.models import ImprovementKind

from .registry import Plan, improves, line, unchanged


@improves(ImprovementKind.RUNBOOK)
def runbook(target: Document, change: dict[str, Any], source: str) -> Plan:
    """A section is added to the document, or the section with the same heading is rewritten."""
    latest = target.in_force or target.versions.order_by("-number").first()
    text = latest.text if latest is not None else ""
    if latest is not None and not text:
        refuse(
            "improvement.not_text",
            f"{target} is a file or an address; its text is not kept here.",
            remedy="Revise the document itself, and apply the proposal as an onboarding note or a debt item.",
            field="document",
        )
    before, after = _with_section(text, change["section"].strip(), change["text"].strip())
    if before.strip() == change["text"].strip():
        unchanged(target)
    lines = [line(f"Section “{change['section'].strip()}”", before, change["text"].strip())]
    return Plan(revise_document, target, {"text": after, "note": source}, lines)


def _with_section(text: str, heading: str, body: str) -> tuple[str, str]:
    """(what stood below the heading, the whole text with the new section)."""
    rows = text.splitlines()
    start = next((n for n, row in enumerate(rows) if row.lstrip("# ").casefold() == heading.casefold() and row.startswith("#")), None)  # fmt: skip
    if start is None:
        whole = text.rstrip()
        return "", f"{whole}\n\n## {heading}\n\n{body}\n" if whole else f"## {heading}\n\n{body}\n"
    level = len(rows[start]) - len(rows[start].lstrip("#"))
    end = next(
        (
            n
            for n in range(start + 1, len(rows))
            if rows[n].startswith("#") and len(rows[n]) - len(rows[n].lstrip("#")) <= level
        ),
        len(rows),
    )
    before = "\n".join(rows[start + 1 : end]).strip()
    return before, "\n".join([*rows[: start + 1], "", body, "", *rows[end:]]).rstrip() + "\n"
