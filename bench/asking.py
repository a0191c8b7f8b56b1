"""Asking a settled gate with a token, beside a bare view with one SELECT under the same kind of server."""

from __future__ import annotations

import json

from . import load
from .figures import AT_LEAST, Figure, Result, median
from .installation import Installation
from .pipeline import ROOT, Pipeline, question, token

TITLE = "Asking a settled gate"
ROUNDS, SECONDS = 5, 3.0


def measure(installation: Installation) -> list[Result]:
    authorization = ("Authorization", f"Bearer {token()}")
    with installation.web() as port:
        with installation.worker():
            pipeline = Pipeline(port)
            pipeline.post_reports("settled")
            verdict = pipeline.verdict("settled")
        if verdict != "pass":
            raise RuntimeError(f"The gate should let the build pass, and says {verdict}.")
        with installation.web(
            "bench.bare.wsgi:application", DJANGO_SETTINGS_MODULE="bench.bare.settings"
        ) as bare_port:
            ask = load.Post(port, f"{ROOT}/gates/evaluate", json.dumps(question("settled")), (authorization,))
            bare = load.Post(bare_port, "/bare", json.dumps({"slug": "northwind"}))
            asked, plain = _alternately(ask, bare)
    ours, theirs = median(asked), median(plain)
    return [
        Figure(
            "A settled gate asked with a token",
            f"{ours:,.0f} answers/s",
            f"bare view with one SELECT: {theirs:,.0f} answers/s",
            ours / theirs,
            0.5,
            AT_LEAST,
            f"Medians of {ROUNDS} rounds of {SECONDS:.0f} s each, taken in turns; load by {load.generator()}.",
        )
    ]


def _alternately(one: load.Post, other: load.Post) -> tuple[list[float], list[float]]:
    for post in (one, other):
        load.throughput(post, 1.0)  # every worker has its connection and its code
    ones, others = [], []
    for _ in range(ROUNDS):
        ones.append(load.throughput(one, SECONDS))
        others.append(load.throughput(other, SECONDS))
    return ones, others
