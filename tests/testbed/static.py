"""Collected static files for the web server under test; kept between runs until a file changes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from releasetrain.embedded.fingerprint import ROOT, static_digest

_CACHE = ROOT / "var" / "test"


def provide(target: Path) -> None:
    """Make `target` (STATIC_ROOT of this process) show the collected files."""
    if target.is_symlink():
        return
    kept = _CACHE / f"static-{static_digest()[:20]}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            for old in _CACHE.glob("static-*"):
                shutil.rmtree(old, ignore_errors=True)
            _collect(kept)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(kept, target)


def _collect(kept: Path) -> None:
    workshop = _CACHE / "collecting"
    shutil.rmtree(workshop, ignore_errors=True)
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "collectstatic",
        "--noinput",
        "--skip-checks",
        "--verbosity=0",
    ]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "RELEASETRAIN_VAR": str(workshop)}, check=True)
    (workshop / "static").rename(kept)
    shutil.rmtree(workshop, ignore_errors=True)
