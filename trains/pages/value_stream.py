"""The value stream of a pipeline: where changes wait, where they are worked on, and where hands change."""

from __future__ import annotations

from typing import Any

from releasetrain.interface import links
from trains.models import Pipeline
from trains.queries.value_stream import DAYS, stream_of

CHOICES = (30, 90, 365)


def pipeline_page(request: Any, pipeline: Pipeline) -> dict[str, Any]:
    """What the page of a pipeline shows beyond the generic one."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(d) for d in CHOICES} else DAYS
    return {"root": links.page_root(), "found": stream_of(pipeline, days), "choices": CHOICES}
