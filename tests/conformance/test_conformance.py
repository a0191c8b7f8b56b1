"""Every folder of published vectors: all cases run, each agrees or differs for a written reason."""

from importlib import import_module
from pathlib import Path

import pytest

from .vectors import JUDGES, Tally

for _module in sorted(Path(__file__).parent.glob("judge_*.py")):
    import_module(f"{__package__}.{_module.stem}")

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_published_cases_agree(name: str) -> None:
    tally = JUDGES[name]()
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.run == tally.held > 0
    assert tally.differing == set(tally.known), "a known difference no longer differs: take it off the table"
    assert _row(name, tally) in PAGE.read_text(), f"docs/reference/conformance.md lacks: {_row(name, tally)}"


def _row(name: str, tally: Tally) -> str:
    return f"| {name} | {tally.run} | {tally.agreed} | {len(tally.differing)} |"
