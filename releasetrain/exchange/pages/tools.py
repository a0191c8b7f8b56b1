"""Pages of the tool catalogue: the matrix of trains and categories with its gaps, and one use."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from governance.pages.csv_file import csv_file
from releasetrain.audit.doorway import actions
from releasetrain.exchange.models import ConnectorKind, ToolCategory, ToolStandard, ToolUse
from releasetrain.exchange.queries import connectors
from releasetrain.exchange.queries.tools import catalogue, words_of
from releasetrain.exchange.rules import tools as rules
from releasetrain.interface.links import verb_url
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now

GAP_WORDS = {
    "standard": "Off standard",
    "connector": "Not seen",
    "pipeline": "Pipeline silent",
    "unassigned": "Unassigned",
    "empty": "Not recorded",
}
_TONES = {"standard": "bad", "connector": "warn", "pipeline": "warn", "unassigned": "idle", "empty": "idle"}


@require_safe
def show(request: Any) -> HttpResponse:
    """The matrix, what is standard, how much of it over time, and the gaps."""
    found = catalogue()
    registry = actions()
    context = {
        "section": "integrations",
        "title": "Tools",
        "catalogue": found,
        "categories": list(ToolCategory),
        "by_category": [
            (category.label, [s for s in found.standards if s.category == category])
            for category in ToolCategory
        ],
        "gaps": [(GAP_WORDS[gap.kind], _TONES[gap.kind], gap) for gap in found.gaps],
        "latest": found.shares[-1] if found.shares else None,
        "standard_percent": round(100 * found.shares[-1][1] / found.shares[-1][2]) if found.shares else None,
        "shares": [(day, part, whole, round(100 * part / whole)) for day, part, whole in found.shares],
        "creators": [
            (registry[verb].decide(request.actor), verb_url(registry[verb]), registry[verb].title)
            for verb in ("tool_standard.create", "tool_use.create")
        ],
    }
    return page(request, "exchange/tools.html", context)


@require_safe
def export(request: Any) -> HttpResponse:
    """The catalogue as CSV: one line for each tool in use, and one for each category without."""
    rows = []
    for cell in catalogue().cells:
        if not cell.lines:
            rows.append([cell.train.key, "", cell.category.label, "", "", "", cell.gap, "", ""])
        rows += [
            [
                cell.train.key,
                str(line.use.team or ""),
                cell.category.label,
                line.use.tool,
                ConnectorKind(line.use.connector_kind).label,
                line.health.word,
                line.health.sentence,
                line.standing_word,
                line.use.exception_until or "",
            ]
            for line in cell.lines
        ]
    header = (
        "Train",
        "Team",
        "Category",
        "Tool",
        "Connector",
        "Health",
        "Why",
        "Standing",
        "Exception until",
    )
    return csv_file("tools", header, rows)


def use_page(request: Any, use: ToolUse) -> dict[str, Any]:
    """A use: its connector with how it is, and how the tool stands to the standard."""
    words = [
        word for standard in ToolStandard.objects.filter(category=use.category) for word in words_of(standard)
    ]
    sign = connectors.signs([(use.connector_kind, use.connector)]).get((use.connector_kind, use.connector))
    as_rule = rules.Use(use.category, use.tool, use.since, use.ended_on, use.exception_until)
    standing = rules.standing(as_rule, words, now().date())
    connected = connectors.found(use.connector_kind, use.connector)[1] if use.connector_kind else None
    return {
        "health": rules.health(sign, use.category, now()),
        "sign": sign,
        "connected": connected,
        "standing_word": rules.STANDING_WORDS[standing],
        "standing_tone": rules.STANDING_TONES[standing],
    }
