"""WSJF and predictability against published examples and rules."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planning.rules.predictability import Objective, train_predictability
from planning.rules.wsjf import Job, rank, wsjf

VECTORS = Path(os.environ.get("RELEASETRAIN_VECTORS", "")) / "08_misc" / "wsjf_safe"
pytestmark = pytest.mark.skipif(
    not os.environ.get("RELEASETRAIN_VECTORS") or not VECTORS.is_dir(),
    reason="RELEASETRAIN_VECTORS does not name the folder of published vectors",
)


def examples() -> list[dict]:
    if not VECTORS.is_dir():
        return []
    return json.loads((VECTORS / "wsjf_examples.json").read_text(encoding="utf-8"))["examples"]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["source"][:40])
def test_published_examples(example):
    jobs = []
    for each in example["jobs"]:
        job = Job(
            each["id"],
            each["value"],
            each["time"],
            each["rroe"],
            each["size"],
            datetime(2024, 1, 1, tzinfo=UTC),
        )
        assert job.cost_of_delay == each["cod"]
        assert float(job.wsjf) == pytest.approx(each["wsjf"], abs=5e-5)
        jobs.append(job)
    if "order" in example:
        assert [each.job.id for each in rank(jobs)] == example["order"]


def test_the_edges_of_the_published_rules():
    with pytest.raises(ValueError, match="larger than zero"):
        wsjf(1, 1, 1, 0)


def test_predictability_by_the_published_rules():
    rules = json.loads((VECTORS / "pi_predictability.json").read_text(encoding="utf-8"))
    assert "COMMITTED objectives only" in rules["rules"][0]
    found = train_predictability(
        [Objective("A", 10, 9), Objective("A", 5, 5, committed=False), Objective("B", 8, 4)]
    )
    assert [team.percent for team in found.teams] == [140.0, 50.0]
    assert found.total.percent == 100.0, "the summary total: Σ actual ÷ Σ planned"
    assert found.average_of_teams == 95.0, "the other published way, shown beside it by name"
