"""Ten thousand findings posted over HTTP: read, checked, recognised, written with history; and the same again."""

from __future__ import annotations

import json
import time
from typing import Any

from .figures import Figure, Observation, Result, milliseconds
from .installation import Installation
from .pipeline import Pipeline, token

TITLE = "Importing findings"
NUMBER = 10_000
BUDGET = 10.0


def measure(installation: Installation) -> list[Result]:
    token()
    findings = _findings()
    with installation.web() as port:
        pipeline = Pipeline(port)
        pipeline.post_report("0.1.0", "grype.json", _report(findings[:10]))  # warms up the web server
        first = _timed(pipeline, "1.0.0", findings)
        again = _timed(pipeline, "1.0.0", findings)
        rescan = _timed(pipeline, "1.1.0", findings)
        changed = _timed(pipeline, "1.2.0", [*findings[100:], *_findings(NUMBER, 100)])
        started = time.perf_counter()
        pipeline.post_report("1.3.0", "grype.json", _report(findings[:10]))
        small = time.perf_counter() - started
    return [
        Figure(
            f"{NUMBER:,} findings posted → answered (first scan)",
            f"{first:.1f} s",
            f"{BUDGET:g} s",
            first / BUDGET,
            1.0,
            note="Over HTTP, with the report read in a process of its own, history rows and occurrences written.",
        ),
        Observation("… the next build with the same findings", f"{rescan:.1f} s"),
        Observation("… a build with 100 new and 100 fixed findings", f"{changed:.1f} s"),
        Observation("… the same report again (nothing changes)", f"{again:.1f} s"),
        Observation("A report of 10 findings after it, which fixes the rest", milliseconds(small)),
    ]


def _timed(pipeline: Pipeline, seed: str, findings: list[dict[str, Any]]) -> float:
    content = _report(findings)
    started = time.perf_counter()
    pipeline.post_report(seed, "grype.json", content)
    return time.perf_counter() - started


def _findings(start: int = 0, number: int = NUMBER) -> list[dict[str, Any]]:
    """As Grype writes its matches."""
    return [
        {
            "vulnerability": {
                "id": f"CVE-2026-{10_000 + n}",
                "severity": ("High", "Medium", "Low")[n % 3],
                "cvss": [
                    {
                        "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N",
                        "metrics": {"baseScore": 5.3},
                    }
                ],
                "fix": {"versions": ["2.0.0"], "state": "fixed"},
            },
            "artifact": {
                "name": f"package-{n % 900}",
                "version": "1.0.0",
                "type": "npm",
                "purl": f"pkg:npm/package-{n % 900}@1.0.0",
                "locations": [{"path": f"/app/node_modules/package-{n % 900}/package.json"}],
            },
        }
        for n in range(start, start + number)
    ]


def _report(findings: list[dict[str, Any]]) -> bytes:
    return json.dumps(
        {"matches": findings, "source": {"type": "image"}, "descriptor": {"name": "grype"}}
    ).encode()
