"""The page of a plan change: what comes, what leaves, and what that does to capacity."""

from __future__ import annotations

from typing import Any

from planning.models import PlanChange
from planning.queries import plan_changes as queries


def plan_change_page(request: Any, change: PlanChange) -> dict[str, Any]:
    """While it is a draft or submitted the effect is counted now; a decided one shows what was decided on."""
    undecided = change.state in ("draft", "submitted")
    cells = [c.as_dict() for c in queries.capacity_effect(change)] if undecided else change.capacity
    return {
        "items": list(change.items.select_related("feature", "team", "iteration")),
        "cells": cells,
        "undecided": undecided,
    }
