"""The guide of gates lists every kind, fact and precondition as they are."""

from __future__ import annotations

from pathlib import Path

from governance.checks import registry
from governance.checks.listing import rewritten

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "gates.md"


def test_the_guide_lists_kinds_facts_and_preconditions_as_they_are() -> None:
    text = GUIDE.read_text()
    assert rewritten(text) == text, "Run `manage.py write_checks`."
    for kind in registry.kinds():
        assert f"| `{kind}` |" in text
