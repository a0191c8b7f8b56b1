"""What the product imports is what requirements/run.in names: a fresh installation has it, and on purpose."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from releasetrain.embedded.fingerprint import ROOT

PACKAGES = ("releasetrain", "trains", "governance", "planning", "problems", "reviews", "metrics")
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _named(file: Path) -> set[str]:
    lines = (line.split("#")[0].strip() for line in file.read_text().splitlines())
    return {
        _normal(re.split(r"[\[<>=~; \\]", line)[0]) for line in lines if line and not line.startswith("-")
    }


def _imported() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    yield from ((alias.name, file) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module, file


def test_every_import_is_named() -> None:
    named = _named(ROOT / "requirements" / "run.in")
    brought_by = packages_distributions()
    unnamed = set()
    for module, file in _imported():
        top = module.split(".")[0]
        if top in sys.stdlib_module_names or top in PACKAGES:
            continue
        if not named & {_normal(name) for name in brought_by.get(top, [])}:
            unnamed.add(f"{top} ({file.relative_to(ROOT)})")
    assert not unnamed, f"Name these in requirements/run.in and run `make lock`: {sorted(unnamed)}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_pin_by_digest_and_hold_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    pins = re.findall(
        r"^[a-z0-9][^ ]*==[^ ]+ \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE
    )
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 0


@pytest.mark.parametrize("kind", ["bootstrap", "run", "dev"])
def test_locks_hold_everything_that_is_asked_for(kind: str) -> None:
    folder = ROOT / "requirements"
    assert _named(folder / f"{kind}.in") <= _named(folder / f"{kind}.txt")


def test_development_runs_the_versions_that_the_product_runs() -> None:
    def pins(name: str) -> set[str]:
        return set(
            re.findall(r"^[a-z0-9][^ ]*==[^ ]+", (ROOT / "requirements" / name).read_text(), re.MULTILINE)
        )

    assert pins("run.txt") <= pins("dev.txt")
