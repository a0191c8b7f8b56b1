"""Where the published vectors are, and the tally each judge keeps of the cases it ran."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


def folder(*parts: str) -> Path:
    """A folder of the vectors; skips with a clear message where they are not there."""
    root = os.environ.get("RELEASETRAIN_VECTORS")
    if not root:
        pytest.skip("RELEASETRAIN_VECTORS names no folder of published vectors")
    path = Path(root).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the published vectors have no {'/'.join(parts)}")
    return path


def load(*parts: str) -> Any:
    """A JSON file of the vectors."""
    return json.loads(folder(*parts).read_bytes())


@dataclass
class Tally:
    """How many cases the files hold, how many were run, and which disagreed."""

    held: int
    known: dict[str, str] = field(default_factory=dict)
    run: int = 0
    agreed: int = 0
    wrong: list[str] = field(default_factory=list)
    differing: set[str] = field(default_factory=set)

    def case(self, name: str, agrees: bool, note: object = "") -> None:
        """Count one case; a disagreement must be in the table of known differences."""
        self.run += 1
        if agrees:
            self.agreed += 1
        elif name in self.known:
            self.differing.add(name)
        else:
            self.wrong.append(f"{name}: {note}")


JUDGES: dict[str, Callable[[], Tally]] = {}


def judge(name: str) -> Callable[[Callable[[], Tally]], Callable[[], Tally]]:
    """Register the judge of one folder of vectors."""

    def register(function: Callable[[], Tally]) -> Callable[[], Tally]:
        JUDGES[name] = function
        return function

    return register


def refuses(kind: type[Exception], function: Callable[..., Any], *args: Any) -> bool:
    """Whether the call raises the typed refusal; anything else raised is our error and passes through."""
    try:
        function(*args)
    except kind:
        return True
    return False
