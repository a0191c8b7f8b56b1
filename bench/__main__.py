"""`python -m bench [name …]`: measure all, or the named ones; measuring all writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib

from . import report
from .installation import installed

ORDER = (
    "asking",
    "writing",
    "verdict",
    "pipelines",
    "findings",
    "importing",
    "dora",
    "events",
    "notifications",
    "scale",
    "board",
    "sequencing",
    "features",
    "evidence",
    "explorer",
    "search",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(ORDER))
    names = parser.parse_args().names
    if unknown := set(names) - set(ORDER):
        parser.error(f"There is no {', '.join(sorted(unknown))}; choose from {', '.join(ORDER)}.")
    busy = report.load_average()
    print("Setting up a throw-away installation …", flush=True)
    measured = []
    with installed() as installation:
        for name in names or ORDER:
            module = importlib.import_module(f"bench.{name}")
            results = module.measure(installation)
            report.show(module.TITLE, results)
            measured.append((module.TITLE, results))
    if not names:
        report.write(measured, busy)
        print(f"\nWritten to {report.FILE.relative_to(report.ROOT)}.")


if __name__ == "__main__":
    main()
