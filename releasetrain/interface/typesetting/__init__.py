"""PDF and PNG: data as JSON into a fixed typst template, compiled in a child process with limits of memory and time.

The child has a private folder as its root and no fonts but ours, so what is set cannot read anything else and looks the
same everywhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent
FONTS = HERE / "fonts"
SECONDS = 120
MEMORY = 3 << 30


class NotSet(RuntimeError):
    """The PDF could not be set; the text says why."""


def typeset(
    root: Path,
    template: Path,
    data: dict[str, Any],
    target: Path,
    moment: int,
    seconds: int = SECONDS,
    *,
    form: Literal["pdf", "png"] = "pdf",
) -> Path:
    """Set `data` with `template` in the private folder `root` (made anew) as of a moment in Unix seconds.

    A picture has one page, which the template makes as long as it needs to be.
    """
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    source = root / template.name
    shutil.copy(template, source)
    (root / "data.json").write_text(json.dumps(data, ensure_ascii=False))
    command = [
        *(sys.executable, "-I", str(HERE / "child.py"), str(source), str(target), str(FONTS)),
        *(str(moment), str(MEMORY), str(seconds), form),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=root)
    except subprocess.TimeoutExpired as error:
        raise NotSet(f"Setting the page took longer than {seconds} seconds.") from error
    if done.returncode:
        raise NotSet(
            f"The page could not be set: {(done.stderr or done.stdout).strip()[-800:] or f'exit {done.returncode}'}"
        )
    return target
