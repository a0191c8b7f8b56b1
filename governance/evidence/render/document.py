"""The document that index page and PDF show: words only, made once from what was gathered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string

from governance.evidence.collect import Subject
from governance.evidence.overview import Overview, Section
from governance.evidence.packing import path_of_file, path_of_page
from governance.models import StoredFile

from .words import heading, moment, said

# How many lines a table has before it points to the pages of records.
ON_INDEX = 100
IN_PDF = 40
# Fields of the subject that the first page says, in this order, where the subject has them.
_SAID = (
    *(
        "train",
        "version",
        "name",
        "title",
        "state",
        "classification",
        "type",
        "risk",
        "tier",
        "outcome",
        "severity",
    ),
    *(
        "target_at",
        "frozen_at",
        "approved_at",
        "window_starts",
        "window_ends",
        "released_at",
        "author",
        "content_digest",
    ),
)


def document(
    subject: Subject,
    organization: str,
    overview: Overview,
    files: list[StoredFile],
    trail: list[dict[str, str]],
    seal: list[tuple[str, str]],
    counts: dict[str, int],
) -> dict[str, Any]:
    """Everything that the renderings say."""
    facts = [("Organization", organization), (subject.title, subject.label)]
    facts += [
        (heading(name).removesuffix(" at"), said(overview.subject_data.get(name), name))
        for name in _SAID
        if overview.subject_data.get(name) not in (None, "")
    ]
    facts += [
        ("Facts as of", moment(overview.facts_at)),
        (
            "Contains",
            f"{counts['records']} records, {counts['files']} report files, {counts['entries']} ledger entries",
        ),
    ]
    return {
        "title": f"{subject.title} {subject.label}",
        "organization": organization,
        "intro": (
            "This package holds everything that is recorded about its subject: the records with their history, "
            "the reports as they were received, and the entries of the audit ledger with proofs that they stand "
            "in the sealed ledger."
        ),
        "facts": facts,
        "facts_at": moment(overview.facts_at),
        "remarks": [{"title": title, "text": text, "link": link} for title, text, link in overview.remarks],
        "remarks_left_out": overview.remarks_left_out,
        "sections": [_section(section, ON_INDEX) for section in overview.ordered()],
        "files": [
            {"name": f.name, "size": f.size, "digest": f.digest, "path": path_of_file(f)} for f in files
        ],
        "trail": {
            "rows": trail,
            "total": counts["entries"],
            "first": path_of_page("ledger", 1) if trail else "",
        },
        "seal": seal,
    }


def index_html(document: dict[str, Any]) -> str:
    """The page that a reader opens first."""
    body = render_to_string("governance/evidence/package_index.html", {"document": document})
    frame = {"title": "Evidence package", "about": document["title"], "root": "", "body": body}
    return render_to_string("governance/evidence/package_page.html", frame)


def for_paper(document: dict[str, Any]) -> dict[str, Any]:
    """The same with shorter tables: the PDF is to be read, the rest is in the pages and in the JSON."""
    sections = []
    for section in document["sections"]:
        rows = section["rows"][:IN_PDF]
        sections.append(
            {**section, "rows": [row["cells"] for row in rows], "more": section["lines"] - len(rows)}
        )
    files = document["files"]
    return {
        **document,
        "sections": sections,
        "files": files[:IN_PDF],
        "files_left_out": max(0, len(files) - IN_PDF),
    }


def _section(section: Section, most: int) -> dict[str, Any]:
    how = section.how
    rows = [{"cells": line.cells, "link": line.link} for line in section.lines[:most]]
    return {
        "kind": how.kind,
        "title": how.title,
        "note": how.note,
        "absent": how.absent,
        "gap": how.gap,
        "columns": [column for column, _ in how.columns] or ["Record"],
        "rows": rows,
        "total": section.count,
        "lines": len(section.lines),
        "more": len(section.lines) - len(rows),
        "first": path_of_page(how.kind, 1) if rows else "",
    }


def as_of(facts_at: datetime) -> int:
    """The PDF's own date: the facts' moment, not the clock, so that the same facts give the same bytes."""
    return int(facts_at.timestamp())
