"""The reference page says what the code computes."""

from __future__ import annotations

from pathlib import Path

from metrics.rules.definitions import DEFINITIONS, DIFFERENCES, Metric, as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics-definitions.md"


def test_the_reference_page_is_the_definitions():
    assert PAGE.read_text(encoding="utf-8") == as_markdown()


def test_every_metric_is_defined_and_every_difference_is_told_once():
    assert set(DEFINITIONS) == set(Metric)
    assert len({(each.other, each.topic) for each in DIFFERENCES}) == len(DIFFERENCES)
