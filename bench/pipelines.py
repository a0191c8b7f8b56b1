"""Fifty pipelines at once: each posts its reports and waits for its verdict, over HTTP, on one web server and one worker."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from .figures import Figure, Observation, Result, median, milliseconds, percentile
from .installation import Installation
from .pipeline import Pipeline, token

TITLE = "Fifty pipelines at once"
CLIENTS, ROUNDS, ALONE = 50, 3, 8


def measure(installation: Installation) -> list[Result]:
    token()
    with installation.web() as port, installation.worker():
        one = Pipeline(port)
        alone = [_verdict_of(one, f"3.{number}.0")[1] for number in range(ALONE)][2:]
        posted: list[float] = []
        waited: list[float] = []
        together = Barrier(CLIENTS)

        def run(client: int) -> list[tuple[float, float]]:
            pipeline = Pipeline(port)
            found = []
            for turn in range(ROUNDS):
                together.wait(timeout=600)
                found.append(_verdict_of(pipeline, f"4.{turn}.{client}"))
            return found[1:]  # the first round warms up

        with ThreadPoolExecutor(CLIENTS) as pool:
            for rounds in pool.map(run, range(CLIENTS)):
                posted += [post for post, _ in rounds]
                waited += [wait for _, wait in rounds]
    p95, serial = percentile(waited, 0.95), CLIENTS * median(alone)
    return [
        Figure(
            "Reports posted → verdict with 50 clients, p95",
            milliseconds(p95),
            f"50 times a lone pipeline's wait: {milliseconds(serial)}",
            p95 / serial,
            1.0,
            note=f"{CLIENTS} clients start together, {ROUNDS - 1} rounds measured; four reports each, all builds different.",
        ),
        Observation(
            "… median", milliseconds(median(waited)), f"a lone pipeline waits {milliseconds(median(alone))}"
        ),
        Observation(
            "… posting the four reports, p95", milliseconds(percentile(posted, 0.95)), "all clients at once"
        ),
    ]


def _verdict_of(pipeline: Pipeline, seed: str) -> tuple[float, float]:
    """Seconds for posting the reports, and from then to the verdict."""
    began = time.perf_counter()
    pipeline.post_reports(seed)
    posted = time.perf_counter()
    verdict = pipeline.verdict(seed)
    ended = time.perf_counter()
    if verdict != "pass":
        raise RuntimeError(f"The gate should let the build pass, and says {verdict}.")
    return posted - began, ended - posted
