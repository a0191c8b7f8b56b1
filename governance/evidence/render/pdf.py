"""The PDF: data as JSON into a fixed typst template, compiled in a child process with limits of memory and time.

The child has a private folder as its root and no fonts but ours, so what is set cannot read anything else and looks the
same everywhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from .document import as_of

HERE = Path(__file__).parent
TEMPLATE = HERE / "evidence.typ"
FONTS = HERE / "fonts"
SECONDS = 120
MEMORY = 3 << 30


class NotSet(RuntimeError):
    """The PDF could not be set; the text says why."""


def render_pdf(folder: Path, data: dict[str, Any], facts_at: datetime) -> Path:
    """Set the document in a private folder below `folder`."""
    root = folder / "pdf"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    shutil.copy(TEMPLATE, root / "evidence.typ")
    (root / "data.json").write_text(json.dumps(data, ensure_ascii=False))
    target = folder / "evidence.pdf"
    command = [
        *(
            sys.executable,
            "-I",
            str(HERE / "typesetting.py"),
            str(root / "evidence.typ"),
            str(target),
            str(FONTS),
        ),
        *(str(as_of(facts_at)), str(MEMORY), str(SECONDS)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=root)
    except subprocess.TimeoutExpired as error:
        raise NotSet(f"Setting the PDF took longer than {SECONDS} seconds.") from error
    if done.returncode:
        raise NotSet(
            f"The PDF could not be set: {(done.stderr or done.stdout).strip()[-800:] or f'exit {done.returncode}'}"
        )
    return target
