"""The faces of the tool catalogue: what is standard, and which train uses what."""

from __future__ import annotations

from releasetrain.exchange.actions import tools as _actions  # noqa: F401 - its verbs
from releasetrain.exchange.models import ToolStandard, ToolUse
from releasetrain.exchange.pages.tools import use_page
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        ToolStandard,
        plural="tool-standards",
        section="integrations",
        icon="check",
        columns=("tool", "category", "stance", "since", "reason"),
        filters=("category", "stance"),
        search=("tool", "reason"),
        order=("category", "tool"),
        description="What the organization says of each tool: adopt, hold or retire.",
    )
)
register(
    Resource(
        ToolUse,
        plural="tool-uses",
        section="integrations",
        icon="plug",
        columns=(
            "tool",
            "category",
            "train",
            "team",
            "connector_kind",
            "since",
            "exception_until",
            "ended_on",
        ),
        filters=("train", "category", "connector_kind"),
        search=("tool", "exception_reason"),
        order=("train__key", "category", "tool"),
        select=("train", "team"),
        template="exchange/tool_use.html",
        context=use_page,
        description="Which train uses which tool, and the connector through which it is seen here.",
    )
)
