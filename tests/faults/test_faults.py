"""Two hundred rounds of faults: nothing is lost, nothing passes wrongly, nothing happens twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from releasetrain.embedded.fingerprint import ROOT

ROUNDS = 200


@pytest.mark.patient
@pytest.mark.timeout(900)
def test_work_survives_every_fault(test_run: Any, record_property: Any) -> None:
    """Real PostgreSQL, real Valkey, a real Celery worker, and processes that die at a chosen step of their work."""
    command = [sys.executable, "-m", "tests.faults.rounds", "--rounds", str(ROUNDS)]
    if seed := os.environ.get("RELEASETRAIN_FAULTS_SEED"):
        command += ["--seed", seed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-8000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    record_property("summary", summary(counts))
    assert (counts["lost"], counts["passed"], counts["doubled"]) == (0, 0, 0), done.stderr[-8000:]
    assert counts["rounds"] == ROUNDS
    # The rounds are worth nothing if the faults miss the work.
    assert counts["killed in the middle"] >= ROUNDS / 4
    assert counts["interrupted"] >= ROUNDS / 10


def summary(counts: dict[str, Any]) -> str:
    rounds = ", ".join(
        f"{counts[f'{kind} rounds']} {said}"
        for kind, said in (
            ("process", "kill -9 at a chosen step"),
            ("worker child", "of a worker's child"),
            ("worker", "of a worker"),
            ("broker", "broker restarts"),
            ("database", "database restarts"),
        )
    )
    return (
        f"Faults: {counts['rounds']} rounds ({rounds}) on {counts['evaluations']} evaluations, {counts['votes']} votes, "
        f"{counts['packages']} packages, {counts['deployments']} deployments; {counts['lost']} lost, "
        f"{counts['passed']} wrongly passed, {counts['doubled']} doubled; "
        f"{counts['killed in the middle']} processes died in the middle, {counts['interrupted']} works interrupted, "
        f"{counts['workers ended']} workers ended by themselves and were started again; "
        f"seed {counts['seed']}, {counts['seconds']} s"
    )
