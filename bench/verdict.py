"""From the first posted report to the verdict, over HTTP, with an idle worker."""

from __future__ import annotations

import time

from .figures import Figure, Observation, Result, median, milliseconds, percentile
from .installation import Installation
from .pipeline import Pipeline, token

TITLE = "From reports to a verdict"
ROUNDS = 30


def measure(installation: Installation) -> list[Result]:
    token()
    posting: list[float] = []
    whole: list[float] = []
    with installation.web() as port, installation.worker():
        pipeline = Pipeline(port)
        for number in range(ROUNDS + 3):
            seed = f"1.{number}.0"
            started = time.perf_counter()
            pipeline.post_reports(seed)
            posted = time.perf_counter()
            verdict = pipeline.verdict(seed)
            ended = time.perf_counter()
            if verdict != "pass":
                raise RuntimeError(f"The gate should let the build pass, and says {verdict}.")
            if number >= 3:  # the first rounds warm up web server and worker
                posting.append(posted - started)
                whole.append(ended - started)
            time.sleep(0.2)  # the worker is idle again
    p95 = percentile(whole, 0.95)
    return [
        Figure(
            "Reports posted → verdict visible, p95",
            milliseconds(p95),
            "1 s",
            p95,
            1.0,
            note=f"{ROUNDS} rounds; four reports each.",
        ),
        Observation(
            "… median",
            milliseconds(median(whole)),
            f"of which {milliseconds(median(posting))} for posting the four reports",
        ),
    ]
