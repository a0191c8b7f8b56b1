"""A pytest plugin: run the tests that belong to a row (or all), and write down what came of each (`pytest -p tests.scorecard.choosing`)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .rows import ROWS

RESULTS, CHOSEN = "SCORECARD_RESULTS", "SCORECARD_ROWS"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ[CHOSEN]:
        return
    chosen = {int(number) for number in os.environ[CHOSEN].split(",")}
    rows = [row for row in ROWS if row.number in chosen]
    kept = [item for item in items if any(row.takes(item.nodeid) for row in rows)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(), "scorecard-recorder")


class _Recorder:
    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = self.outcomes.setdefault(
            report.nodeid, {"outcome": "passed", "said": [], "counted": {}, "why": ""}
        )
        if report.outcome != "passed":
            known["outcome"] = report.outcome
            known["why"] = str(report.longrepr)[-300:]
        if report.when == "call":
            known["said"] = [str(value) for name, value in report.user_properties if name == "summary"]
            # What parts of one test count is added up: `record_property("calls", 547)`.
            known["counted"] = {name: n for name, n in report.user_properties if isinstance(n, int)}

    def pytest_sessionfinish(self) -> None:
        Path(os.environ[RESULTS]).write_text(json.dumps(self.outcomes))
